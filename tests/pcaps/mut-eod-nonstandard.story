A message ends with bare line feeds, and the server takes it for the end.

SMTP smuggling lives on this difference (RFC 5321 2.3.8); it is the endpoints' matter, noted and no more.
Made from no-starttls-insecure-domain by tools/mutate: replace.
