The masked keyword, with only the server's packets captured.

The mask is in the server's octets: the same finding. What became of the mail is unknown.
Made from masked-keyword by tools/mutate: drop.
