The same server, for a domain whose MX is not signed.

Postfix 3.7.11 sends to oscar.net; its server mx.oscar.net (198.51.100.18, port 25) is Postfix 3.7.11. Nobody lies.
The MX host is signed, the way to it is not: only the host's own name counts, and the certificate has that of papa.org.
Postfix sends all the same, and logs "Trusted" where it would say "Verified". The twin of dane-ta-next-hop.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
