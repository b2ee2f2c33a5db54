#!/usr/bin/env python3
"""Every event of every capture: names against the published ECS field list, and what the writing rules promise.

usage: ecs.py MXWITNESS ECS_FIELDS_CSV [FOLDER]     skipped when the list is not there"""
import csv
import glob
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def walk(value, prefix=""):
    if isinstance(value, dict):
        for k, v in value.items():
            yield from walk(v, f"{prefix}.{k}" if prefix else k)
    else:
        yield prefix, value


def problems_of(line, fields):
    event = json.loads(line)
    out = []
    if len(line.encode()) + 1 > (8192 if event["event"]["kind"] == "alert" else 16384):
        out.append("the line is too long")
    if any(ord(c) < 0x20 for c in line):
        out.append("control characters in the line")
    for name, value in walk(event):
        if value is None:
            out.append(f"{name} is null")
        if name.startswith("mxwitness."):
            continue
        if name not in fields:
            out.append(f"{name} is not in the ECS list")
        elif isinstance(value, list) != ("array" in fields[name]):
            out.append(f"{name}: array or not differs from ECS")
    return out


def main():
    program, listing = os.path.abspath(sys.argv[1]), sys.argv[2]
    folder = sys.argv[3] if len(sys.argv) > 3 else os.path.join(HERE, "pcaps")
    if not os.path.exists(listing):
        print("ecs: 0 passed, 0 failed, 1 skipped (the ECS field list is not here)")
        return 0
    with open(listing, encoding="utf-8", newline="") as f:
        fields = {row["Field"]: row.get("Normalization", "") for row in csv.DictReader(f)}
    passed = failed = 0
    for capture in sorted(glob.glob(os.path.join(folder, "**", "*.pcap*"), recursive=True)):
        done = subprocess.run([program, "read", "--format", "ndjson", "--trust-anchor",
                               os.path.join(HERE, "pcaps", "root.anchor"), capture],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
        found = sorted({p for line in done.stdout.decode().splitlines() for p in problems_of(line, fields)})
        for p in found:
            print(f"{os.path.basename(capture)}: {p}")
        passed += not found and bool(done.stdout)
        failed += bool(found) or not done.stdout
    print(f"ecs: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
