The client's STARTTLS arrives as XXXXXXXX, and the server's complaint quotes it.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (rewrite-echo).
Seen in front of the attacker: we said STARTTLS, the server read something else. (Postfix does not quote; the complaint is in the words of Sendmail.)
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
