One octet of the ServerHello is not the one that the server signed.

The certificate is the published one, and the signature of the key exchange does not cover what was seen here: whoever wrote these
octets did not show that he holds the key. Never a match. The twin is dane-match-tls12-ipv6, where the signature holds.
Made from dane-match-tls12-ipv6 by tools/mutate: replace.
