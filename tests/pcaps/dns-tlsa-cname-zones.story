The owner of TLSA is an alias into another signed zone.

Postfix 3.7.11, which verifies by DANE, sends to kilo.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
The base domain stays that of the MX host.
Recorded on the client's link.
