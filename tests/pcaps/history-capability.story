Where Postfix used to answer, Exim does.

Greeting, keywords and key are others: a migration looks like this, so it is a note. Six sessions of no-tlsa-nsec in four days, then dane-exim-server
under the same address.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
