A signed domain without TLSA, denied by NSEC3.

Postfix 3.7.11 sends to delta.net; its server mx.delta.net (198.51.100.13, port 25) is Postfix 3.7.11. Nobody lies.
As no-tlsa-nsec, with NSEC3.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
