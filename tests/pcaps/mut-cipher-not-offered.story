The ServerHello selects an export suite that the ClientHello did not offer.

The server saw another ClientHello than the sensor did, or the sensor sees another ServerHello. Proof, and the client completed:
critical. The capture it is made from is the twin.
Made from insecure-tls12 by tools/mutate: replace.
