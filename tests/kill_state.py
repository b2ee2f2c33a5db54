#!/usr/bin/env python3
"""The process that holds the state is killed (SIGKILL) at random points, and what is remembered is what it would have been.

usage: kill_state.py MXWITNESS      POINTS=N: so many points (default 100; 10 with BRIEF=1); SEED=N: those of an earlier run

`read --state`: after each kill the database opens clean, what had been said stands in what is said when the same captures are
read again, and that, with all that is known at the end, is equal octet by octet to a run that nobody disturbed.
`watch` (root, ip(8), editcap(1)): no session is lost or counted twice, none is without its alert, and what is said twice has the
same id. Last line: "kill state: N passed, N failed"."""
import collections
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "tools", "mutate")]
import capfile  # noqa: E402
import watch  # noqa: E402

PROGRAM = watch.PROGRAM
DAY = 86400 * 10**9
POINTS = int(os.environ.get("POINTS", 10 if os.environ.get("BRIEF") else 100))
SEED = int(os.environ.get("SEED", random.randrange(10**6)))
KILLS = 2                       # of one watch: the supervisor waits longer each time
check = watch.check


def days(name, first, n, step):
    """One session of a capture, n times, step days apart."""
    out = []
    for i in range(n):
        for p in capfile.read(os.path.join(HERE, "pcaps", name + ".pcapng")):
            p.time += int((first + i * step) * DAY)
            out.append(p)
    return out


def captures(work):
    """A habit of two servers; then what breaks it, and other things."""
    habit, rest = os.path.join(work, "habit.pcapng"), os.path.join(work, "rest.pcapng")
    at = lambda p: p.time  # noqa: E731
    capfile.write(habit, sorted(days("no-tlsa-nsec", -30, 300, 0.1) + days("insecure-tls12", -30, 300, 0.1), key=at))
    capfile.write(rest, sorted(days("strip-no-dane", 0, 20, 0.01) + days("cert-wrong-name", 0.5, 20, 0.01) +
                               days("no-starttls-insecure-domain", 0, 20, 0.01) + days("masked-keyword", 0, 20, 0.01) +
                               days("no-tlsa-nsec", 1, 200, 0.01), key=at))
    return habit, rest


def command(state, *files):
    return [PROGRAM, "read", "--format", "ndjson", "--dns", "off", "--state", state, *files]


def export(state):
    return subprocess.run([PROGRAM, "baseline", "export", "--state", state], capture_output=True, text=True, check=True).stdout


def sound(state):
    with sqlite3.connect(os.path.join(state, "mxwitness.db")) as d:
        answer = d.execute("PRAGMA integrity_check").fetchall()
    d.close()
    return answer == [("ok",)]


def judge_of(process):
    return next((p for p in watch.children(process.pid) if watch.name_of(p) == "mxw-judge"), None)


def read_and_kill(args, after):
    """What was said until the judge was killed so many seconds after it was there; None: it had ended before."""
    with tempfile.TemporaryFile("w+") as out:
        p = subprocess.Popen(args, stdout=out, stderr=subprocess.DEVNULL)
        pid = watch.wait_for(lambda: judge_of(p) or p.poll() is not None, 10, 0.0005)
        time.sleep(after)
        killed = pid is not True and pid and p.poll() is None
        if killed:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                killed = False
        status = p.wait(60)
        out.seek(0)
        text = out.read()
    return (text[:text.rfind("\n") + 1], status) if killed else None


def ids(text, kind):
    return [json.loads(line)["event"]["id"] for line in text.splitlines() if f'"mxwitness.{kind}"' in line]


def steady(text):
    """What is said of sessions: not how the run went."""
    return "".join(line + "\n" for line in text.splitlines() if '"mxwitness.stats"' not in line)


