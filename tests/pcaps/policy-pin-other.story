Another key than the one that the site has pinned.

The packets of cert-valid, read by a site that has written down another key for mx.charlie.net, as if somebody stood between with a certificate of an authority that all trust.
Nothing else shows it: the chain is good by the web's rules, and nobody else promised anything.
