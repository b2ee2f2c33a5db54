STARTTLS stands in the first line of the EHLO reply.

That is the place of the server's name, not of a keyword (RFC 5321 4.1.1.1): a fault of the server, no stripping.
Made from no-starttls-insecure-domain by tools/mutate: replace.
