Three domains at one hoster, who shows one certificate with all their names.

On both days. The benign twin of several-inspected-three.

  mx.alpha.net shows hoster, mx.bravo.net shows hoster, mx.charlie.net shows hoster
  the client (Postfix, opportunistic) sends to alpha.net
  the client (Postfix, opportunistic) sends to bravo.net
  the client (Postfix, opportunistic) sends to charlie.net
  86400 s later
  the client (Postfix, opportunistic) sends to alpha.net
  the client (Postfix, opportunistic) sends to bravo.net
  the client (Postfix, opportunistic) sends to charlie.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
