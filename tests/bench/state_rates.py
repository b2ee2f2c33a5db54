#!/usr/bin/env python3
"""state_rates.py MXWITNESS QUARTER [KEYS [RUNS]]: what is remembered of a million servers: rate, memory, size on the disk.

The judge's desk is given one and a half times KEYS sessions, of a thousand servers and of KEYS (a million) of them, in turn, RUNS (5) times
each; medians. Memory and disk must be bounded by their budgets (mxwitness.conf(5)), whatever the number of servers."""
import os, statistics, subprocess, sys, tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]
import quarter as quarter_test

BOUND_RATE, BOUND_MB = 0.2, 1500


def run(program, shapes, config, keys, sessions, folder):
    options = [f"keys={keys}", f"sessions={sessions}"] + ([f"state={folder}"] if folder else [])
    said = subprocess.run([program, shapes, config, HERE.parent.parent / "rules", *options], capture_output=True, text=True, check=True)
    words = said.stdout.split()
    got = dict(zip(words[::2], map(float, words[1::2])))
    got["disk_mb"] = sum(f.stat().st_size for f in Path(folder).glob("*")) / 2**20
    return got


def main():
    mxwitness, program = (os.path.abspath(a) for a in sys.argv[1:3])
    keys, runs = (int(v) for v in (sys.argv[3:] + ["1000000", "5"][len(sys.argv) - 3:]))
    got = {1000: [], keys: []}
    with tempfile.TemporaryDirectory() as folder:
        shapes, config = Path(folder, "shapes"), Path(folder, "config.yaml")
        shapes.write_text(quarter_test.templates(mxwitness, program))
        config.write_text(quarter_test.CONFIG)
        for _ in range(runs):
            for count in got:
                with tempfile.TemporaryDirectory(dir=folder) as state:
                    got[count].append(run(program, shapes, config, count, keys * 3 // 2, state))
    few, many = ({k: statistics.median(r[k] for r in got[count]) for k in got[count][0]} for count in (1000, keys))
    print(f"{keys * 3 // 2} sessions, medians of {runs} runs each, in turn\n")
    print("| servers | sessions a second | peak memory, MiB | state on disk, MiB |\n|--:|--:|--:|--:|")
    for count, r in ((1000, few), (keys, many)):
        print(f"| {count} | {r['rate']:.0f} | {r['rss_mb']:.0f} | {r['disk_mb']:.0f} |")
    print(f"| ratio | {many['rate'] / few['rate']:.2f} | {many['rss_mb'] / few['rss_mb']:.2f} | |")
    if many["rate"] < BOUND_RATE * few["rate"] or many["rss_mb"] > BOUND_MB:
        sys.exit("not bounded as it should be")


if __name__ == "__main__":
    main()
