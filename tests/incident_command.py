#!/usr/bin/env python3
"""`mxwitness incident` and what its orders make of later runs; suppression entries of the configuration; what the same captures say in one
run and in several.

usage: incident_command.py MXWITNESS    Last line: "incident command: N passed, N failed"."""
import datetime
import json
import os
import subprocess
import sys
import tempfile

PCAPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pcaps")
PROGRAM = os.path.abspath(sys.argv[1])
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"{what}: {detail}")


def run(*args):
    return subprocess.run([PROGRAM, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, universal_newlines=True)


def read(state, *captures, more=()):
    done = run("read", "--dns", "off", "--format", "ndjson", *(("--state", state) if state else ()), *more,
               *(os.path.join(PCAPS, c + ".pcapng") for c in captures))
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return done, [e for e in events if e["event"]["kind"] == "alert"], events


def day(n):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=n)).strftime("%Y-%m-%d")


def commands(folder):
    state = os.path.join(folder, "state")
    os.mkdir(state)
    where = ("--state", state)
    _, alerts, _ = read(state, "masked-keyword")
    incident = alerts[0]["mxwitness"]["alert"]["incident"]
    listed = run("incident", "list", *where)
    check("list", listed.returncode == 0 and incident[:8] in listed.stdout and "starttls-keyword-masked/x-mask" in listed.stdout, listed)
    as_json = [json.loads(line) for line in run("incident", "list", "--format", "ndjson", *where).stdout.splitlines()]
    check("list, as events", [e["mxwitness"]["alert"]["incident"] for e in as_json] == [incident], as_json)
    shown = run("incident", "show", incident[:8], *where)
    check("show", shown.returncode == 0 and incident in shown.stdout and "clear-content" in shown.stdout, shown)
    told = run("incident", "explain", incident[:8], *where).stdout
    check("explain", all(w in told for w in ("What led to what", "Why medium", "What was promised", "What would change it", "Next")), told)
    check("which", run("incident", "show", "000000", *where).returncode == 1 and run("incident", "ack", incident[:3], *where).returncode == 1)
    check("usage", all(run("incident", *a).returncode == 2 for a in ((), ("see",), ("list", "x", *where), ("ack", *where),
                                                                     ("show", incident, "--lower", *where))))
    again, alerts, events = read(state, "masked-keyword")
    check("the same capture once more says nothing", not alerts and events[-1]["mxwitness"]["stats"]["incidents"]["open"] == 1, alerts)
    _, alerts, _ = read(state, "incident-repeats")
    first = [a["mxwitness"]["alert"] for a in alerts if a["mxwitness"]["alert"]["incident"] == incident]
    check("it goes on in the next run", first and first[0]["revision"] == 2 and first[-1]["state"] == "closed", first)
    check("it is over", incident[:8] not in run("incident", "list", *where).stdout)


def acknowledged(folder):
    state = os.path.join(folder, "acknowledged")
    os.mkdir(state)
    where = ("--state", state)
    _, alerts, _ = read(state, "masked-keyword")
    incident = alerts[0]["mxwitness"]["alert"]["incident"]
    check("ack", run("incident", "ack", incident, "--lower", *where).returncode == 0)
    check("ack, listed", "(acknowledged)" in run("incident", "list", *where).stdout)
    _, alerts, _ = read(state, "incident-often")
    check("what was acknowledged counts in silence", not alerts, [a["event"]["reason"] for a in alerts])
    shown = run("incident", "show", incident, *where).stdout
    check("ack, counted", "12 times" in shown, shown)


def suppressed(folder):
    state = os.path.join(folder, "suppressed")
    os.mkdir(state)
    where = ("--state", state)
    _, alerts, _ = read(state, "masked-keyword")
    incident = alerts[0]["mxwitness"]["alert"]["incident"]
    words = ("--reason", "their gateway, ticket 7", "--owner", "mail team")
    for what, more in (("no end", words), ("too long", words + ("--until", day(200))), ("over", words + ("--until", day(-2))),
                       ("no owner", ("--reason", "x", "--until", day(30))), ("no reason", ("--owner", "x", "--until", day(30)))):
        check("suppress, " + what, run("incident", "suppress", incident, *more, *where).returncode == 2)
    done = run("incident", "suppress", incident, *words, "--until", day(170), *where)
    check("suppress", done.returncode == 0 and "is kept back until" in done.stderr, done)
    _, alerts, events = read(state, "incident-often", "refused-454-dane")
    stats = events[-1]["mxwitness"]["stats"]
    check("nothing is told of it", not alerts, alerts)
    check("it is counted", stats["kept_back"] == 11 and stats["suppression"][0]["kept_back"] == 11, stats)
    check("the finding stands", all(e["mxwitness"]["finding"][0]["level"] == "medium" for e in events
                                    if e["event"]["kind"] == "event" and "starttls-keyword-masked" in e["mxwitness"]["findings"]))
    name = "incident-" + incident[:12]
    check("suppress, listed", name in run("incident", "list", *where).stdout and "11 kept back" in run("incident", "list", *where).stdout)
    check("unsuppress", run("incident", "unsuppress", name, *where).returncode == 0 and name not in run("incident", "list", *where).stdout)
    check("unsuppress, none", run("incident", "unsuppress", name, *where).returncode == 1)


def configured(folder):
    path = os.path.join(folder, "site.yaml")
    entry = "suppress:\n- {{name: relay, findings: [{}], servers: [{}], reason: agreed, owner: mail team, until: {}}}\n"
    for what, values, kept in (("fits", ("starttls-keyword-masked", "198.51.100.0/24", day(30)), True),
                               ("another variant", ("starttls-keyword-masked/mangled", "198.51.100.0/24", day(30)), False),
                               ("another server", ("starttls-keyword-masked", "198.51.101.0/24", day(30)), False),
                               ("ended", ("starttls-keyword-masked", "198.51.100.0/24", "2026-01-01"), False)):
        with open(path, "w", encoding="utf-8") as f:
            f.write(entry.format(*values))
        done, alerts, _ = read(None, "masked-keyword", more=("-c", path))
        check("configured, " + what, (not alerts) == kept and done.returncode == (0 if kept else 1), (done.returncode, len(alerts)))
        check("configured, says that it has ended", ("has ended" in done.stderr) == (what == "ended"), done.stderr)
    for bad in (f"findings: [banner-masked], until: {day(300)}", "findings: [banner-masked], until: never",
                f"findings: [], until: {day(30)}", "findings: [banner-masked]"):
        with open(path, "w", encoding="utf-8") as f:
            f.write("suppress:\n- {name: relay, reason: agreed, owner: x, %s}\n" % bad)
        done = run("config", "check", "-c", path)
        check("configured, " + bad, done.returncode == 2 and ":2:" in done.stderr, done.stderr)


def runs(folder):
    """Captures in order of time give the same words in one run as in several, but for what the ends of runs say."""
    state = os.path.join(folder, "runs")
    os.mkdir(state)
    parts = ("masked-keyword", "incident-often")
    _, whole, _ = read(None, *parts)
    several = [a for part in parts for a in read(state, part)[1]]
    words = lambda alerts: [(a["mxwitness"]["alert"]["incident"], a["event"]["reason"], a["mxwitness"]["alert"]["count"]) for a in alerts]
    check("one run and several", words(several) == words(whole), (words(several), words(whole)))


def main():
    with tempfile.TemporaryDirectory(prefix="mxw-incident-") as folder:
        for test in (commands, acknowledged, suppressed, configured, runs):
            test(folder)
    print(f"incident command: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
