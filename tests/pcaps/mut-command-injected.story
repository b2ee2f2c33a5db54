RSET stands behind STARTTLS in one segment.

A server that keeps it executes it inside TLS (CVE-2011-0411). An own client: high, proof of violation.
The twins are mut-command-injected-split, which must give the same, and mut-early-hello.
Made from insecure-tls12 by tools/mutate: replace.
