RSET stands behind STARTTLS in a segment of its own.

Where segments begin means nothing in TCP: the same as mut-command-injected.
Made from insecure-tls12 by tools/mutate: replace, split.
