The EHLO reply greets another address, and what the server says comes from farther away than its SYN.

Two indications of a proxy that took the connection over: strong, medium.
Made from auth-inside-tls by tools/mutate: replace, set, set.
