The server greets the public address of our own NAT.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Exim 4.96. A program on the path lies (pass).
The site says that this is its own address. The twin of proxy-transparent.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
