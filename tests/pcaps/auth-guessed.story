A stranger tries a password at our server, and it is wrong.

swaks 20201014.0 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 587) is Exim 4.96. Nobody lies.
Nobody's password has leaked: counted. The twin of auth-in-clear.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
