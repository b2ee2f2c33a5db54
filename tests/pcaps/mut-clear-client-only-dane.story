A message in clear to a DANE host, with only the client's packets captured.

What the server offered was not seen, what the client sent was: critical by the promise, an indication by the evidence.
Made from masked-keyword-dane by tools/mutate: drop.
