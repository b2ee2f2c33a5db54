TLS 1.3 to a DANE host.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
The certificate is encrypted: nobody on the path can compare it. Encrypted, never authenticated.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
