A SCRAM exchange in clear on the submission port.

What crosses proves knowledge of the password without showing it: low. The twin of auth-in-clear.
Made from auth-in-clear by tools/mutate: replace.
