A monitor makes the handshake and says QUIT inside.

OpenSSL 3.0.22 (s_client) sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
One session of it looks like a sender that refuses its peer (intercept-tls13-refused); nothing is promised: an entry.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
