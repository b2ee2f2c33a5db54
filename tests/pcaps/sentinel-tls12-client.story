A client without TLS 1.3 meets a server with it.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
ServerHello.random carries the sentinel of RFC 8446 4.1.3, and rightly: nobody altered the offer.
The twin of sentinel-downgrade.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
