Three servers of different operators seem to be somebody else to one client.

mut-proxy-suspected-both under three addresses within minutes. Twin: several-proxied-later.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
