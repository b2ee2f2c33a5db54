STARTTLS reaches the server as NOOP.

swaks 20201014.0 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (noop).
The server answers 250, which is no answer to STARTTLS, and the client goes on in clear.
A promise is broken: critical.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
