#!/usr/bin/env python3
"""quarter.py MXWITNESS QUARTER [--long]: a quarter of a made-up mail world, with attacks planted in it, on the desk of the judge.

The sessions' shapes are taken from captures by the sensor itself. Prints recall and false alarms, one by one; --long: several
seeds, and more mail. It fails when a minimum is not reached that an earlier run did reach."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
CONFIG = """own_networks: [192.0.2.0/24]
ca_file: none
"""


def lines_of(mxwitness, name, number, memory):
    if name not in memory:
        run = subprocess.run([mxwitness, "read", "--all", "--format", "ndjson", str(HERE / "pcaps" / (name + ".pcapng"))],
                             capture_output=True, text=True)
        memory[name] = [line for line in run.stdout.splitlines() if '"dataset":"mxwitness.session"' in line]
    return memory[name][number]


def templates(mxwitness, quarter):
    memory = {}
    shapes = subprocess.run([quarter, "--list"], capture_output=True, text=True, check=True).stdout.split("\n")
    return "\n".join(lines_of(mxwitness, name, int(number), memory) for name, number in (s.split() for s in shapes if s)) + "\n"


def main():
    mxwitness, quarter = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as folder:
        shapes, config = Path(folder, "shapes"), Path(folder, "config.yaml")
        shapes.write_text(templates(mxwitness, quarter))
        config.write_text(CONFIG)
        run = subprocess.run([quarter, shapes, config, HERE.parent / "rules"] + sys.argv[3:], capture_output=True, text=True)
        sys.stdout.write(run.stdout)
        sys.stderr.write(run.stderr)


if __name__ == "__main__":
    main()
