Two servers of one network stand at another distance than before, and are the same as ever.

Routes change. The twin of history-route: the same days, then the same sessions with the server's TTL less by six.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
