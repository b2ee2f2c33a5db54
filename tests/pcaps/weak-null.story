Two Exim agree on a suite that encrypts nothing.

Exim 4.96 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Exim 4.96. Nobody lies.
Of old age rather than by an attack: low.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
