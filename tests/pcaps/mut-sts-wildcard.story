A valid certificate of an MX host that a wildcard of the policy does not cover.

The name in the ClientHello stands in an extension that nobody knows, so the domain is known by the DNS on the link: a client without SNI.
A wildcard stands for exactly one label: *.net does not cover mx.charlie.net, nor *.mx.microsoft a host of two labels below it.
Made from cert-valid by tools/mutate: replace.
