A certificate is renewed with a new key, by the authority that the server is known by.

The everyday case: a note. Six times the first session of several-cert-new-key in four days, then its last; registry.crt is the authority's certificate,
which the server sends. The twin of history-issuer and history-lookalike.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
