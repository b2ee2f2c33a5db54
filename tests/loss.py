#!/usr/bin/env python3
"""Lost packets make "unknown", never a stronger claim: each capture cut behind a packet, and with one packet missing.

usage: loss.py MXWITNESS [STRIDE]     every STRIDE-th packet is tried (default 4)
With fewer packets no finding may appear with certainty strong or proof, none may have a higher level than the session's
highest level with all packets, and no verdict may become authenticated."""
import glob
import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ANCHOR = os.path.join(HERE, "pcaps", "root.anchor")
LEVELS = ["informational", "low", "medium", "high", "critical"]


def blocks(path):
    """(head, packets): the blocks of a pcapng file before the first packet, and each packet block."""
    with open(path, "rb") as f:
        data = f.read()
    head, packets, at = b"", [], 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            packets.append(data[at:at + size])
        elif not packets:
            head += data[at:at + size]
        at += size
    return head, packets


def judge(program, path, extra):
    done = subprocess.run([program, "read", "--format", "ndjson", "--trust-anchor", ANCHOR, *extra, path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    if done.returncode not in (0, 1):
        return None
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [e["mxwitness"] for e in events if e["event"]["dataset"] == "mxwitness.session"]


def worst(sessions):
    return max((LEVELS.index(f["level"]) for s in sessions for f in s.get("finding", [])), default=0)


def sure(sessions):
    return {f["id"] for s in sessions for f in s.get("finding", []) if f["certainty"] != "indication"}


def problems_of(whole, less):
    if less is None:
        return ["the run failed"]
    out = []
    if worst(less) > worst(whole):
        out.append(f"level {LEVELS[worst(less)]} instead of {LEVELS[worst(whole)]}")
    if sure(less) - sure(whole):
        out.append(f"new and sure: {sorted(sure(less) - sure(whole))}")
    good = [sum(s["verdict"] == "authenticated" for s in x) for x in (whole, less)]
    if good[1] > good[0]:
        out.append("authenticated with fewer packets")
    return out


def variants(packets, stride):
    for n in range(1, len(packets), stride):
        yield f"cut behind packet {n}", packets[:n]
    for n in range(0, len(packets), stride):
        yield f"without packet {n + 1}", packets[:n] + packets[n + 1:]


def main():
    program = os.path.abspath(sys.argv[1])
    stride = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "less.pcapng")
        for capture in sorted(glob.glob(os.path.join(HERE, "pcaps", "**", "*.pcapng"), recursive=True)):
            with open(os.path.splitext(capture)[0] + ".expect.json", encoding="utf-8") as f:
                options = json.load(f).get("options", [])
            extra = [os.path.join(os.path.dirname(capture), o) if o.endswith(".yaml") else o for o in options]
            whole = judge(program, capture, extra)
            head, packets = blocks(capture)
            for what, some in variants(packets, stride):
                with open(path, "wb") as f:
                    f.write(head + b"".join(some))
                found = problems_of(whole, judge(program, path, extra))
                for p in found:
                    print(f"{os.path.basename(capture)} {what}: {p}")
                passed += not found
                failed += bool(found)
    print(f"loss: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
