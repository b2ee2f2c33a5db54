A proxy says in front of the dialogue for whom it speaks.

A PROXY header of version 1; behind it everything is as in the capture it is made from.
Made from insecure-tls12 by tools/mutate: say.
