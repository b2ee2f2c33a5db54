A client of somebody's, which knows no EHLO, sends to our server.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
Old and legal. Counted.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
