A letter is glued to the keyword STARTTLS; the domain promises nothing.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (poison).
STARTTLSX may also be an odd server's own word: low.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
