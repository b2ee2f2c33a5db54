Handshakes that name one host are cut behind the ClientHello, and one with another name was not.

dane-match-tls13 under the address of mx.foxtrot.net, then the three attempts of several-retry-dane-waits, an hour apart. Twin: several-cut-all.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
