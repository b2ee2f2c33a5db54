The offer of STARTTLS is gone, and mail goes in clear, where the server used to do TLS.

What it says else is what it always said. Six sessions of no-tlsa-nsec in four days, then strip-no-dane, which alone is no alert. Twin: history-never.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
