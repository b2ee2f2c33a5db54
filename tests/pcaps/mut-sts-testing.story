The same certificate, and a policy in mode testing since 100 days.

The name in the ClientHello stands in an extension that nobody knows, so the domain is known by the DNS on the link: a client without SNI.
A sender delivers and reports (RFC 8461 5).
Made from cert-self-signed by tools/mutate: replace.
