EHLO is answered with 502 by somebody on the path, and HELO mail goes in clear.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (ehlo502).
Without EHLO no STARTTLS: the message to a DANE host crosses in clear.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
