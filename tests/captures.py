#!/usr/bin/env python3
"""Every capture under tests/pcaps against the expectation beside it (NAME.expect.json).

usage: captures.py MXWITNESS [FOLDER]    prints one line a capture that differs, and "N passed, N failed" last.
An expectation names facts, findings and the verdict of each session, in the order in which they ended; null means
that the fact must be absent; watched: what the posture events of watched domains (watched.yaml) say, and their alerts; several, the findings that rest on several sessions (by their numbers); state, that what is learnt on the way binds (read --state, in a folder of the run's own); needs, what --version must name, or else there is no session. Every capture must have an expectation, and every expectation a capture."""
import collections
import glob
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib

SHARE = int(os.environ.get("CAPTURE_SHARE", "1"))  # one capture of so many, others each day, and once: for builds that are slow
SESSIONS = 16    # ids of sessions that an alert names
AGAIN = int(os.environ.get("AGAIN_SHARE", "1"))    # one of so many is judged twice, to the same octets
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


def run_once(args, expect, capture):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)     # whoever reads has no rights of root's
        args = args + (["--state", folder] if expect.get("state") else []) + [capture]
        return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


def hash_of(capture):
    return zlib.crc32(os.path.basename(capture).encode())


def run(program, anchor, expect, capture):
    args = [program, "read", "--format", "ndjson", "--dns", expect.get("dns", "capture")]
    if os.path.exists(anchor):
        args += ["--trust-anchor", anchor]
    folder = os.path.dirname(capture)
    args += [os.path.join(folder, o) if o.endswith((".yaml", ".pcapng")) else o for o in expect.get("options", [])]
    done = run_once(args, expect, capture)
    twice = SHARE == 1 and (hash_of(capture) + int(time.time() // 86400)) % AGAIN == 0
    again = run_once(args, expect, capture) if twice else done
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


def last_words(alerts):
    """Each incident's last revision; the revisions of one must follow each other from 1."""
    incidents, problems = {}, []
    for a in alerts:
        m = a["mxwitness"]["alert"]
        known = incidents.get(m["incident"])
        if m["revision"] != (known["mxwitness"]["alert"]["revision"] + 1 if known else 1):
            problems.append(f"incident {m['incident']}: revision {m['revision']} after {known and known['mxwitness']['alert']}")
        if (m["state"] == "open") != (known is None):
            problems.append(f"incident {m['incident']}: revision {m['revision']} is {m['state']}")
        incidents[m["incident"]] = a
    if len({a["event"]["id"] for a in alerts}) != len(alerts):
        problems.append("two alerts have one id")
    return list(incidents.values()), problems


def compare_alerts(sessions, alerts):
    """Every finding of level low or above is in the chain of exactly one incident that counts its session, and no incident has another."""
    incidents, problems = last_words([a for a in alerts if "sessions" in a["mxwitness"]["alert"]])
    kept = max([len(a["mxwitness"]["alert"]["sessions"]) for a in incidents], default=0)
    counted = collections.Counter()
    for s in sessions:
        mine = [a for a in incidents if s["event"]["id"] in a["mxwitness"]["alert"]["sessions"]]
        levels = {f["id"]: LEVELS.index(f["level"]) for f in s["mxwitness"].get("finding", [])}
        for f, level in levels.items():
            of = [a for a in mine if f in a["mxwitness"]["alert"].get("chain", [])]
            if level and len(of) != 1 and kept < SESSIONS:
                problems.append(f"{f} of {s['event']['id']} is in {len(of)} incidents")
        for a in mine:
            m = a["mxwitness"]["alert"]
            counted[m["incident"]] += 1
            if not any(levels.get(f) for f in m["chain"]):
                problems.append(f"incident {m['incident']} counts {s['event']['id']}, which has none of {m['chain']}")
            if LEVELS.index(m["level"]) < max(levels.get(f, 0) for f in m["chain"]):
                problems.append(f"incident {m['incident']} has level {m['level']}, less than a finding of {s['event']['id']}")
            if len(m["chain"]) > 1 and ", and then ".join(m["chain"][-2:]) not in a["message"]:
                problems.append(f"the message of {a['rule']['id']} does not say its chain {m['chain']}")
            if a["rule"]["id"] not in m["chain"]:
                problems.append(f"{a['rule']['id']} is not in its chain {m['chain']}")
    for a in incidents:
        m = a["mxwitness"]["alert"]
        if m["count"] != counted[m["incident"]] and m["count"] <= SESSIONS:
            problems.append(f"incident {m['incident']} counts {m['count']}, of {counted[m['incident']]} sessions")
    return problems


def rests_on_several(alert):
    return alert["mxwitness"].get("evidence", {}).get("why", "").startswith("it rests on several sessions")


def compare_several(want, sessions, alerts):
    numbers = {s["event"]["id"]: n for n, s in enumerate(sessions, 1)}
    got = [{"id": a["rule"]["id"], "variant": a["mxwitness"].get("variant"), "level": a["mxwitness"]["alert"]["level"],
            "certainty": a["mxwitness"]["certainty"],
            "sessions": [numbers.get(i) for i in a["mxwitness"]["alert"]["sessions"]]} for a in alerts]
    problems = [f"not expected: {json.dumps(g)}" for g in got if g not in want]
    return problems + [f"missing: {json.dumps(w)}" for w in want if w not in got]


def compare_lives(want, alerts):
    """What incidents say over time, word by word."""
    got = [{"time": a["@timestamp"][:19], "id": a["rule"]["id"], "state": a["mxwitness"]["alert"]["state"], "level": a["mxwitness"]["alert"]["level"],
            "count": a["mxwitness"]["alert"]["count"], "clients": a["mxwitness"]["alert"]["clients"],
            "why": a["event"]["reason"].split("; ")[-1].split(":")[0]} for a in alerts]
    problems = [f"word {n} is {json.dumps(g)}, expected {json.dumps(w)}" for n, (g, w) in enumerate(zip(got, want), 1) if g != w]
    return problems + ([f"{len(got)} words of incidents, expected {len(want)}: {json.dumps(got)}"] if len(got) != len(want) else [])


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
    several = {a["mxwitness"]["alert"]["incident"] for a in alerts if rests_on_several(a)}
    problems += compare_several(expect.get("several", []), sessions, [a for a in alerts if rests_on_several(a)])
    problems += compare_alerts(sessions, [a for a in alerts if a["mxwitness"]["alert"].get("incident") not in several])
    if "incidents" in expect:
        problems += compare_lives(expect["incidents"], alerts)
    levels = [LEVELS.index(a["mxwitness"]["alert"]["level"]) for a in alerts]
    if expect.get("benign") and any(level >= 2 for level in levels):
        problems.append("a benign capture raised an alert of level medium or above")
    if status != (1 if any(level >= 2 for level in levels) else 0):
        problems.append(f"exit status {status}")
    if not events or events[-1]["mxwitness"].get("stats", {}).get("complete") is not True:
        problems.append("the run does not say that it was complete")
    return problems


def watched(expect, program, anchor, capture, before):
    """Its domains watched: their posture, and their sessions judged as before."""
    more = dict(expect, options=expect.get("options", []) + ["-c", "watched.yaml"])
    events, _, problems = run(program, anchor, more, capture)
    verdicts = [[(e["mxwitness"].get("verdict"), e["mxwitness"].get("findings")) for e in events if e["event"]["dataset"] == "mxwitness.session"]
                for events in (before, events)]
    if verdicts[0] != verdicts[1]:
        problems.append(f"watched: sessions are {verdicts[1]}, and were {verdicts[0]}")
    got = {}
    for e in events:
        posture = e["mxwitness"].get("posture")
        if posture and e["event"]["kind"] != "alert":
            got[posture["domain"]] = {"dnssec": posture["dnssec"], "dane": posture["dane"], "findings": []}
        elif posture:
            got[posture["domain"]]["findings"].append(e["rule"]["id"])
    if got != expect["watched"]:
        problems.append(f"watched: {json.dumps(got)}, expected {json.dumps(expect['watched'])}")
    return problems


def main():
    program = os.path.abspath(sys.argv[1])
    folder = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "pcaps")
    captures = sorted(glob.glob(os.path.join(folder, "**", "*.pcap*"), recursive=True))
    captures = captures[int(time.time() // 86400) % SHARE::SHARE]
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
            if "watched" in expect:
                problems += watched(expect, program, anchor, capture, events)
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
