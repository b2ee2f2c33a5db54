The greeting of a DANE host is masked, Postfix takes the host for an old firewall and says HELO.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (stars).
Stars in the greeting switch ESMTP off in Postfix (smtp_pix_workarounds), and with it STARTTLS:
the message to a DANE host crosses in clear.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
