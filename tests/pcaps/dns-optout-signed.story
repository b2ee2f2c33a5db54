A signed zone below an opt-out zone.

Postfix 3.7.11, which verifies by DANE, sends to foxtrot.info at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
Its DS is signed; opt-out does not touch it.
Recorded on the client's link.
