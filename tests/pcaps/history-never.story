A server that never offers STARTTLS.

Seven sessions of no-starttls-insecure-domain in four days: there is no habit of TLS that could be broken. The twin of history-strip.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
