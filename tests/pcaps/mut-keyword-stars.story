Eight stars stand where STARTTLS stood.

Eight equal octets in the place of a keyword: mangled, without any promise medium.
Made from starttls-not-used-foreign by tools/mutate: replace.
