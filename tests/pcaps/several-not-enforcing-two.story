The same against the promises of two operators.

starttls-not-used-own and mut-sts-stripped: each is said by itself.
Made by tests/recalled.py: whole captures with their DNS, at the times at which they were recorded.
