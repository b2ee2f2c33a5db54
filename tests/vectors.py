#!/usr/bin/env python3
"""The acceptance list (vectors.tsv): every row is held by captures that are there, or says what it waits for.

usage: vectors.py        captures.py judges the captures; here stands which of them answers which row."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = 59


def rows():
    with open(os.path.join(HERE, "vectors.tsv"), encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                yield (line.rstrip("\n").split("\t") + ["", "", ""])[:4]


def is_held(number, where):
    """rules: a rule test of that row, for what only the judge's room decides."""
    if where == "rules":
        with open(os.path.join(HERE, "..", "rules", "tests", "acceptance.yaml"), encoding="utf-8") as f:
            return f"name: acceptance row {number}\n" in f.read()
    base = os.path.join(HERE, "pcaps", where)
    return os.path.exists(base + ".pcapng") and os.path.exists(base + ".expect.json")


def main():
    passed, problems, numbers = 0, [], []
    for number, session, held, waits in rows():
        numbers.append(int(number))
        missing = [w for w in held.split() if not is_held(number, w)]
        if missing or not (held or waits):
            problems.append(f"row {number} ({session}): {'no ' + ' '.join(missing) if missing else 'held by nothing'}")
        else:
            passed += 1
    if numbers != list(range(1, ROWS + 1)):
        problems.append(f"the rows are not 1 to {ROWS}")
    for p in problems:
        print(p)
    print(f"vectors: {passed} passed, {len(problems)} failed")
    return len(problems) > 0


if __name__ == "__main__":
    sys.exit(main())
