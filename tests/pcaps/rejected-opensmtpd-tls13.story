OpenSMTPD, who verifies certificates, meets a self-signed one over TLS 1.3.

OpenSMTPD 6.8.0p2 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. Nobody lies.
OpenSMTPD completes the handshake and closes the connection without a word. No SNI, no RCPT: only the DNS answers name the host.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
