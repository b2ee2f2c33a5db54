220, and then the server finds that it has no key.

454 after the ClientHello is how a broken server says so. The twin of answered-in-clear.
Made from answered-in-clear by tools/mutate: replace.
