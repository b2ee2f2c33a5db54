STARTTLS of one server is masked for clients of three networks.

masked-keyword, from three networks within minutes: what they have in common is on the server's side. Twin: several-clients-near.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
