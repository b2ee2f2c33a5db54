A message that requires TLS is sent in clear.

MAIL with REQUIRETLS outside TLS (RFC 8689 2): the sender broke its own rule. Medium.
Made from no-starttls-insecure-domain by tools/mutate: replace.
