STARTTLS of five servers that have nothing to do with one another is masked within minutes.

The day before all five offered TLS. One device near the client. Twin: several-masked-one.

  the client (Postfix, opportunistic) sends to alpha.net
  the client (Postfix, opportunistic) sends to bravo.net
  the client (Postfix, opportunistic) sends to charlie.net
  the client (Postfix, opportunistic) sends to delta.org
  the client (Postfix, opportunistic) sends to echo.org
  86400 s later
  somebody on the path takes mx.alpha.net's address (mask)
  somebody on the path takes mx.bravo.net's address (mask)
  somebody on the path takes mx.charlie.net's address (mask)
  somebody on the path takes mx.delta.org's address (mask)
  somebody on the path takes mx.echo.org's address (mask)
  the client (Postfix, opportunistic) sends to alpha.net
  the client (Postfix, opportunistic) sends to bravo.net
  the client (Postfix, opportunistic) sends to charlie.net
  the client (Postfix, opportunistic) sends to delta.org
  the client (Postfix, opportunistic) sends to echo.org

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
