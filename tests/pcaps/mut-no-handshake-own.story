An own client is told 220 and goes on in clear.

After the 220 there is nothing but TLS (RFC 3207 4). Either the 220 was for somebody else, or the client is broken: medium.
Made from refused-454-benign by tools/mutate: replace.
