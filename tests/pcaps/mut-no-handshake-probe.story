A scanner looks whether STARTTLS is answered, and leaves.

220, and the connection ends: no mail was there to protect. The twin of mut-no-handshake-own.
Made from insecure-tls12 by tools/mutate: end.
