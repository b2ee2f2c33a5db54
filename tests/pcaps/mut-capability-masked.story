A row of X hides another keyword, and STARTTLS is offered.

The hidden word has eight letters, but it is not STARTTLS: that stands on its own line, and TLS follows. Noted, no more.
The twin of masked-keyword.
Made from insecure-tls12 by tools/mutate: replace.
