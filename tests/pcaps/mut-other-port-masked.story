Mail on a port that nobody has named, and a device masks STARTTLS in it.

The connection is found by what is said in it, and judged like one on port 25.
Made from masked-keyword by tools/mutate: port.
