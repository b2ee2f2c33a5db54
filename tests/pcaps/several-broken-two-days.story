Handshakes of one client with one server are cut on two days.

The twin of several-broken-days.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
