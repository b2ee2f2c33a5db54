A greeting of stars, HELO and mail in clear, where the server used to do TLS.

Six sessions of no-tlsa-nsec in four days, then banner-masked, which alone is low. Vector 12.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
