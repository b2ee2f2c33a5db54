The connection ends where the reply to STARTTLS is due.

Nothing was promised and nothing was sent: an entry. No finding may grow from the end of a connection.
Made from insecure-tls12 by tools/mutate: end.
