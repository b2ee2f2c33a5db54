The resolver knew TLSA before the capture began; all else is on the link.

Postfix 3.7.11, which verifies by DANE, sends to alpha.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
What is missing is the TLSA RRset itself: nobody may take it for absent.
Recorded on the client's link.
