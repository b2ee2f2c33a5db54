Connections to a DANE host vanish on the path, and the mail takes the old MX host that was left beside it.

The SYN and its copies go unanswered, and Postfix rightly goes on to the next host, which has no DANE (vector 48): mail that went to
the DANE host the day before goes where nobody has to prove who he is. Twin: several-steered-outage.

  the zones are those of left
  the client (Postfix, DANE) sends to contoso.net
  86400 s later
  packets to contoso-net.o-v1.modern.net vanish on the path
  the client (Postfix, DANE) sends to contoso.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
