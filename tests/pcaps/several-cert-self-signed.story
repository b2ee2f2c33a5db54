A self-signed certificate gives way to another self-signed one of the same name.

Nobody can tell this from a stranger's by the certificates alone: there is no authority that says who made it.

  mx.alpha.net shows alpha
  the client (Postfix, opportunistic) sends to alpha.net
  86400 s later
  the client (Postfix, opportunistic) sends to alpha.net
  86400 s later
  mx.alpha.net shows alpha-own-2
  the client (Postfix, opportunistic) sends to alpha.net
  86400 s later
  the client (Postfix, opportunistic) sends to alpha.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
