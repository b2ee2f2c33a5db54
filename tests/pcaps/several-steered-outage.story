A DANE host is down, for two clients alike, and the mail takes the next MX host.

It refuses connections from everybody, and is back the day after. The benign twin of several-steered.

  the zones are those of left
  the client (Postfix, DANE) sends to contoso.net
  86400 s later
  contoso-net.o-v1.modern.net is down
  the client (Postfix, DANE) sends to contoso.net
  300 s later
  the second client (Postfix, DANE) sends to contoso.net
  86400 s later
  all are up again
  the client (Postfix, DANE) sends to contoso.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
