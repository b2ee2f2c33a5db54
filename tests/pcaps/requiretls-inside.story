MAIL with REQUIRETLS inside TLS.

A scripted client sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
Where it belongs, and not to be seen. The twin of requiretls-clear.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
