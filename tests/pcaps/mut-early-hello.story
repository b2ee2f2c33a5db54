The ClientHello does not wait for the 220.

Against RFC 3207 4, and no injection: what was early is TLS. The twin of mut-command-injected.
Made from insecure-tls12 by tools/mutate: move.
