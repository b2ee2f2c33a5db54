The same, and another program behind the link asks for the keys.

Postfix 3.7.11, which verifies by DANE, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: nobody of its own. Nobody lies.
Whoever asked: what is signed is true.
Recorded on the client's link.
