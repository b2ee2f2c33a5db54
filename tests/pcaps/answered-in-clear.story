STARTTLS is answered with 220, the ClientHello with an SMTP error.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (answer-clear).
The server never heard of STARTTLS: somebody on the path said 220. Proof, without any promise.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
