The offer of STARTTLS is removed, and a sender that does not insist sends in clear.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (strip).
The domain's DNSSEC promises TLS (TLSA 3 1 1), the EHLO reply as seen does not offer it, and the message crosses in clear: critical.
Only an indication of tampering, for the server's operator could have broken his own promise.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
