TLS 1.2 ends at a stranger with a certificate of his own, and the sender does not look.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (intercept).
The certificate has the right name but not the published key (TLSA 3 1 1), and a message went into that TLS: critical,
with proof that the key is not the published one.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
