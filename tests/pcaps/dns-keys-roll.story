A zone changes all its keys between two sessions.

Postfix 3.7.11, which verifies by DANE, sends to oscar.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
Old keys prove the old answers, new keys the new ones; the capture holds both.
Recorded on the client's link.
