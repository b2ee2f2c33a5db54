Two TLSA records, one of them of a key that is gone.

Postfix 3.7.11 sends to lima.net; its server mx.lima.net (198.51.100.15, port 25) is Postfix 3.7.11. Nobody lies.
One record that matches suffices.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
