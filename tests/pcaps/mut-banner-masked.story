The greeting is masked, and the client speaks HELO.

220 and a row of stars make a default Postfix sender think of an old firewall and leave ESMTP.
The domain promises nothing: low, for the mask proves itself. The twin with a promise is mut-banner-masked-dane.
Made from no-starttls-insecure-domain by tools/mutate: replace, replace, remove, replace.
