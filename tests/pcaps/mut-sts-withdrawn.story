The offer of STARTTLS is removed, after the policy went from enforce to testing before its time.

Senders have learned of it: the strip is no violation of the policy in force above low.
Made from strip-no-dane by tools/mutate: .
