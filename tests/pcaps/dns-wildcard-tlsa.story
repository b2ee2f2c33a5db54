The TLSA record stands at a wildcard.

Postfix 3.7.11, which verifies by DANE, sends to hotel.org at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
The proof that no nearer name exists belongs to it.
Recorded on the client's link.
