After 220 an own client says EHLO again in clear, and the message crosses.

A scripted client sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (forge220).
EHLO after the 220 is what a client says inside TLS (RFC 3207 4.2): the text of a decrypted session looks so.
The site says nothing of a mirror, so it is reported.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
