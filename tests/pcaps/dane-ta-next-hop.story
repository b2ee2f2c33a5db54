Under the published authority (2 0 1), with the name of the mail domain.

Postfix 3.7.11 sends to oscar.net; its server mx.oscar.net (198.51.100.18, port 25) is Postfix 3.7.11. Nobody lies.
RFC 7672 3.2.2: with a secure MX the next-hop domain is a name to go by, and the sender, who knows it, delivers. A witness of
TLS does not hear the recipient: neither match nor mismatch.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
