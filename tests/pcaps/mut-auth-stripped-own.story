The offer of STARTTLS is gone, and an own client sends its password.

A theft of credentials: critical for an own client. Neither name nor password (both planted) may show up anywhere.
Made from auth-in-clear by tools/mutate: replace.
