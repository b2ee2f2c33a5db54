The MX host is an alias into another signed zone.

Postfix 3.7.11, which verifies by DANE, sends to india.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
RFC 7672 2.2.2: TLSA stands at the target; that of the alias, another key, is not asked for.
Recorded on the client's link.
