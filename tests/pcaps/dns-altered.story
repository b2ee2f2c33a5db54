TLSA answers are altered on the path.

Swaks, which does not verify, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Somebody in front of the name server lies about TLSA (alter).
No answer validates; mail is sent by a sender that does not look.
Recorded on the client's link.
