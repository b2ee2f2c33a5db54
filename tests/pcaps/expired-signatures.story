A zone whose signatures ran out, and mail is delivered all the same.

swaks 20201014.0 sends to juliet.org; its server mx.juliet.org (198.51.100.25, port 25) is Postfix 3.7.11. Nobody lies.
A sender that validates would have waited (RFC 7672 2.1.2); this one does not ask DNS for TLSA.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
