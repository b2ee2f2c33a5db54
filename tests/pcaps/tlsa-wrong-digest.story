The operator changed his key and forgot TLSA.

Postfix 3.7.11 sends to india.org; its server mx.india.org (198.51.100.24, port 25) is Postfix 3.7.11. Nobody lies.
An error, not an attack, and on the wire the same as intercept-tls12-refused: the key is not the published one.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
