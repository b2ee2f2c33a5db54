STARTTLS of five servers of different operators is masked in the same form within a day.

masked-keyword under five addresses, two hours apart: too far for several-masked-five, and one make of device all the same. Twin: several-masked-four.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
