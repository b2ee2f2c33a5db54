The server greets another address than the client's.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Exim 4.96. A program on the path lies (pass).
Exim quotes the address it sees, and the site says that its own is seen as it is: somebody between the two speaks for the client. Low.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
