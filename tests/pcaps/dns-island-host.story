A signed domain whose MX host is in an unsigned zone.

Postfix 3.7.11, which verifies by DANE, sends to mike.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
The address is insecure: TLSA is not asked for.
Recorded on the client's link.
