TLS 1.2, the certificate is the one that DNSSEC publishes (3 1 1).

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
The key in the certificate is the published one: authenticated, nothing to report.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
