#!/usr/bin/env python3
"""SMTP on ports that are not named as mail ports, and what mail ports carry instead.

usage: other_ports.py MXWITNESS    "other ports: N passed, N failed" comes last.
A recorded session is judged twice: with its port named, and with another one named in its place, so that it has to be
found. Events must be equal but for how it was found, which shows that nothing of its start was lost. TLS from the first
octet is not found: nothing tells it from any other TLS."""
import glob
import json
import os
import subprocess
import sys

PCAPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pcaps")
EVERY = 6  # one in so many captures
NOTE = "mail-on-other-port"


def run(program, capture, *options):
    done = subprocess.run([program, "read", "--format", "ndjson", "--dns", "off", *options, capture],
                          stdout=subprocess.PIPE, check=False, timeout=60)
    return [json.loads(line) for line in done.stdout.splitlines()]


def plain(event):
    """The event without what must differ."""
    del event["event"]["sequence"]
    event["mxwitness"].pop("found_by", None)
    for key in ("finding", "findings"):
        left = [f for f in event["mxwitness"].pop(key, []) if (f if isinstance(f, str) else f["id"]) != NOTE]
        if left:
            event["mxwitness"][key] = left
    return json.dumps(event, sort_keys=True)


def same(program, capture):
    named = run(program, capture, "--ports", "25,587,2525,465,2526,10025", "--other-ports", "off")
    found = run(program, capture, "--ports", "9")
    sessions = [[plain(e) for e in events if "stats" not in e["mxwitness"]] for events in (named, found)]
    if sorted(sessions[0]) != sorted(sessions[1]):
        return f"{os.path.basename(capture)}: {len(sessions[0])} events with its port named, {len(sessions[1])} without, or other ones"
    return None


def names(program, with_library):
    """What port 25 carries is counted, by name where a library knows it."""
    events = run(program, os.path.join(PCAPS, "other-ports.pcapng"))
    stats = events[-1]["mxwitness"]["stats"]
    want = {"http": 1, "ssh": 1} if with_library else {"unknown": 2}
    have = {n["protocol"]: n["flows"] for n in stats.get("not_smtp", [])}
    if have != want or stats["flows_not_smtp"] != 2 or stats["flows_other_ports_smtp"] != 1:
        return f"other-ports.pcapng: {stats}"
    return None


def nothing_shown(program):
    """Without anything on other ports nothing is counted there."""
    stats = run(program, os.path.join(PCAPS, "masked-keyword.pcapng"))[-1]["mxwitness"]["stats"]
    return f"masked-keyword.pcapng: {stats}" if stats["flows_other_ports"] or "not_smtp" in stats else None


def main():
    program = os.path.abspath(sys.argv[1])
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode()
    captures = [c for c in sorted(glob.glob(os.path.join(PCAPS, "**", "*.pcap*"), recursive=True)) 
                if "noop" not in c and "implicit-tls.pcapng" not in c][::EVERY]
    problems = [same(program, c) for c in captures]
    problems += [names(program, ", nDPI" in version), nothing_shown(program)]
    for p in filter(None, problems):
        print(p)
    failed = sum(p is not None for p in problems)
    print(f"other ports: {len(problems) - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
