STARTTLS of four servers of different operators is masked in the same form within a day.

Each is said; nothing is said of all. The twin of several-masked-alike.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
