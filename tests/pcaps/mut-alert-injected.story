A fatal alert in the server's name arrives before the genuine ServerHello.

handshake_failure, where the server's own octets follow for the same place: one packet that pushes a sender into clear text.
Proof, high. The twin is handshake-failed-benign.
Made from insecure-tls12 by tools/mutate: forge.
