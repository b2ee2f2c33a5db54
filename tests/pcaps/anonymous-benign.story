Two Postfix, to whom TLS is welcome, agree on an anonymous suite.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
Allowed between such peers (RFC 7672 8.2): nobody would have looked at a certificate.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
