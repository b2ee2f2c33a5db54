TLS 1.0 with a DANE host.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
Who promises by DNSSEC should not stop at TLS 1.0: medium. The key is the published one.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
