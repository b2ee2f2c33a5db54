What repeats is counted: one incident speaks at once, each hour, when another client has it, and when it ended.

The session of masked-keyword at 0, 10 and 20 minutes, after two hours, after three hours twice from another client network
(203.0.113.0/24), and two days later. The first is told at once; the next two are counted and told an hour later, and so on; the other
network is told at once. A day after the last one the incident is closed, and what comes then is another.
Made by tests/joined.py of one recording.
