Somebody drops everything that is TLS on the way to a DANE host.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (stall).
As stalled, with a promise: one step below what an unknown end would be.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
