A handshake is reset, and 25 minutes later the client offers less.

The twin of corr-fallback with the clocks as they were: whoever comes back after two minutes does not come because of that failure.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
