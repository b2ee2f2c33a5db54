A part of the message in clear is sent again with other octets.

Proof of a second writer, in a place where it does not decide about TLS: medium.
Made from no-starttls-insecure-domain by tools/mutate: forge.
