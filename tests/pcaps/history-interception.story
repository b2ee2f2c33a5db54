Three servers of different operators, each known by its own key, show new ones of one private issuer.

Each session of the first day of several-inspected-three six times in four days, then those of the second. Without a history (several-inspected-three) it
is medium.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
