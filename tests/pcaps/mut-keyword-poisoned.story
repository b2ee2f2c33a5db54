STARTTLS has another letter glued to it.

STARTTLSX: clients do not know it. Several innocent explanations remain, hence an indication.
Made from starttls-not-used-foreign by tools/mutate: replace.
