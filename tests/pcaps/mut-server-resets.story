The server itself resets the connection behind the ClientHello.

Hop count and IP ID are the server's, and nothing follows: a worker that crashed, perhaps. The twin of mut-rst-injected.
Made from insecure-tls12 by tools/mutate: end, forge.
