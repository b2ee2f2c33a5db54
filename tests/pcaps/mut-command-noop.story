STARTTLS is answered 250, as if it had been NOOP.

Older devices put NOOP in the place of the verb: the answer is a success that starts nothing. An indication, without a promise
no more than an entry.
Made from refused-454-benign by tools/mutate: replace.
