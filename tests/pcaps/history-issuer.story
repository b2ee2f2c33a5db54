A certificate that signed itself, where the server used to show one of a public authority.

The site knows that authority (authority.yaml). Six sessions of cert-valid in four days, then cert-self-signed. Twin: history-issuer-renewed.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
