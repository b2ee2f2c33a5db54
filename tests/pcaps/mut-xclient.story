A content filter tells the client's name by XCLIENT.

Two greetings and two EHLO; the second list counts, and nothing is wrong.
Made from insecure-tls12 by tools/mutate: replace, replace.
