#!/usr/bin/env python3
"""What is remembered between runs: read --state, and mxwitness baseline. Captures of a server on days before, made of one
recorded session, then one in which something is missing.

usage: baseline.py MXWITNESS        Last line: "baseline: N passed, N failed"."""
import fcntl
import json
import os
import sqlite3
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PCAPS = os.path.join(HERE, "pcaps")
sys.path.insert(0, os.path.join(HERE, "..", "tools", "mutate"))
import capfile  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
DAY = 86400 * 10**9
USUAL, STRIPPED, OTHER_KEY = "no-tlsa-nsec", "strip-no-dane", "cert-wrong-name"     # 198.51.100.12
ELSEWHERE = "insecure-tls12"                                                        # 198.51.100.20
SERVER = "198.51.100.12"
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"{what}: {str(detail)[:3000]}", flush=True)


def at(name, days):
    """The packets of a capture so many days earlier or later."""
    packets = capfile.read(os.path.join(PCAPS, name + ".pcapng"))
    for p in packets:
        p.time += int(days * DAY)
    return packets


def write(path, *parts):
    packets = [p for part in parts for p in part]
    capfile.write(path, sorted(packets, key=lambda p: p.time))
    return path


def run(*args, status=None):
    r = subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=120)
    if status is not None:
        check(" ".join(args), r.returncode == status, f"status {r.returncode}, not {status}: {r.stderr}")
    return r


def read(*args, status=None):
    out = run("read", "--format", "ndjson", "--dns", "off", *args, status=status).stdout
    return [json.loads(line) for line in out.splitlines()]


def of(events, kind):
    return [e for e in events if e["event"]["dataset"] == "mxwitness." + kind]


def rules(events):
    return sorted((e["rule"]["id"], e["mxwitness"]["alert"]["level"]) for e in of(events, "alert"))


def same(event):
    """An event without what counts the events of a run."""
    event = json.loads(json.dumps(event))
    event["event"].pop("sequence", None)
    event["mxwitness"].get("capture", {}).pop("frame_first", None)
    return event


def state(work, name):
    path = os.path.join(work, name)
    os.makedirs(path, exist_ok=True)
    os.chmod(path, 0o777)
    return path


def export(folder):
    return run("baseline", "export", "--state", folder, status=0).stdout


def usual_days(work, n=20, name="usual.pcapng", every=1.0):
    return write(os.path.join(work, name), *[at(USUAL, -1 - i * every) for i in range(n)])


def test_strip_after_a_habit(work):
    s, usual, strip = state(work, "s1"), usual_days(work), write(os.path.join(work, "strip.pcapng"), at(STRIPPED, 0))
    check("alone it is no alert", not of(read(strip), "alert"))
    first = read("--state", s, usual, status=0)
    second = read("--state", s, strip, status=1)
    alerts = of(second, "alert")
    check("a strip after a habit", [e["rule"]["id"] for e in alerts] == ["starttls-not-offered"], rules(second))
    for a in alerts:
        m = a["mxwitness"]
        check("its promise", m["expectation"]["strongest"] == "baseline", m["expectation"])
        check("its level", m["alert"]["level"] == "high", m["alert"])
        check("what is missing", m["history"]["surgical_delta"] is True and m["history"]["strength"] == "established", m["history"])
        check("where it was learnt", m["history"]["never_elsewhere"] is True, m["history"])
    both = state(work, "s2")
    one = read("--state", both, usual, strip)
    check("one after the other is as both at once",
          [same(e) for e in of(one, "session") + of(one, "alert")] ==
          [same(e) for e in of(first, "session") + of(second, "session") + of(first, "alert") + of(second, "alert")])
    check("and what is known then", export(s) == export(both), (export(s), export(both)))
    check("without --state there is no history", not [e for e in read(usual, strip) if "history" in e["mxwitness"]])
    before = export(s)
    again = read("--state", s, usual, strip)
    check("given again it teaches nothing", export(s) == before, (before, export(s)))
    check("and what was told is not told again", of(again, "session") and not of(again, "alert"), rules(again))


