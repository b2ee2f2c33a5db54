A forged 454 to STARTTLS outruns the genuine 220, too late for the client.

The forged octets come first at the sensor, the client took the genuine ones: TLS follows. Proof of a second writer all the same.
Made from insecure-tls12 by tools/mutate: forge.
