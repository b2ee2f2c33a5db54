A forged TLSA answer comes before the true one.

Swaks, which does not verify, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Somebody in front of the name server lies about TLSA (race).
Two answers to one question, and the one that came first does not validate: as dns-altered-once.
Recorded on the client's link.
