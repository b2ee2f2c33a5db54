The offer of STARTTLS is removed; the MTA-STS policy in the cache had ended.

A policy that ended promises nothing: an entry in the session says so, no alert.
Made from strip-no-dane by tools/mutate: .
