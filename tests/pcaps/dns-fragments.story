Forty TLSA records in UDP fragments.

Postfix 3.7.11, which verifies by DANE, sends to delta.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound, which takes UDP of 4096 octets. Nobody lies.
EDNS of 4096 octets: the answer is larger than the link's frames.
Recorded on the client's link.
