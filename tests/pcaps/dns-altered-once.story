The first TLSA answer is altered on the path, the next is true.

Swaks, which does not verify, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Somebody in front of the name server lies about TLSA (alter 1).
The resolver asks again, and so do we: the true answer is in the capture. The certificate is judged by it; that somebody lied is reported.
Recorded on the client's link.