def test_too_little(work):
    s = state(work, "s3")
    four = usual_days(work, 4, "four.pcapng")
    read("--state", s, four)
    strip = write(os.path.join(work, "strip4.pcapng"), at(STRIPPED, 0))
    check("four sessions are no habit", not of(read("--state", s, strip), "alert"))
    other = write(os.path.join(work, "other.pcapng"), at("no-starttls-insecure-domain", 0))
    s = state(work, "s4")
    read("--state", s, usual_days(work))
    check("another server has no history", not of(read("--state", s, other), "alert"))
    late = write(os.path.join(work, "late.pcapng"), at(STRIPPED, 31))
    check("after a month it is weak", not of(read("--state", s, late), "alert"))


def test_certificate(work):
    s = state(work, "s5")
    read("--state", s, usual_days(work))
    other = write(os.path.join(work, "key.pcapng"), at(OTHER_KEY, 0))
    alerts = of(read("--state", s, other), "session")
    m = alerts[0]["mxwitness"]
    check("another key is seen", m["history"]["spki_known"] is False and m["history"]["keys"] == 1, m["history"])
    check("its finding", "cert-changed" in m.get("findings", []), m.get("findings"))


def test_issuer(work):
    """A certificate of an authority that the site knows; then one that signed itself."""
    s, site = state(work, "s12"), os.path.join(PCAPS, "authority.yaml")
    usual = write(os.path.join(work, "valid.pcapng"), *[at("cert-valid", i / 6) for i in range(30)])
    read("-c", site, "--state", s, usual)
    other = write(os.path.join(work, "self.pcapng"), at("cert-self-signed", 6))
    alerts = of(read("-c", site, "--state", s, other, status=1), "alert")
    check("another kind of issuer", [(a["rule"]["id"], a["mxwitness"]["variant"], a["mxwitness"]["alert"]["level"]) for a in alerts] ==
          [("cert-changed", "issuer", "medium")], rules(alerts))
    h = alerts[0]["mxwitness"]["history"] if alerts else {}
    check("its kinds", (h.get("usual_issuer_class"), h.get("issuer_class")) == ("public", "self-signed"), h)
    same_kind = write(os.path.join(work, "again.pcapng"), at("cert-valid", 7))
    again = of(read("-c", site, "--state", s, same_kind), "alert")
    check("the usual one again", {a["mxwitness"]["alert"]["state"] for a in again} <= {"closed"}, rules(again))
    week = write(os.path.join(work, "week.pcapng"), *[at("cert-self-signed", 8 + i / 4) for i in range(20)])
    last = of(read("-c", site, "--state", s, week), "session")[-1]["mxwitness"]
    check("days of it do not make it the server's", last["history"]["spki_known"] is False, last["history"])


def test_evidence(work):
    s, ev = state(work, "s6"), os.path.join(work, "evidence")
    os.makedirs(ev)
    os.chmod(ev, 0o777)
    read("--state", s, usual_days(work))
    strip = write(os.path.join(work, "strip6.pcapng"), at(STRIPPED, 0))
    alerts = of(read("--state", s, "--evidence", ev, strip), "alert")
    files = [os.path.join(ev, f) for f in os.listdir(ev) if f.endswith(".pcapng")]
    check("an evidence file", len(files) == 1 and alerts and alerts[0]["mxwitness"]["evidence"].get("reproduced") is True,
          alerts and alerts[0]["mxwitness"]["evidence"])
    for f in files:
        r = run("verify", f)
        check("verify repeats what rests on history", r.returncode == 0, r.stdout + r.stderr)


