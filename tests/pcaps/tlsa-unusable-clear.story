Only a 1 1 1 record, and the offer of STARTTLS is removed.

Postfix 3.7.11 sends to golf.org; its server mx.golf.org (198.51.100.22, port 25) is Postfix 3.7.11. A program on the path lies (strip).
Unusable records still promise TLS (RFC 7672 2.2), and the message crosses in clear. The twin of tlsa-unusable-tls.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
