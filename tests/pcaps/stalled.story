Somebody drops everything that is TLS: the ClientHello is never acknowledged.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (stall).
What is readable passes, the ClientHello is sent again and again. One session shows an interference or a bad line: an entry.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
