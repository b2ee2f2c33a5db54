A forged EHLO reply without STARTTLS outruns the genuine one.

Same sequence numbers, other octets, another hop count: a man on the side. The client read the first, the sensor keeps both.
The twin is mut-retransmit-same.
Made from starttls-not-used-foreign by tools/mutate: forge.
