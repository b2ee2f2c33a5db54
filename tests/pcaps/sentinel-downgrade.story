The client's offer of TLS 1.3 is hidden from the server.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (downgrade).
The server answers TLS 1.2 with the sentinel that says it could have done 1.3; the client, which offered 1.3, aborts
(RFC 8446 4.1.3). Proof that the offer was altered.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
