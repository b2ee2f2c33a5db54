STARTTLS is answered with 454, and Postfix, to whom TLS is welcome, goes on in clear.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (refuse454).
Postfix sends in clear in the same session. Nothing is promised: an entry in the session, no alert.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
