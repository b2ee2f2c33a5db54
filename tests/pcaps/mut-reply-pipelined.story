NOOP and STARTTLS are sent together, and both are answered before TLS begins.

Two commands, two replies: nothing is too much. The twin of mut-response-injected and of mut-command-injected.
Made from insecure-tls12 by tools/mutate: replace, replace.
