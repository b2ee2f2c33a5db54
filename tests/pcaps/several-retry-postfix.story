Mail by TLS; a day later handshakes are reset, and Postfix, to whom TLS is welcome, sends in clear from its queue.

The order of a Postfix queue: it fails, waits for minimal_backoff_time, fails once more, and goes in clear within the second.
Nothing is promised but that it went well the day before. Twin: several-retry-broken.

  the client (Postfix, opportunistic) sends to alpha.net
  86400 s later
  somebody on the path takes mx.alpha.net's address (reset)
  the client (Postfix, opportunistic) sends to alpha.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
