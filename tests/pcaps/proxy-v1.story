A load balancer puts a PROXY header, version 1, in front of the dialogue.

swaks 20201014.0 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
The header belongs to the path, not to SMTP, and names the client behind it.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
