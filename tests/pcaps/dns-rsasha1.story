A zone signed with RSASHA1.

Postfix 3.7.11, which verifies by DANE, sends to charlie.org at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
The validator still takes SHA-1; RFC 9905 tells others not to.
Recorded on the client's link.
