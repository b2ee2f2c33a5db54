STARTTLS is masked in place, where the server used to offer it.

Six sessions of no-tlsa-nsec in four days, then masked-keyword, which alone is medium. Vector 9.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
