In TLS 1.3, the record that holds the certificate is of another length than ever.

It is a stranger's (intercept-tls13), behind six sessions of dane-match-tls13 in four days; without the DNS, and without a sight of the certificate, its
length is all there is: low.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
