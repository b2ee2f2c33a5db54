The ClientHello is sent four times before the server answers.

A slow server or a bad link: the handshake completes. The twin of mut-handshake-stalled.
Made from insecure-tls12 by tools/mutate: delay, again.
