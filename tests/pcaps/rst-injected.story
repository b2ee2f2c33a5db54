A RST in the server's name for the ClientHello, and the sender comes back in clear.

Exim 4.96 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 25) is Postfix 3.7.11. A program on the side lies (rst); it can add packets and stop none.
The server, which is said to have reset the connection, answers all the same. The twin of reset-benign.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
