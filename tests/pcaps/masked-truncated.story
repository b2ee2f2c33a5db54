The EHLO reply ends one line before STARTTLS.

Postfix 3.7.11 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the path lies (truncate).
A hyphen has become a blank: the client stops reading, and the rest of the reply follows unasked for.
Postfix takes it for the answers to its next commands, is out of step at DATA, and sends RSET and QUIT as if they were the message.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
