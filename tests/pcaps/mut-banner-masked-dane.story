The greeting of a DANE host is masked, and the message goes by HELO in clear.

As mut-banner-masked, at a host that promises TLS: joined with HELO the mask has the level of a missing offer, critical.
Made from starttls-not-used-own by tools/mutate: replace, replace, remove, replace.
