TLS 1.3 ends at a stranger, and the sender, who verifies, says so with an alert.

swaks 20201014.0 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. A program on the path lies (intercept).
The certificate is encrypted, the alert (48) is not: the sender refused whom it met. The domain promises DANE: medium.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
