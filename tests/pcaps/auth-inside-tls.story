The same password inside TLS.

swaks 20201014.0 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 587) is Exim 4.96. Nobody lies.
The twin of auth-in-clear: nothing to see.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
