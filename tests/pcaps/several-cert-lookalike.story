A certificate with the names of the server's own, subject and issuer, and another key, by another authority of the same name.

Somebody on the path shows it; the server's own was seen the two days before. The attack twin of several-cert-new-key.

  mx.alpha.net shows alpha-1
  the client (Postfix, opportunistic) sends to alpha.net
  86400 s later
  the client (Postfix, opportunistic) sends to alpha.net
  86400 s later
  somebody on the path takes mx.alpha.net's address (intercept)
  the client (Postfix, opportunistic) sends to alpha.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
