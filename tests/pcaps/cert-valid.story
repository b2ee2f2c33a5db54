A certificate of the right name under an authority that the site trusts.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
Nothing is wrong with it. The twin of the other cert- captures.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
