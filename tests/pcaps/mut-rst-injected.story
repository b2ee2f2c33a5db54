A RST in the server's name arrives behind the ClientHello, and the server goes on.

The RST has another hop count and another IP ID than the server's packets, and the server answers as if nothing had been: it was
not the server's. Proof, high without any promise. The twin is mut-server-resets.
Made from insecure-tls12 by tools/mutate: forge.
