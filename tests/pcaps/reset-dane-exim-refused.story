The handshake with a DANE host is reset, and Exim, who verifies by DANE, waits.

Exim 4.96 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (reset).
As reset-dane-refused, with another client: for a DANE host
Exim does not come back in clear.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
