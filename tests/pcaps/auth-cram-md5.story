CRAM-MD5 in clear on the submission port.

swaks 20201014.0 sends to charlie.net; its server mx.charlie.net (198.51.100.12, port 587) is Exim 4.96. Nobody lies.
No password crosses, but enough to guess it at leisure: medium.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
