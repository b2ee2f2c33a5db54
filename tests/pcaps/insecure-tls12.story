TLS 1.2 with an unsigned domain.

Postfix 3.7.11 sends to echo.org; its server mx.echo.org (198.51.100.20, port 25) is Postfix 3.7.11. Nobody lies.
The delegation is provably insecure: DANE does not apply.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
