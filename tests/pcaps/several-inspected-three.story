Three servers show certificates of one unknown authority on the same day.

The day before each showed its own. Twin: several-hoster.

  the client (Postfix, opportunistic) sends to alpha.net
  the client (Postfix, opportunistic) sends to bravo.net
  the client (Postfix, opportunistic) sends to charlie.net
  86400 s later
  somebody on the path takes mx.alpha.net's address (intercept)
  somebody on the path takes mx.bravo.net's address (intercept)
  somebody on the path takes mx.charlie.net's address (intercept)
  the client (Postfix, opportunistic) sends to alpha.net
  the client (Postfix, opportunistic) sends to bravo.net
  the client (Postfix, opportunistic) sends to charlie.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
