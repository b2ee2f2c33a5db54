TLSA denied by a zone that signs with opt-out itself.

Postfix 3.7.11, which verifies by DANE, sends to golf.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
RFC 5155 9.2: the span denies nothing for sure; insecure, not absent.
Recorded on the client's link.
