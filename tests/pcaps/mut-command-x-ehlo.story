EHLO arrives as XXXX.

The verb is overwritten, its argument survives, the server does not know it, and HELO follows: no EHLO, no STARTTLS.
The twin is ehlo-refused-benign, where the server refuses the EHLO that was sent.
Made from ehlo-refused-benign by tools/mutate: replace, replace.
