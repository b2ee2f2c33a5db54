A client that used to ask for TLS does so with none of five servers.

Six sessions of dane-match-tls13 in four days, then starttls-not-used-own with five addresses of different operators in minutes: somebody near the client
answers, or its configuration was changed. Twin: history-population-few.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
