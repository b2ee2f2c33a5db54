A self-signed certificate where an authority is published (2 1 1).

Postfix 3.7.11 sends to bravo.net; its server mx.bravo.net (198.51.100.11, port 25) is Postfix 3.7.11. Nobody lies.
Not under the published authority; the sender gives up.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
