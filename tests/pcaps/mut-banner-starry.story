A greeting with stars for decoration.

Other words stand between the stars: no mask, and TLS follows. The twin of mut-banner-masked.
Made from insecure-tls12 by tools/mutate: replace.
