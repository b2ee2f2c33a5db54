Three servers of different operators seem to be somebody else to one client, an hour apart each.

Each is said; what lies that far apart need not have one reason. The twin of several-proxied.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
