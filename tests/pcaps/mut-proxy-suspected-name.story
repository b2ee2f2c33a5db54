The EHLO reply greets another address than the client's.

Somebody else's connection reached the server: a proxy on the way, or address translation that nobody told the sensor of.
An indication. The twin is mut-translated-name.
Made from auth-inside-tls by tools/mutate: replace.
