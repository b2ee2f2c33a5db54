A sender of the site's own delivers in clear against the promises of three operators within two days.

starttls-not-used-own (DANE), mut-sts-stripped (MTA-STS), several-retry-dane-postfix (DANE): each is said, and then that this sender enforces nothing.
Twin: several-not-enforcing-two.
Made by tests/recalled.py: whole captures with their DNS, at the times at which they were recorded.
