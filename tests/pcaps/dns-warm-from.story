The same capture, with the DNS of the resolver's own capture beside it.

Postfix 3.7.11, which verifies by DANE, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
--dns-from brings the proofs that passed before.
Recorded on the client's link.
Read with --dns-from dns-warm-side.pcapng.
