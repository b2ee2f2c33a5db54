The client's STARTTLS arrives as XXXXXXXX.

Postfix 3.7.11 sends to echo.org; its server mx.echo.org (203.0.113.2, port 25) is Postfix 3.7.11. A program on the path lies (rewrite).
Seen behind the attacker: no client says XXXXXXXX where STARTTLS is due. The message goes in clear.
Recorded between the attacker and the server, with the DNS of the client's own validating resolver, which began with an empty cache.
