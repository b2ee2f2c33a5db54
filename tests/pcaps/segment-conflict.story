Somebody answers EHLO before the server does, without STARTTLS.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the side lies (ehlo); it can add packets and stop none.
Two segments at the same place with different octets: the client reads the first, the server's own comes too late, and offers STARTTLS.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
