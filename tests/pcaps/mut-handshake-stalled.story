The ClientHello is sent again and again, and nobody answers.

What was in clear got through, the first TLS record does not.
Made from insecure-tls12 by tools/mutate: end, again.
