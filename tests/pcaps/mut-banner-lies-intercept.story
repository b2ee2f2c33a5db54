An interceptor names another domain in greeting and EHLO reply.

Names that an attacker writes are hints: the SNI and the domain of the recipient decide, and the verdict is that of the capture it
is made from.
Made from demo/intercept-tls12-dane by tools/mutate: replace, replace.
