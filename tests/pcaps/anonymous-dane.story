An anonymous suite with a DANE host.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
No certificate exists that could be the published one, and a message went into that TLS. The twin of anonymous-benign.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
