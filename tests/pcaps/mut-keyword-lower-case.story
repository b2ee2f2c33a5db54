The offer is written in small letters.

Keywords have no case (RFC 5321 2.4): starttls is STARTTLS. The twin of mut-keyword-mangled.
Made from insecure-tls12 by tools/mutate: replace.
