A chain under the published authority (2 1 1).

Postfix 3.7.11 sends to bravo.net; its server mx.bravo.net (198.51.100.11, port 25) is Postfix 3.7.11. Nobody lies.
The authority's key is published, the authority's certificate is sent, the leaf has the server's name. Authenticated.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
