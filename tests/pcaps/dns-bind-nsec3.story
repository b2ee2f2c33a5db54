BIND 9, a zone of RSA keys and NSEC3.

Postfix 3.7.11, which verifies by DANE, sends to victor.net at 198.51.100.10, Postfix 3.7.11; resolver: its own BIND 9. Nobody lies.
As dns-bind-cold.
Recorded on the client's link.
