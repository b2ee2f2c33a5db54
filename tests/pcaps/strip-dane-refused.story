The offer of STARTTLS is removed, and the sender, who verifies by DANE, gives up.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (strip).
The control held: nothing was sent. Neither SNI nor RCPT names the host, the DNS answers in front of the session do.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
