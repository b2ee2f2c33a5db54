STARTTLS is answered with 454, and Postfix must have TLS.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (refuse454).
Postfix says QUIT where it can, and keeps the message in its queue.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
