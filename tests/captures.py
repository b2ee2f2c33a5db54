#!/usr/bin/env python3
"""Every capture under tests/pcaps against the expectation beside it (NAME.expect.json).

usage: captures.py MXWITNESS [FOLDER]    prints one line a capture that differs, and "N passed, N failed" last.
An expectation names facts, findings and the verdict of each session, in the order in which they ended; null means
that the fact must be absent; needs, what --version must name, or else there is no session. Every capture must have an expectation, and every expectation a capture."""
import glob
import json
import os
import subprocess
import sys

LEVELS = ["informational", "low", "medium", "high", "critical"]


def lookup(event, name):
    """The value of a dotted name; through an array of objects, the list of the members' values."""
    here = event
    for i, part in enumerate(name.split(".")):
        if isinstance(here, list):
            rest = ".".join(name.split(".")[i:])
            return [lookup(x, rest) for x in here]
        if not isinstance(here, dict) or part not in here:
            return None
        here = here[part]
    return here


def run(program, anchor, expect, capture):
    args = [program, "read", "--format", "ndjson", "--dns", expect.get("dns", "capture")]
    if os.path.exists(anchor):
        args += ["--trust-anchor", anchor]
    folder = os.path.dirname(capture)
    args += [os.path.join(folder, o) if o.endswith((".yaml", ".pcapng")) else o for o in expect.get("options", [])]
    done = subprocess.run(args + [capture], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    again = subprocess.run(args + [capture], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    events = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    problems = []
    if done.stdout != again.stdout:
        problems.append("two runs differ")
    if done.stderr:
        problems.append("standard error: " + done.stderr.decode(errors="replace").strip())
    return events, done.returncode, problems


def compare_findings(n, want, session):
    have = {f["id"]: f for f in session.get("mxwitness", {}).get("finding", [])}
    problems = []
    for f in want:
        got = have.pop(f["id"], None)
        if got is None:
            problems.append(f"session {n}: finding {f['id']} is missing")
            continue
        for key in ("level", "certainty", "variant"):
            if key in f and got.get(key) != f[key]:
                problems.append(f"session {n}: {f['id']} {key} is {got.get(key)}, expected {f[key]}")
    for extra in have.values():
        if LEVELS.index(extra["level"]) > 0:
            problems.append(f"session {n}: unexpected finding {extra['id']} ({extra['level']})")
    return problems


def compare(expect, events, status):
    sessions = [e for e in events if e["event"]["dataset"] == "mxwitness.session"]
    alerts = [e for e in events if e["event"]["dataset"] == "mxwitness.alert"]
    want = expect["sessions"]
    problems = []
    if len(sessions) != len(want):
        problems.append(f"{len(sessions)} sessions, expected {len(want)}")
    for n, (session, w) in enumerate(zip(sessions, want), 1):
        for name, value in w.get("facts", {}).items():
            got = lookup(session, name)
            if got != value:
                problems.append(f"session {n}: {name} is {got!r}, expected {value!r}")
        problems += compare_findings(n, w.get("findings", []), session)
        if "verdict" in w and session["mxwitness"].get("verdict") != w["verdict"]:
            problems.append(f"session {n}: verdict {session['mxwitness'].get('verdict')}, expected {w['verdict']}")
    found = sorted(f["id"] for s in sessions for f in s["mxwitness"].get("finding", []) if f["level"] != LEVELS[0])
    raised = sorted(a["rule"]["id"] for a in alerts)
    if found != raised:
        problems.append(f"findings of level low or above {found}, alerts {raised}")
    levels = [LEVELS.index(a["mxwitness"]["alert"]["level"]) for a in alerts]
    if expect.get("benign") and any(level >= 2 for level in levels):
        problems.append("a benign capture raised an alert of level medium or above")
    if status != (1 if any(level >= 2 for level in levels) else 0):
        problems.append(f"exit status {status}")
    if not events or events[-1]["mxwitness"].get("stats", {}).get("complete") is not True:
        problems.append("the run does not say that it was complete")
    return problems


def main():
    program = os.path.abspath(sys.argv[1])
    folder = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "pcaps")
    captures = sorted(glob.glob(os.path.join(folder, "**", "*.pcap*"), recursive=True))
    anchor = os.path.join(folder, "root.anchor")
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode()
    version = version.split(" without ")[0]
    passed = failed = 0
    for capture in captures:
        name = os.path.splitext(capture)[0] + ".expect.json"
        if not os.path.exists(name):
            problems = ["no expectation beside it"]
        else:
            with open(name, encoding="utf-8") as f:
                expect = json.load(f)
            if expect.get("needs", "") not in version:
                expect["sessions"] = []
            events, status, problems = run(program, anchor, expect, capture)
            problems += compare(expect, events, status)
        for p in problems:
            print(f"{os.path.relpath(capture, folder)}: {p}")
        passed += not problems
        failed += bool(problems)
    if not captures:
        print("no capture found")
        failed += 1
    print(f"captures: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
