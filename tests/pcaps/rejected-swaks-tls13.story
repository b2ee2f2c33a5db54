A sender that verifies certificates meets a self-signed one over TLS 1.3.

swaks 20201014.0 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
The certificate is self-signed, the sender does not know its issuer (alert 48, in clear), and the mail waits.
An honest server and no promise, but a client of our own: low.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
