The keyword STARTTLS is overwritten with stars; the domain promises nothing.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (mangle).
As masked-keyword, with another mask: eight equal octets in the place of a keyword.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
