A key of RSA 1024, where the server used to show one of 2048.

Six sessions of weak-dhe2048 in four days, then weak-rsa1024.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
