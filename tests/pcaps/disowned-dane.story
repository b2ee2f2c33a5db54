STARTTLS is offered, and then not known (502).

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (disown).
A server that offers STARTTLS knows it: strong. A promise is broken: critical.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
