A zone signed with Ed25519.

Postfix 3.7.11, which verifies by DANE, sends to bravo.org at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
RFC 8080.
Recorded on the client's link.
