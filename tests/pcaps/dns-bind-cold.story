BIND 9 walks from the root.

Postfix 3.7.11, which verifies by DANE, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own BIND 9. Nobody lies.
A second maker: other questions, cookies, priming.
Recorded on the client's link.
