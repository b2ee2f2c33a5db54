Certificate and TLSA record change between two sessions.

Postfix 3.7.11, which verifies by DANE, sends to papa.net at 198.51.100.10, Postfix 3.7.11; resolver: its own Unbound. Nobody lies.
Each session is judged by what was published then.
Recorded on the client's link.
