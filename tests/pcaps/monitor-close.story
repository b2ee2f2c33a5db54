A monitor makes the handshake with a DANE host and leaves.

OpenSSL 3.0.22 (s_client) sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
Only the handshake and close_notify: it wanted the certificate. The twin of intercept-tls13-refused.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
