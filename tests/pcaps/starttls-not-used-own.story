An own client sends in clear although the DANE host offers STARTTLS.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
The server offers, our own MTA does not ask: its administrator or somebody between it and us took TLS away. Critical, for the destination promises TLS.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
