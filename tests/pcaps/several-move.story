A domain moves to a provider with DANE, step by step.

contoso.net in the states M0 to M6: one host in an unsigned zone; its TTL lowered; the new host, signed, behind it; the two changed over;
the old one gone; TLSA there; the TTL raised. Postfix verifies by DANE where there is something to verify.

  the zones are those of m0
  the client (Postfix, DANE) sends to contoso.net
  86400 s later
  the zones are those of m1
  the client (Postfix, DANE) sends to contoso.net
  7200 s later
  the zones are those of m2
  the client (Postfix, DANE) sends to contoso.net
  3600 s later
  the zones are those of m3
  the client (Postfix, DANE) sends to contoso.net
  3600 s later
  the zones are those of m4
  the client (Postfix, DANE) sends to contoso.net
  3600 s later
  the zones are those of m5
  the client (Postfix, DANE) sends to contoso.net
  86400 s later
  the zones are those of m6
  the client (Postfix, DANE) sends to contoso.net

Postfix 3.7.11, Exim 4.96; the servers are Postfix with TLS 1.2. Recorded on the clients' link, with the DNS of their own validating
resolver, which began each part with an empty cache. The clock was set on between the parts, and where a queue waited.
