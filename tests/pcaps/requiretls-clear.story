MAIL with REQUIRETLS in clear.

A scripted client sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
RFC 8689 4.1: the parameter belongs inside TLS. Postfix refuses it, for it does not know the extension.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
