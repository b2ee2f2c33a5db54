TLSA is answered REFUSED.

Swaks, which does not verify, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Somebody in front of the name server lies about TLSA (refused).
Without the proof of absence nothing is absent; what was withheld is not in the capture.
Recorded on the client's link.
