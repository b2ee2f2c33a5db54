An own client's STARTTLS arrives at the sensor as XXXXXXXX.

The change was made on the client's side of the sensor: one's own equipment. Proof, high.
Made from refused-454-benign by tools/mutate: replace, replace.
