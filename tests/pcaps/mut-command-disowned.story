The server does not know the STARTTLS that it offered, and quotes it as it was sent.

Strange, but nothing was rewritten on the way: refused, and nothing was promised. The twin of mut-command-echo-mismatch.
Made from refused-454-benign by tools/mutate: replace.
