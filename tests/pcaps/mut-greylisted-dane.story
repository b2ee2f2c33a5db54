The offer of a DANE host is removed, and the recipient is greylisted.

The envelope crossed in clear, no content did: high, for a promise is categorical, greylisting or not.
Made from demo/strip-dane-clear by tools/mutate: talk.
