The receiving MTA is Exim (GnuTLS).

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Exim 4.96. Nobody lies.
The twin of dane-match-tls12 with another server.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
