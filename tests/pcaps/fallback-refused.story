A client that lowers its offer of its own will meets a server that supports more.

OpenSSL 3.0.22 (s_client) sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
TLS_FALLBACK_SCSV (RFC 7507) says that an earlier attempt failed. The server answers with alert 86.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
