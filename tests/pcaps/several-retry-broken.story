A server whose TLS is broken, for two clients alike, on two days.

Both clients fail in the same way and go in clear: the server's own fault. The innocent twin of several-retry-postfix, which the first
client alone cannot be told from: what is said of him must not grow with the second.

  an odd front of mx.echo.org (reset)
  the client (Postfix, opportunistic) sends to echo.org
  600 s later
  the second client (Postfix, opportunistic) sends to echo.org
  86400 s later
  the client (Postfix, opportunistic) sends to echo.org
  600 s later
  the second client (Postfix, opportunistic) sends to echo.org

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
