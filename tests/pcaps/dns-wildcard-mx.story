The MX record stands at a wildcard, TLSA too.

Postfix 3.7.11, which verifies by DANE, sends to some.lists.hotel.org at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
As dns-wildcard-tlsa.
Recorded on the client's link.
