STARTTLS of one server is masked for three clients of one network.

Each has its finding, but three clients behind one path say no more of where it happens than one does. The twin of several-clients-masked.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
