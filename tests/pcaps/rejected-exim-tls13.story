Exim, who verifies by DANE, meets another key over TLS 1.3.

Exim 4.96 sends to india.org; its server mx.india.org (198.51.100.24, port 25) is Postfix 3.7.11. Nobody lies.
Exim completes the handshake and closes TLS without a word, not even QUIT: nothing was sent.
The certificate is not visible, and a monitor behaves the same (monitor-close): no finding, but not taken for a delivery.
Recorded on the client's link, in front of any attacker, with the DNS of the client's own validating resolver, which began with an empty cache.
