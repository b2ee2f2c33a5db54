A monitor makes the handshake with a DANE host, says EHLO and QUIT inside.

OpenSSL 3.0.22 (s_client) sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
Its first words inside are longer than QUIT: no refusal.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
