An unsigned zone in an opt-out span, with TLSA records of another key.

Postfix 3.7.11, which verifies by DANE, sends to echo.info at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
The span proves that the delegation may be unsigned: what stands there counts for nothing.
Recorded on the client's link.
