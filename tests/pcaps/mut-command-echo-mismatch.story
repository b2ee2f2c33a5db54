The client says STARTTLS, and the server's error quotes XXXXXXXX.

Somebody between the sensor and the server wrote over the command. Proof, high without any promise.
The twin is mut-command-disowned, where the server quotes what was sent.
Made from refused-454-benign by tools/mutate: replace.
