A server whose key cannot be read answers STARTTLS with 454.

Postfix 3.7.11 sends to echo.org; its server mx.echo.org (198.51.100.20, port 25) is Postfix 3.7.11. Nobody lies.
An honest 454, and no promise: the sender goes on in clear. The twin of refused-454-dane.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
