A server speaks in clear on port 465, and takes a password.

swaks 20201014.0 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 465) is Exim 4.96. Nobody lies.
As implicit-tls-missing, with credentials (planted): high.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
