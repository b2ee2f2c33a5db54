An empty line stands behind STARTTLS.

Clumsy, and no command. The twin of mut-command-injected.
Made from insecure-tls12 by tools/mutate: replace.
