The greeting is masked, and TLS follows all the same.

A device on the path writes over greetings; this client does not mind. A note on the device, and no more: low.
Made from insecure-tls12 by tools/mutate: replace.
