TLS from the first octet on port 465.

swaks 20201014.0 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 465) is Postfix 3.7.11. Nobody lies.
As RFC 8314 wants it.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
