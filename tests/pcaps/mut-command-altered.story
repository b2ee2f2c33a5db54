Where STARTTLS is due the client's octets are STARTTLX.

A word of the same length that is no command: somebody wrote over a part of it, or somebody mistyped. An indication, and nothing
was promised. The twin is mut-command-disowned, where the command is whole.
Made from refused-454-benign by tools/mutate: replace, replace.
