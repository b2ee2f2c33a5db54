Somebody puts RSET behind the client's STARTTLS.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (203.0.113.2, port 25) is Postfix 3.7.11. A program on the path lies (inject-command).
Seen behind the attacker. Nothing may follow STARTTLS before its reply (RFC 3207 4); Postfix throws it away, other servers once obeyed it inside TLS.
Recorded between the attacker and the server, with the DNS of the client's own validating resolver, which began with an empty cache.
