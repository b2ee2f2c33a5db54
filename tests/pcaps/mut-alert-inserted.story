A fatal alert stands in the server's octets before its ServerHello.

In sequence, as somebody in the path can write it: no server goes on with the handshake after its own fatal alert.
Made from insecure-tls12 by tools/mutate: say.
