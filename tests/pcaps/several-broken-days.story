Handshakes of one client with one server are cut on three days.

The first session of client-postfix-reset, three times: the server's TLS may be broken, seen by one client alone. Twin: several-broken-two-days.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
