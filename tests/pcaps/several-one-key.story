Three servers of different operators show one certificate, with the name of none of them.

intercept-other-dane under three addresses within minutes. Without a history it is an indication. Twin: several-hoster.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
