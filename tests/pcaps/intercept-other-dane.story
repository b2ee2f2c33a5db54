TLS 1.2 ends at a stranger who has a DANE domain of his own, key and greeting.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (intercept).
The greeting says mx.kilo.net, and the key is that of mx.kilo.net (TLSA 3 1 1): hints of the server's own. The client meant mx.alpha.net (SNI).
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
