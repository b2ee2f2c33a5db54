The resolver knew the keys before the capture began, and asks for the rest.

Postfix 3.7.11, which verifies by DANE, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
Signed answers cross without the keys that prove them.
Recorded on the client's link.
