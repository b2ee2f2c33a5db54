Twelve sessions in eleven minutes: told at once, and again when there are more than ten in an hour.

The session of masked-keyword, once a minute. The end of the run tells what was counted since.
Made by tests/joined.py of one recording.
