All names of the server's own certificate, and another key, by an authority that only bears the same name.

Six times the first session of several-cert-lookalike in four days, then its last. Twin: history-issuer-renewed.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