def test_commands(work):
    s, there = state(work, "s7"), state(work, "s8")
    run("baseline", "show", "--state", s, status=2)
    read("--state", s, usual_days(work))
    shown = run("baseline", "show", "--state", s, status=0).stdout
    check("show", f"server {SERVER} 25 own" in shown and "established" in shown, shown)
    one = run("baseline", "show", "--state", s, SERVER, status=0).stdout
    check("show one", "never seen from elsewhere" in one and "STARTTLS" in one, one)
    run("baseline", "show", "--state", s, "192.0.2.99", status=1)
    lines = [json.loads(line) for line in export(s).splitlines()]
    check("export", {e["key"].split()[0] for e in lines} == {"server", "client"}, lines)
    path = os.path.join(work, "export.ndjson")
    open(path, "w").write(export(s).replace('"established"', '"strong"'))
    run("baseline", "import", "--state", there, path, status=0)
    lines = [json.loads(line) for line in export(there).splitlines()]
    check("imported is one step weaker", [(e["key"], e["strength"], e["provenance"]) for e in lines] ==
          [(f"server {SERVER} 25 own", "imported", "imported")], lines)
    strip = write(os.path.join(work, "strip7.pcapng"), at(STRIPPED, 0))
    m = [e["mxwitness"] for e in of(read("--state", there, strip), "alert")]
    check("and binds", len(m) == 1 and m[0]["history"]["strength"] == "imported" and m[0]["history"]["surgical_delta"] and
          not m[0]["history"]["never_elsewhere"], m)
    known = os.path.join(work, "known.txt")
    open(known, "w").write("# partners\n" + SERVER + "\nMX.Example.net 587\n")
    s9 = state(work, "s9")
    run("baseline", "import", "--state", s9, known, status=0)
    keys = [json.loads(line)["key"] for line in export(s9).splitlines()]
    check("a list of servers", keys == ["host mx.example.net 587 own", f"server {SERVER} 25 own"], keys)
    check("binds too", rules(read("--state", s9, strip)) == [("starttls-not-offered", "high")])
    for text in ("mx example net\n", "{}\n", '{"key":"x","strength":"huge"}\n', "nodots\n", "a" * 50000 + "\n", "mx.example.net 0\n"):
        bad = os.path.join(work, "bad.txt")
        open(bad, "w").write("good.example.net\n" + text)
        r = run("baseline", "import", "--state", s9, bad, status=2)
        check("it says which line", "bad.txt:2:" in r.stderr, r.stderr)
    check("and nothing of it is imported", "good.example.net" not in export(s9))
    run("baseline", "lower", "--state", s9, SERVER, status=0)
    check("lowered", not of(read("--state", s9, write(os.path.join(work, "strip8.pcapng"), at(STRIPPED, 0.01))), "alert"))
    run("baseline", "forget", "--state", s9, "mx.example.net", status=0)
    check("forgotten", "mx.example.net" not in export(s9), export(s9))
    run("baseline", "forget", "--state", s9, "mx.example.net", status=1)


def test_database(work):
    s = state(work, "s10")
    usual = usual_days(work)
    read("--state", s, usual)
    db = os.path.join(s, "mxwitness.db")
    check("nobody else reads it", os.stat(db).st_mode & 0o007 == 0, oct(os.stat(db).st_mode))
    with open(db, "r+b") as f:
        f.seek(4096)
        f.write(b"\x5a" * 8000)
    r = run("read", "--state", s, "--dns", "off", usual)
    check("a damaged one is moved aside", r.stderr.count(".damaged-1") == 1 and os.path.exists(db + ".damaged-1"), r.stderr)
    check("and begun anew", SERVER in export(s))
    with sqlite3.connect(db) as d:
        d.execute("PRAGMA user_version=99")
    d.close()
    r = run("read", "--state", s, "--dns", "off", usual, status=2)
    check("a newer one is refused", "version 99" in r.stderr, r.stderr)
    run("read", "--state", os.path.join(work, "none"), "--dns", "off", usual, status=2)
    s = state(work, "s11")
    read("--state", s, usual)
    with open(os.path.join(s, "mxwitness.db.owner"), "r+") as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        r = run("read", "--state", s, "--dns", "off", usual, status=2)
        check("one owner", "another mxwitness" in r.stderr, r.stderr)
        r = run("baseline", "lower", "--state", s, SERVER, status=0)
        check("orders wait for him", "1 order left" in r.stderr, r.stderr)
    strip = write(os.path.join(work, "strip9.pcapng"), at(STRIPPED, 0))
    check("and are carried out", not of(read("--state", s, strip), "alert"))
    with sqlite3.connect(os.path.join(s, "mxwitness.db")) as d:
        d.execute("UPDATE history SET entry = x'00ff00ff'")
        check("nothing is left of them", d.execute("SELECT count(*) FROM orders").fetchone() == (0,))
    d.close()
    r = run("read", "--state", s, "--dns", "off", strip)
    check("rows of noise are none", r.returncode == 0, r.stderr)


def main():
    with tempfile.TemporaryDirectory(prefix="mxw-baseline-") as work:
        os.chmod(work, 0o755)
        for name, test in [(k, v) for k, v in globals().items() if k.startswith("test_")]:
            folder = os.path.join(work, name)
            os.makedirs(folder)
            os.chmod(folder, 0o755)
            test(folder)
    print(f"baseline: {passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
