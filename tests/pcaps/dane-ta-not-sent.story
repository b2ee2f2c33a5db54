The authority is published by certificate (2 0 1), and the server does not send it.

Postfix 3.7.11 sends to november.net; its server mx.november.net (198.51.100.17, port 25) is Postfix 3.7.11. Nobody lies.
RFC 7672 3.1.2: the authority's certificate has to be in the chain. An error of the operator's; the sender gives up.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
