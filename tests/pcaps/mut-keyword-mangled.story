Two letters of STARTTLS are altered in the EHLO reply.

STARTXXS is no keyword anybody knows, two letters away from STARTTLS, and nothing else offers it.
Made from starttls-not-used-foreign by tools/mutate: replace.
