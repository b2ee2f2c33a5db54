The sending MTA is Exim (GnuTLS), which verifies by DANE.

Exim 4.96 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
The twin of dane-match-tls12 with another client.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
