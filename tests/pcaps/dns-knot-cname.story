Knot Resolver, and the MX host is an alias into another zone.

Postfix 3.7.11, which verifies by DANE, sends to india.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Knot Resolver. Nobody lies.
As dns-cname-zones.
Recorded on the client's link.
