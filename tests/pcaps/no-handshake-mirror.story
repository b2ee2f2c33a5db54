The mirror port of an inspecting device shows a session decrypted.

A scripted client sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (forge220).
The same octets as in no-handshake-ehlo, and the site says that this is the decrypted mirror: read on, and noted.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
