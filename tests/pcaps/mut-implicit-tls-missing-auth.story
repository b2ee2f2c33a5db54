A password crosses in clear on port 465.

As mut-implicit-tls-missing, with AUTH: high. Neither name nor password (both planted) may show up anywhere.
Made from auth-in-clear by tools/mutate: port.
