The EHLO reply greets the public address of the client's site.

Address translation, as the site told the sensor. The twin of mut-proxy-suspected-name.
Made from auth-inside-tls by tools/mutate: replace.
