The suites in the client's offer are replaced on the way.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (swap-suites).
The server chooses a suite that the ClientHello seen here does not name; the client aborts. Proof that the offer was altered.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
