A scanner asks for STARTTLS, reads the 220, and says QUIT in clear.

A scripted client sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program in front of the server is part of it and odd (forge220); nobody lies.
As no-handshake-scanner, with a QUIT.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
