The sender's control holds twice, a third time within the hour, and then mail goes in clear.

mx.alpha.net has TLSA records, and its offer is missing: strip-dane-refused at 0, 15 and 30 minutes, and at 40 minutes
strip-dane-clear-ipv6. The first two are medium (a first occurrence), the third is high, and the last critical: one incident, told
when it began and at each rise. Vector 5.
Made by tests/joined.py of two recordings.
