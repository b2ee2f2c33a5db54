A RST with another hop count than the server's packets ends the handshake.

23 hops farther than the server is who sent this. Nothing follows that would prove it.
Made from insecure-tls12 by tools/mutate: end, forge.
