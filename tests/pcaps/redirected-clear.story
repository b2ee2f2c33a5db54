Mail for a DANE domain goes in clear to a server that is none of its MX hosts.

swaks 20201014.0 sends to echo.org; its server mx.echo.org (198.51.100.20, port 25) is Postfix 3.7.11. Nobody lies.
Every MX host of alpha.net promises TLS, whatever server was led to: critical by the domain.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
