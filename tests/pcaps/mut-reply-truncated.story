A hyphen of the EHLO reply becomes a space, and the offer stands behind the end.

250 SIZE ends the reply for every client; the lines behind it, with STARTTLS, answer nothing. Medium without any promise.
The capture it is made from is the twin: the same reply with the hyphen.
Made from starttls-not-used-foreign by tools/mutate: replace.
