STARTTLS reaches the server as NOOP, and Postfix takes 250 for a yes.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (noop).
Postfix sends its ClientHello behind the 250; the server reads it as commands and says 500 several times.
Nothing is promised, and a server with an odd 250 could do so: an entry.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
