A server speaks in clear on port 465, and the message crosses.

swaks 20201014.0 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 465) is Postfix 3.7.11. Nobody lies.
Port 465 is TLS from the start (RFC 8314 3.3). The twin of implicit-tls.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
