The offer of a DANE host is removed after the envelope was known, and the sender leaves.

Nothing was delivered: the control held. First time: medium (the third within an hour needs other sessions).
Made from demo/strip-dane-clear by tools/mutate: talk.
