STARTTLS of one server of five is masked.

The others go on as the day before: it is the path to that one, or the server itself.

  the client (Postfix, opportunistic) sends to alpha.net
  the client (Postfix, opportunistic) sends to bravo.net
  the client (Postfix, opportunistic) sends to charlie.net
  the client (Postfix, opportunistic) sends to delta.org
  the client (Postfix, opportunistic) sends to echo.org
  86400 s later
  somebody on the path takes mx.charlie.net's address (mask)
  the client (Postfix, opportunistic) sends to alpha.net
  the client (Postfix, opportunistic) sends to bravo.net
  the client (Postfix, opportunistic) sends to charlie.net
  the client (Postfix, opportunistic) sends to delta.org
  the client (Postfix, opportunistic) sends to echo.org

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
