Unbound that validates and forwards to a resolver on the other side of the link.

Postfix 3.7.11, which verifies by DANE, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound, which forwards. Nobody lies.
No referral crosses the link: DS and DNSKEY are asked for by name.
Recorded on the client's link.
