EHLO is answered with 450 for the time being.

Postfix 3.7.11 sends to echo.org; its server mx.echo.org (198.51.100.20, port 25) is Exim 4.96. Nobody lies.
No refusal of EHLO: too busy now. The twin of ehlo-refused-dane.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
