The certificate changes before the TLSA record does.

Postfix 3.7.11, which verifies by DANE, sends to papa.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
The sender refuses; the record that fits comes later in the capture: no attack, a roll-over in the wrong order.
Recorded on the client's link.
