A greylister without STARTTLS, and the next day the server behind it with it.

greylisted-benign, and a day later insecure-tls12: the same client and address. Vector 56.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
