A server without a certificate agrees to STARTTLS, and the handshake fails.

Postfix 3.7.11 sends to echo.org; its server mx.echo.org (198.51.100.20, port 25) is Postfix 3.7.11. Nobody lies.
The client offers no anonymous suite, the server has no other: alert 40, and the mail waits.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
