The same, and that name had come through before.

Then the name is not the reason. The twin of several-cut-by-name, with the first session of several-retry-dane-waits a minute behind the other.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
