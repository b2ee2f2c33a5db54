The client's EHLO arrives as XXXX, and HELO mail goes in clear.

Postfix 3.7.11 sends to echo.org; its server mx.echo.org (203.0.113.2, port 25) is Postfix 3.7.11. A program on the path lies (rewrite-ehlo).
Seen behind the attacker. No client says XXXX where EHLO is due. Nothing is promised: an entry.
Recorded between the attacker and the server, with the DNS of the client's own validating resolver, which began with an empty cache.
