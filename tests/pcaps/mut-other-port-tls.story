Mail on a port that nobody has named, with TLS: the certificate is seen there, too.

The connection is found by what is said in it, before TLS begins.
Made from insecure-tls12 by tools/mutate: port.
