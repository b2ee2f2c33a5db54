A client that used to ask for TLS does so with neither of two servers.

Two are no population. The twin of history-population.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
