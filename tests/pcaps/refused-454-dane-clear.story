STARTTLS of a DANE host is answered with 454, and a sender that does not insist sends in clear.

Postfix 3.7.11 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (refuse454).
The twin of refused-454-dane and refused-454-benign: a promise, and the mail in clear.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
