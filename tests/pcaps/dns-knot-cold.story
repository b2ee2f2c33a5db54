Knot Resolver walks from the root.

Postfix 3.7.11, which verifies by DANE, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Knot Resolver. Nobody lies.
A third maker.
Recorded on the client's link.
