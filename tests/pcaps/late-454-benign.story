A server agrees to STARTTLS, cannot do it, and says so in clear: 454 after the ClientHello.

Postfix 3.7.11 sends to echo.org; its server mx.echo.org (198.51.100.20, port 25) is Postfix 3.7.11. A program in front of the server is part of it and odd (late454); nobody lies.
The server knows what STARTTLS is, and names the failure. The twin of answered-in-clear.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
