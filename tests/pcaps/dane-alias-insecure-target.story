The MX host is an alias for a host that is not signed, and has TLSA itself.

Postfix 3.7.11 sends to echo.org; its server mx.echo.org (198.51.100.20, port 25) is Postfix 3.7.11. Nobody lies.
RFC 7672 2.2.2: the target is insecure, the alias secure: its own name is the base domain, and the SNI.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
