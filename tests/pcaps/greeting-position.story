A server puts STARTTLS into the first line of its EHLO reply.

Postfix 3.7.11 sends to echo.org; its server mx.echo.org (198.51.100.20, port 25) is Postfix 3.7.11. A program in front of the server is part of it and odd (greeting-line); nobody lies.
No keyword belongs there (RFC 5321 4.1.1.1): a broken server, not stripping. The twin of no-starttls-insecure-domain.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
