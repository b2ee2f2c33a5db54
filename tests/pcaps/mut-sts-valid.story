A valid certificate for a host that the MTA-STS policy of the domain names.

The name in the ClientHello stands in an extension that nobody knows, so the domain is known by the DNS on the link: a client without SNI.
What a sender with MTA-STS asks for is there: nothing to say. The twin of the mut-sts ones with a bad certificate.
Made from cert-valid by tools/mutate: replace.
