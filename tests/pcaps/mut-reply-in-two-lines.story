The 220 to STARTTLS has two lines.

One reply (RFC 5321 4.2.1). The twin of mut-response-injected.
Made from insecure-tls12 by tools/mutate: replace.
