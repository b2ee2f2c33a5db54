Three servers of different operators, each known by its own key, show one key: one end answers for all.

Each session of the first day of several-inspected-three six times in four days, then intercept-other-dane under the three addresses. Without a history
(several-one-key) it is an indication. Twin: history-renewed-two.
Made by tests/recalled.py of recorded sessions, each copy with a client port and sequence numbers of its own; read without the DNS.
