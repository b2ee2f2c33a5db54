#!/usr/bin/env python3
"""One process, one right: what each process of `mxwitness read` may do, and what is said when one of them dies.

usage: processes.py MXWITNESS"""
import glob
import json
import os
import pwd
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.abspath(sys.argv[1])
ANCHOR = os.path.join(HERE, "pcaps", "root.anchor")
DEMO = sorted(glob.glob(os.path.join(HERE, "pcaps", "demo", "*.pcapng")))[0]
ROLES = ("mxw-capture", "mxw-resolver", "mxw-judge", "mxw-output")
AUTO = ("--dns=auto", "--resolver", "192.0.2.1")
NOBODY = 65534
skipped = []


def start(options=(), user=None):
    """A run that waits for more on its standard input, with the pids of its processes by name."""
    roles = ROLES + (("mxw-forwarder",) if options else ())
    become = (lambda: (os.setgroups([]), os.setgid(user), os.setuid(user))) if user else None
    run = subprocess.Popen([PROGRAM, "read", "--format", "ndjson", "--trust-anchor", ANCHOR] + list(options) + ["-"],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=become)
    with open(DEMO, "rb") as f:
        run.stdin.write(f.read())
    run.stdin.flush()
    deadline = time.monotonic() + 20
    pids = {}
    while time.monotonic() < deadline and len(pids) < len(roles):
        for pid in children(run.pid):
            name = field(pid, "Name")
            if name in roles and confined(pid, run.pid):
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


def confined(pid, parent):
    """Has it a filter of its own, beside the one it was born with? (Kernels before 5.9 do not count.)"""
    mine, born = field(pid, "Seccomp_filters"), field(parent, "Seccomp_filters")
    return field(pid, "Seccomp") == "2" and (mine is None or born is None or int(mine) == int(born) + 1)


def finish(run):
    out, err = run.communicate(timeout=60)
    return [json.loads(x) for x in out.decode().splitlines()], err.decode(), run.returncode


def status_problems(role, pid, uid):
    want = {"Seccomp": "2", "NoNewPrivs": "1", "Uid": "\t".join([str(uid)] * 4), "CapEff": "0" * 16, "CapPrm": "0" * 16,
            "CapInh": "0" * 16, "CapAmb": "0" * 16}
    if os.geteuid() == 0 and uid != NOBODY:
        want["CapBnd"] = "0" * 16
    return [f"{role}: {k} is {field(pid, k)}, not {v}" for k, v in want.items() if field(pid, k) != v]


def link(pid, what):
    try:
        return os.readlink(f"/proc/{pid}/{what}")
    except OSError:
        return None


def descriptor_problems(pids):
    """What is open in each, as far as it can be told apart (root alone may look)."""
    problems = []
    for role, pid in pids.items():
        fds = [link(pid, "fd/" + os.path.basename(p)) for p in glob.glob(f"/proc/{pid}/fd/*")]
        if role != "mxw-capture" and any(f and DEMO in f for f in fds):
            problems.append(f"{role} holds the capture")
        if role == "mxw-forwarder" and len([f for f in fds if f and f.startswith("socket:")]) != 1:
            problems.append(f"{role} holds more than its pair: {fds}")
        if role == "mxw-forwarder" and any(f and f.startswith("/") and f != "/dev/null" for f in fds):
            problems.append(f"{role} holds files: {fds}")
        own = link(pid, "ns/net") != link("self", "ns/net")
        if own != (role == "mxw-resolver"):
            if role == "mxw-resolver":
                skipped.append("the resolver has no network namespace of its own here")
            else:
                problems.append(f"{role} is in another network namespace")
    return problems


def rights(options=(), user=None):
    run, pids = start(options, user)
    roles = ROLES + (("mxw-forwarder",) if options else ())
    problems = [f"no process {r}" for r in roles if r not in pids]
    uid = user or os.geteuid()
    if uid == 0 and "mxwitness" in [p.pw_name for p in pwd.getpwall()]:
        uid = pwd.getpwnam("mxwitness").pw_uid
    for role, pid in pids.items():
        problems += status_problems(role, pid, uid)
    if os.geteuid() == 0:
        problems += descriptor_problems(pids)
    if field(run.pid, "NoNewPrivs") != field(run.pid, "Seccomp").replace("2", "1"):
        problems.append("the supervisor has a filter and may gain rights")
    events, err, status = finish(run)
    if err or status not in (0, 1) or events[-1]["mxwitness"]["stats"]["complete"] is not True:
        problems.append(f"an undisturbed run ended with {status}: {err}")
    return problems


def rights_of_nobody():
    if os.geteuid() != 0:
        skipped.append("only root can become another user")
        return []
    for path in (PROGRAM, ANCHOR):
        if subprocess.run(["test", "-r", path], preexec_fn=lambda: os.setuid(NOBODY), check=False).returncode:
            skipped.append(f"another user cannot read {path}")
            return []
    return rights(AUTO, NOBODY)


def death(role, options=()):
    run, pids = start(options)
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
    if role == "mxw-forwarder":     # nobody had asked it anything: the output is whole
        return problems
    whole = any(e["mxwitness"].get("stats", {}).get("complete") is True for e in events)
    if whole:
        problems.append("the output says that it is complete")
    return problems


def main():
    passed = failed = 0
    checks = [("rights", rights), ("rights with live DNS", lambda: rights(AUTO)), ("rights of another user", rights_of_nobody)]
    checks += [(f"{r} killed", lambda r=r: death(r)) for r in ROLES]
    checks += [("mxw-forwarder killed", lambda: death("mxw-forwarder", AUTO))]
    for name, check in checks:
        before = len(skipped)
        problems = check()
        for p in problems:
            print(f"{name}: {p}")
        if not problems and len(skipped) > before:
            continue
        passed += not problems
        failed += bool(problems)
    note = f", {len(skipped)} skipped ({'; '.join(skipped)})" if skipped else ""
    print(f"processes: {passed} passed, {failed} failed{note}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
