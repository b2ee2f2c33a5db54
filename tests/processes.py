#!/usr/bin/env python3
"""One process, one right: what each process of `mxwitness read` may do, and what is said when one of them dies.

usage: processes.py MXWITNESS"""
import glob
import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.abspath(sys.argv[1])
ANCHOR = os.path.join(HERE, "pcaps", "root.anchor")
DEMO = sorted(glob.glob(os.path.join(HERE, "pcaps", "demo", "*.pcapng")))[0]
ROLES = ("mxw-capture", "mxw-resolver", "mxw-judge", "mxw-output")


def start():
    """A run that waits for more on its standard input, with the pids of its processes by name."""
    run = subprocess.Popen([PROGRAM, "read", "--format", "ndjson", "--trust-anchor", ANCHOR, "-"],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with open(DEMO, "rb") as f:
        run.stdin.write(f.read())
    run.stdin.flush()
    deadline = time.monotonic() + 20
    pids = {}
    while time.monotonic() < deadline and len(pids) < len(ROLES):
        for pid in children(run.pid):
            name = field(pid, "Name")
            if name in ROLES and (name != "mxw-capture" or field(pid, "Seccomp") == "2"):
                pids[name] = pid
        time.sleep(0.02)
    return run, pids


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(x) for x in f.read().split()]
    except FileNotFoundError:
        return []


def field(pid, name):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
            for line in f:
                if line.startswith(name + ":"):
                    return line.split(":", 1)[1].strip()
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def finish(run):
    out, err = run.communicate(timeout=60)
    return [json.loads(x) for x in out.decode().splitlines()], err.decode(), run.returncode


def rights():
    run, pids = start()
    problems = [f"no process {r}" for r in ROLES if r not in pids]
    if not problems:
        if field(pids["mxw-capture"], "Seccomp") != "2" or field(pids["mxw-capture"], "NoNewPrivs") != "1":
            problems.append("the capture process has no seccomp filter")
        for role in ("mxw-resolver", "mxw-judge", "mxw-output"):
            fds = [os.readlink(p) for p in glob.glob(f"/proc/{pids[role]}/fd/*") if os.path.islink(p)]
            if any(DEMO in f for f in fds):
                problems.append(f"{role} holds the capture")
    events, err, status = finish(run)
    if err or status not in (0, 1) or events[-1]["mxwitness"]["stats"]["complete"] is not True:
        problems.append(f"an undisturbed run ended with {status}: {err}")
    return problems


def death(role):
    run, pids = start()
    if role not in pids:
        run.kill()
        run.communicate()
        return [f"no process {role}"]
    os.kill(pids[role], signal.SIGKILL)
    time.sleep(0.2)
    events, err, status = finish(run)
    problems = []
    if status != 2:
        problems.append(f"exit status {status}")
    if role.split("-")[1] not in err:
        problems.append(f"standard error does not name it: {err.strip()}")
    whole = any(e["mxwitness"].get("stats", {}).get("complete") is True for e in events)
    if whole:
        problems.append("the output says that it is complete")
    return problems


def main():
    passed = failed = 0
    for name, check in [("rights", rights)] + [(f"{r} killed", lambda r=r: death(r)) for r in ROLES]:
        problems = check()
        for p in problems:
            print(f"{name}: {p}")
        passed += not problems
        failed += bool(problems)
    print(f"processes: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
