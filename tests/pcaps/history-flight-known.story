In TLS 1.3, a server with two certificates shows now one, now the other.

Six sessions of dane-match-tls13 in four days, and two of intercept-tls13 (as the server's second machine) among them; then one of each. A length that
is known is no finding, and no match either. Vector 34; the twin of history-flight.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
