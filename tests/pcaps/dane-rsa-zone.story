An RSA certificate in a zone signed with RSA.

Postfix 3.7.11 sends to kilo.net; its server mx.kilo.net (198.51.100.14, port 25) is Postfix 3.7.11. Nobody lies.
The same story with RSA instead of ECDSA, in TLS and in DNSSEC.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
