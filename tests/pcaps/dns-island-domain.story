An unsigned domain whose MX host is signed.

Postfix 3.7.11, which verifies by DANE, sends to lima.info at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
The host's promise holds, the way to it is not proved (RFC 7672 2.2.1).
Recorded on the client's link.
