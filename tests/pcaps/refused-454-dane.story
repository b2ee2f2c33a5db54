STARTTLS is answered with 454 by somebody on the path.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (refuse454).
The sender verifies by DANE and defers: nothing leaks. Only the DNS answers in front of the session name the host.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
