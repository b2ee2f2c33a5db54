TLS 1.2 for a ClientHello that used to be answered with TLS 1.3.

Six sessions of dane-match-tls13 in four days, then demo/dane-match-tls12: the same client, the same offer.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
