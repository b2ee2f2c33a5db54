The offer of STARTTLS is removed; the domain has an MTA-STS policy in mode enforce, and no DANE.

What strip-no-dane cannot tell, a policy does.
Made from strip-no-dane by tools/mutate: .
