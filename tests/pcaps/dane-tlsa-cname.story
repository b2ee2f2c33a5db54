The TLSA record stands behind an alias of its owner name.

Postfix 3.7.11 sends to sierra.net; its server mx.sierra.net (198.51.100.26, port 25) is Postfix 3.7.11. Nobody lies.
The base domain is that of the MX host all the same.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
