Two sessions, the second resumes the first.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
A resumed TLS 1.2 handshake shows no certificate: the first session is authenticated, the second only encrypted.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
