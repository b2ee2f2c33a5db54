Exim, who verifies by DANE, meets another key over TLS 1.2.

Exim 4.96 sends to india.org; its server mx.india.org (198.51.100.24, port 25) is Postfix 3.7.11. Nobody lies.
Exim completes the handshake and closes TLS without a word, not even QUIT: nothing was sent.
The mismatch is visible: proof.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
