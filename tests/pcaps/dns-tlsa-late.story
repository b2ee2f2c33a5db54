The TLSA record changes, and the server keeps its certificate.

Postfix 3.7.11, which verifies by DANE, sends to papa.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
The sender still knows the old record, within its TTL; another asks and sees the new one.
Recorded on the client's link.
