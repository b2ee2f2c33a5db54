A scanner asks for STARTTLS, reads the 220, and leaves.

A scripted client sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
Who only wants to know whether STARTTLS works needs no handshake. The twin of no-handshake-clear.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
