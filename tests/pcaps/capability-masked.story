Another keyword of eight letters is masked, STARTTLS is offered.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (mask8bit).
XXXXXXXA hides 8BITMIME: a device that masks, and TLS works. The twin of masked-keyword.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
