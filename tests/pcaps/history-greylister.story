In front of a server that does TLS, a greylister without STARTTLS puts a mail off, and the next day it goes by TLS.

Six sessions of insecure-tls12 in four days, then greylisted-benign, and a day later insecure-tls12. Vector 56.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
