A certificate is renewed by the same authority, with a new key.

The everyday case.

  mx.alpha.net shows alpha-1
  the client (Postfix, opportunistic) sends to alpha.net
  86400 s later
  the client (Postfix, opportunistic) sends to alpha.net
  86400 s later
  mx.alpha.net shows alpha-2
  the client (Postfix, opportunistic) sends to alpha.net
  86400 s later
  the client (Postfix, opportunistic) sends to alpha.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
