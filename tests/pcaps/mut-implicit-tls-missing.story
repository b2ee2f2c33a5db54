A server on port 465 greets in clear.

TLS is spoken there from the first octet (RFC 8314 3.3), and mail crosses in clear. Medium.
Made from no-starttls-insecure-domain by tools/mutate: port.
