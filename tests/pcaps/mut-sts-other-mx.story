A valid certificate of an MX host that the policy does not name.

The name in the ClientHello stands in an extension that nobody knows, so the domain is known by the DNS on the link: a client without SNI.
Made from cert-valid by tools/mutate: replace.
