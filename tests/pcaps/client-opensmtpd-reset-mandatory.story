The ClientHello is answered with a RST, and OpenSMTPD must have TLS.

OpenSMTPD 6.8.0p2 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (reset).
OpenSMTPD closes the connection without a word, and keeps the message in its queue.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
