Somebody puts an alert in front of the server's handshake, and the sender comes back in clear.

Exim 4.96 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (alert-first).
A server that gives up does not go on with its handshake. One packet, and the message crosses in clear.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
