Two handshakes with a DANE host are reset, and a sender that does not insist sends in clear.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (reset).
Each reset alone is not delivered and held: medium. The message in clear is critical, for the domain promises TLS (TLSA 3 1 1).
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
