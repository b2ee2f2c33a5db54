The middle of an EHLO reply is missing from the capture.

What is missing may have been the offer: unknown, and no finding that says it was not there. The twin of strip-no-dane.
Made from strip-no-dane by tools/mutate: split, split, drop.
