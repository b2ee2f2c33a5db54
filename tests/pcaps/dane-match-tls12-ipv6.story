TLS 1.2 over IPv6 with the published key.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (2001:db8:100::10, port 25) is Postfix 3.7.11. Nobody lies.
The twin of dane-match-tls12 over IPv6.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
