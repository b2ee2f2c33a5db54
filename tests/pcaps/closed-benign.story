A server that ends the connection after the ClientHello.

Postfix 3.7.11 sends to echo.org; its server mx.echo.org (198.51.100.20, port 25) is Postfix 3.7.11. A program in front of the server is part of it and odd (close); nobody lies.
As reset-benign, with FIN.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
