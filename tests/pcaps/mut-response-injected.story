A second reply stands behind the 220.

A client that keeps it takes it for the reply to its first command inside TLS. An own client: high, proof of violation.
The twin is mut-reply-in-two-lines.
Made from insecure-tls12 by tools/mutate: replace.
