Unbound walks from the root and says of a name only what each server needs.

Postfix 3.7.11, which verifies by DANE, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
QNAME minimisation (RFC 9156): the questions on the link are others than those of the sender.
Recorded on the client's link.
