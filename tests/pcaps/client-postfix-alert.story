The ClientHello is answered with an alert, handshake_failure, and the end, and Postfix, to whom TLS is welcome, sends in clear in the end.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (alert).
Postfix defers, tries TLS once more when it takes the message from its queue, and then sends in clear at once.
Nothing is promised, and each session alone has an innocent reading: entries, no alert.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
