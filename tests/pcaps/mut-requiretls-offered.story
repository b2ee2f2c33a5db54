A server offers REQUIRETLS before TLS.

It belongs inside TLS only (RFC 8689 2): proof of misuse.
Made from insecure-tls12 by tools/mutate: replace.
