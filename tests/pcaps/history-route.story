Two servers of one network stand at another distance than before, and show another key.

Six sessions of no-tlsa-nsec and of insecure-tls12 in four days, then cert-wrong-name under both addresses, the server's TTL less by six. Twin: history-moved.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
