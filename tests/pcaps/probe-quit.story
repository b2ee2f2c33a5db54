A probe reads the offer of STARTTLS and leaves.

swaks 20201014.0 sends to alpha.net; its server mx.alpha.net (198.51.100.10, port 25) is Postfix 3.7.11. Nobody lies.
No mail, no TLS: nothing was left out. The twin of starttls-not-used-own.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
