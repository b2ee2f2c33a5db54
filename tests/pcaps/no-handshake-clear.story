After 220 an own client goes on in clear, and the message crosses.

A scripted client sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (forge220).
The 220 came from the path, the server never heard of STARTTLS, and a broken client talks on as if nothing had been agreed.
A violation of RFC 3207 4.1 by somebody; medium for a client of our own.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
