Somebody puts a second reply behind the server's 220.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (inject-response).
A client that keeps what it read would take it for a reply inside TLS. Postfix throws it away. High for a client of our own.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
