Two of three servers, each known by its own key, show new ones of one private issuer.

As history-interception, but the third is as ever: two each have findings of their own, and there is none about all.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
