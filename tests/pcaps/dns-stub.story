The MTA's own stub asks a resolver on the other side of the link, with DO.

Postfix 3.7.11, which verifies by DANE, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: nobody of its own. Nobody lies.
The signatures cross, the keys do not: nobody asked for them. Not provable from here, and not bogus.
Recorded on the client's link.
