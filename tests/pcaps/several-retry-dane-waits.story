Handshakes with a DANE host are reset, and Postfix, which verifies by DANE, tries again and again, and waits.

It never goes in clear: the control held. Three attempts from the queue.

  the client (Postfix, DANE) sends to foxtrot.net
  86400 s later
  somebody on the path takes mx.foxtrot.net's address (reset)
  the client (Postfix, DANE) sends to foxtrot.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
