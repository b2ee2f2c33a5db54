REQUIRETLS is offered in clear.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program in front of the server is part of it and odd (offer-requiretls); nobody lies.
RFC 8689 2: the keyword belongs into the EHLO reply inside TLS only.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
