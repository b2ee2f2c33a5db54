Forty TLSA records: UDP is cut, TCP brings them.

Postfix 3.7.11, which verifies by DANE, sends to delta.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
RFC 7766.
Recorded on the client's link.
