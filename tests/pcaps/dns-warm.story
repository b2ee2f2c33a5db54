The resolver knew everything before the capture began.

Postfix 3.7.11, which verifies by DANE, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
No DNS on the link: incomplete, never bogus, and no verdict is made up.
Recorded on the client's link.