def test_read(work, points, rng):
    habit, rest = captures(work)
    base, whole, s = (os.path.join(work, d) for d in ("base", "whole", "state"))
    os.mkdir(base)
    os.chmod(base, 0o777)
    subprocess.run(command(base, habit), stdout=subprocess.DEVNULL, check=False)
    shutil.copytree(base, whole)
    os.chmod(whole, 0o777)
    begin = time.monotonic()
    expected = subprocess.run(command(whole, rest), capture_output=True, text=True, check=False).stdout
    lasts = time.monotonic() - begin
    known = export(whole)
    check("there is something to lose", len(ids(expected, "alert")) >= 3 and known != export(base), ids(expected, "alert"))
    killed = 0
    while killed < points:
        shutil.rmtree(s, ignore_errors=True)
        shutil.copytree(base, s)
        os.chmod(s, 0o777)
        done = read_and_kill(command(s, rest), rng.uniform(0, lasts))
        if not done:
            continue
        killed += 1
        said, status = done
        check("a killed run says so", status == 2 or steady(said) == steady(expected), status)
        check("the database is sound", sound(s))
        committed = export(s) == known
        check("all of it is known, or nothing", committed or export(s) == export(base))
        again = subprocess.run(command(s, rest), capture_output=True, text=True, check=False).stdout
        told = set(ids(said, "alert")) | set(ids(again, "alert"))
        check("nothing is lost, nothing is new", told == set(ids(expected, "alert")), (len(told), committed))
        check("what had been told is told again, or all had been", ids(again, "alert") == ([] if committed else ids(expected, "alert")))
        check("and the rest is as it was", committed or steady(again) == steady(expected))
        check("all that is known is as it would have been", export(s) == known)
    watch.notes.append(f"read: judge killed at {killed} points of {lasts:.2f} s")


def test_watch(work, points, rng):
    done = 0
    while done < points:
        w = watch.Watch(work, "--dns", "off")
        load = watch.Load(rate=150)
        for _ in range(min(KILLS, points - done)):
            time.sleep(rng.uniform(0.3, 2.5))
            pid = w.pids().get("judge")
            check("there is a judge", pid, w.log())
            if pid:
                os.kill(pid, signal.SIGKILL)
                check("and another", watch.again_after(w, "judge", pid), w.log())
            done += 1
        time.sleep(1)
        ports = load.end()
        time.sleep(0.5)
        status, _ = w.end()
        check("it ends", status == 0, (status, w.log()))
        state = os.path.join(w.work, "state")
        check("the database is sound", sound(state))
        told = watch.ports_of(w.alerts())
        check("none without its alert", set(ports) <= set(told), sorted(set(ports) - set(told))[:5])
        twice = collections.Counter(a["event"]["id"] for a in w.alerts() if a["rule"]["id"] == watch.CLEAR_RULE)
        check("what is said twice has one id", len(twice) == len(told), (len(twice), len(told)))
        seen = collections.Counter(s["event"]["id"] for s in w.sessions())
        check("every session has its event", len(seen) == len(ports), (len(seen), len(ports)))
        entries = [json.loads(line) for line in export(state).splitlines()]
        counts = collections.Counter(e["sessions"] for e in entries if e["key"].startswith("server "))
        check("every one is known, once", counts == {1: len(ports)}, (counts, len(ports)))
        clients = sum(e["sessions"] for e in entries if e["key"].startswith("client "))
        check("and none was counted twice", clients == len(ports), (clients, len(ports)))
        watch.notes.append(f"watch: {len(ports)} sessions, {sum(seen.values()) - len(seen)} sessions and "
                           f"{sum(twice.values()) - len(twice)} alerts said twice")


def main():
    rng = random.Random(SEED)
    tools = [t for t in ("ip", "editcap") if not shutil.which(t)]
    wire = not tools and os.geteuid() == 0
    if wire:
        try:
            watch.run("ip", "netns", "add", watch.NS)
        except subprocess.CalledProcessError:
            wire = False
    live = POINTS * 3 // 10 if wire else 0
    with tempfile.TemporaryDirectory(prefix="mxw-kill-") as work:
        os.chmod(work, 0o755)
        test_read(work, POINTS - live, rng)
        if not wire:
            return 1
        try:
            watch.inside("ip", "link", "set", "lo", "up")
            watch.veth("a")
            test_watch(work, live, rng)
        finally:
            subprocess.run(("ip", "netns", "del", watch.NS), check=False)
    return 0


if __name__ == "__main__":
    skipped = main()
    for note in watch.notes:
        print("  " + note)
    print(f"  SEED={SEED}")
    print(f"kill state: {watch.passed} passed, {watch.failed} failed" + (", 1 skipped (watch: needs root, ip, editcap)" if skipped else ""))
    sys.exit(watch.failed != 0)
