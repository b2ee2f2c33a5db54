An expired certificate, and an MTA-STS policy in mode enforce.

The name in the ClientHello stands in an extension that nobody knows, so the domain is known by the DNS on the link: a client without SNI.
Made from cert-expired by tools/mutate: replace.
