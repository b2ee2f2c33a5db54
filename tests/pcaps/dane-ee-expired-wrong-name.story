An expired certificate with another name and the published key (3 1 1).

Postfix 3.7.11 sends to mike.net; its server mx.mike.net (198.51.100.16, port 25) is Postfix 3.7.11. Nobody lies.
RFC 7672 3.1.1: with usage 3 neither the name nor the dates count. Authenticated.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
