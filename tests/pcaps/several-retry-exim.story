Mail by TLS; a day later a handshake is reset, and Exim comes back in clear at once.

Exim does not wait (tls_tempfail_tryclear): it fails, and goes in clear within the second.

  the client (Exim) sends to alpha.net
  86400 s later
  somebody on the path takes mx.alpha.net's address (reset)
  the client (Exim) sends to alpha.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
