The certificate matches a SHA-256 record only, and a SHA-512 record is published too.

Postfix 3.7.11 sends to quebec.net; its server mx.quebec.net (198.51.100.19, port 25) is Postfix 3.7.11. Nobody lies.
RFC 7671 9: the stronger digest counts, and it is another key's. Whose record it matches is the publisher: medium.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
