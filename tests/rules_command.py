#!/usr/bin/env python3
"""rules_command.py PROGRAM: what `mxwitness rules` lists, shows, refuses and tests; and that the generated pages of the
manual are the ones that this program generates. Ends in "rules command: N passed, N failed"."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
top = os.path.dirname(here)
program = os.path.abspath(sys.argv[1])
rules = os.path.join(top, "rules")
passed = failed = skipped = 0
folder = tempfile.mkdtemp(prefix="mxwitness-rules-")


def check(what, good, detail=""):
    global passed, failed
    if good:
        passed += 1
        return
    failed += 1
    print(f"FAILED {what}\n{detail}")


def run(*args):
    r = subprocess.run([program, "rules", *args], capture_output=True, text=True, timeout=120)
    return r.returncode, r.stdout, r.stderr


def write(name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


# list, show, fields

def silent_names():
    """Documents that are no finding, and only there for correlations."""
    names = set()
    for f in os.listdir(rules):
        for doc in open(os.path.join(rules, f)).read().split("\n---\n") if f.endswith(".yaml") else []:
            if "{silent: true}" in doc:
                names.add(re.search(r"^name: (\S+)", doc, re.M).group(1))
    return names


def listing():
    status, out, err = run("list")
    check("list: ndjson when it is not a terminal", status == 0 and not err, err)
    rows = [json.loads(line) for line in out.splitlines()]
    documents = sum(len(re.findall(r"^(?:detection|correlation):", open(os.path.join(rules, f)).read(), re.M))
                    for f in os.listdir(rules) if f.endswith(".yaml") and f != "verdict.yaml")
    check("list: a line a rule document", len(rows) == documents, f"{len(rows)} lines, {documents} documents")
    silent = silent_names()
    for key in ("name", "id", "finding", "title", "certainty", "levels", "references", "falsepositives", "file", "line"):
        lacks = [r["name"] for r in rows if key not in r and r["name"] not in silent]
        check(f"list: every rule that speaks has {key}", not lacks, lacks)
    status, out, _ = run("list", "--format", "table")
    lines = out.splitlines()
    check("list: a row a rule", status == 0 and sum(r["name"] in out for r in rows) == len(rows)
          and len(lines) >= len(rows) + 1)
    row = next((line for line in lines if line.startswith("starttls-not-offered ")), "").split()
    check("list: levels of starttls-not-offered", row[:6] ==
          ["starttls-not-offered", "indication", "info", "high", "critical", "medium"], row)
    status, out, _ = run("list", "--findings")
    check("list --findings: a line a finding", status == 0 and
          sorted(json.loads(x)["finding"] for x in out.splitlines()) == sorted({r["finding"] for r in rows} - silent))
    return rows


def levels_are_those_of_the_judge(rows):
    """The table of one rule, cell by cell, as tests that the judge must pass."""
    row = next(r for r in rows if r["name"] == "starttls-not-offered")
    docs = []
    for expect, outcomes in row["levels"].items():
        for outcome, cell in outcomes.items():
            for delivery in ("unknown", "no", "inferred", "seen"):
                level = cell[delivery] if isinstance(cell, dict) else cell
                docs.append(f"name: {expect} {outcome} {delivery}\nsession:\n"
                            "  mxwitness.service: mx\n  mxwitness.smtp.starttls.offered: false\n"
                            "  mxwitness.smtp.ehlo_reply_complete: true\n  mxwitness.capture.gap_in_dialogue: false\n"
                            f"  mxwitness.identity.confidence: high\n  mxwitness.outcome: {outcome}\n"
                            f"  mxwitness.delivery: '{delivery}'\n  mxwitness.expectation.strongest: {expect}\n"
                            f"findings:\n  - {{id: starttls-not-offered, level: {level}}}\n")
    path = write("levels.yaml", "---\n".join(docs))
    status, out, err = run("test", path)
    check("list: every level is the judge's", status == 0 and out.endswith(f"{len(docs)} passed, 0 failed\n"), out[-600:] + err)
    check("list: the table has cells of every level",
          {cell if isinstance(cell, str) else "" for o in row["levels"].values() for cell in o.values()} >=
          {"informational", "low", "medium", "high", "critical"})


def pages(rows):
    one = next(r for r in rows if r["name"] == "starttls-keyword-masked-x-mask")
    _, by_name, _ = run("show", one["name"])
    _, by_id, _ = run("show", one["id"])
    check("show: by name and by UUID", by_name == by_id and len(by_name) > 500, by_id)
    for part in (one["title"], one["id"], one["description"].split(".")[0][:40], "condition: masked and known and whole",
                 f"starttls-keyword-masked.yaml:{one['line']}", "T1562.010", "starttls-not-supported", "RFC 3207 section 6",
                 one["falsepositives"][0], "check next", "the promise", "clear-content", "sts-enforce", "downgraded"):
        check(f"show: says {part}", part in by_name, by_name)
    check("show: not more than its own detection", "e8d22670" not in by_name and "falsepositives:" not in by_name, by_name)
    _, out, _ = run("show", "starttls-keyword-masked")
    check("show: a finding is all its rules", all(r["id"] in out for r in rows if r["finding"] == "starttls-keyword-masked"))
    status, out, err = run("show", "starttls-not-offerd")
    check("show: the nearest name", status == 2 and not out and 'did you mean "starttls-not-offered"' in err, err)
    for r in rows:
        status, out, err = run("show", r["name"])
        check(f"show {r['name']}", status == 0 and r["id"] in out and
              ("condition:" in out or "correlation:" in out), out + err)


def fields():
    status, out, _ = run("fields", "--format", "tsv")
    lines = out.splitlines()
    facts = len(re.findall(r"^FACT\(", open(os.path.join(top, "src", "facts.def")).read(), re.M))
    check("fields: a line a fact", status == 0 and len(lines) == facts + 1, f"{len(lines) - 1} lines, {facts} facts")
    check("fields: as many columns everywhere", {line.count("\t") for line in lines} == {lines[0].count("\t")})
    status, out, _ = run("fields", "starttls.offered")
    check("fields: part of a name", status == 0 and "mxwitness.smtp.starttls.offered\n" in out and "smtp.banner" not in out, out)
    status, _, err = run("fields", "nosuchfield")
    check("fields: no such part", status == 2 and "nosuchfield" in err, err)


# lint

RULE = """title: T
id: 11111111-2222-4333-8444-{n:012d}
name: lint-{n}
description: D
references: [R]
logsource: {{product: mxwitness, service: session}}
detection:
  a:
    mxwitness.smtp.starttls.offered: false
  condition: a
falsepositives: [F]
level: low
mxwitness:
  text: [one, two, three]
"""


def rule(n, old=None, new=""):
    text = RULE.format(n=n)
    assert old is None or old in text, old
    return text if old is None else text.replace(old, new, 1)


LINT_ERRORS = [  # what is changed, into what, line and column, part of the message
    ("title: T\n", "title: T\ncolour: red\n", "2:1", 'no key "colour"'),
    ("offered: false", "ofered: false", "9:5", 'did you mean "mxwitness.smtp.starttls.offered"?'),
    ("offered: false", "offered: maybe", "9:38", "is true, false or null"),
    ("offered: false", "offered|bigger: 3", "9:37", 'no modifier "bigger"'),
    ("mxwitness.smtp.starttls.offered: false", "mxwitness.outcome: clear-contents", "9:24", 'did you mean "clear-content"?'),
    ("mxwitness.smtp.starttls.offered: false", "mxwitness.verdict: clear", "9:5", "not known yet"),
    ("condition: a", "condition: a and bb", "10:20", 'no selection "bb"'),
    ("condition: a", "condition: not a", "10:14", "may just not have been seen"),
    ("level: low", "level: lowest", "12:8", 'did you mean "low"?'),
    ("level: low", "level: low\nlevel: low", "13:1", "a second time"),
    ("text: [one, two, three]", "text: ['{mxwitness.smtp.baner}', b, c]", "14:10", "mxwitness.smtp.banner"),
    ("product: mxwitness, service: session", "product: mxwitness, service: sesion", "6:42", 'did you mean "session"?'),
    ("level: low\n", "level: low\n\tx: 1\n", "13:1", ""),
    ("service: session", "service: stats", "9:5", "no fact of stats events"),
    ("service: session", "service: alert", "6:42", "does not run rules over alert events"),
    ("mxwitness.smtp.starttls.offered: false", "mxwitness.stats.silent: mail", "9:5", "no fact of sessions"),
    ("text: [one, two, three]", "text: ['{mxwitness.stats.uptime}', b, c]", "14:10", "no fact of a session"),
]
STATS = [  # a rule about stats events: what is changed, into what, line and column, part of the message
    ("  text: [one", "  verdict: clear\n  text: [one", "14:3", "belongs to rules about sessions"),
    ("  text: [one", "  evidence: true\n  text: [one", "14:3", "belongs to rules about sessions"),
    ("  text: [one", "  levels: matrix\n  text: [one", "14:11", "one level"),
    ("  text: [one", "  finding: starttls-not-offered\n  text: [one", "6:1", "of another service"),
    ("text: [one,", "text: ['{mxwitness.smtp.banner}',", "14:10", "no fact of a stats event"),
    ("mxwitness.stats.silent: mail", "mxwitness.stats.silent: male", "9:29", 'did you mean "mail"?'),
    ("mxwitness.stats.silent: mail", "observer.version: 1", "9:5", "not known yet"),
]


def lint():
    status, out, err = run("lint", rules)
    check("lint: the shipped rules", status == 0 and not err and ": 0 errors, 0 warnings" in out, out + err)
    good = write("good.yaml", rule(1) + "---\n" + rule(2))
    status, out, err = run("lint", good)
    check("lint: two good rules", status == 0 and not err and out == "1 files, 2 rules: 0 errors, 0 warnings\n", out + err)
    for i, (old, new, at, message) in enumerate(LINT_ERRORS):
        path = write(f"bad{i}.yaml", rule(1, old, new))
        status, out, err = run("lint", path)
        check(f"lint: {new!r}", status == 2 and err.startswith(f"{path}:{at}: ") and message in err
              and err.count("\n") == 1, err)
    about = rule(1, "service: session", "service: stats").replace("mxwitness.smtp.starttls.offered: false",
                                                                  "mxwitness.stats.silent: mail")
    check("lint: about stats", run("lint", write("stats.yaml", about))[0] == 0)
    for i, (old, new, at, message) in enumerate(STATS):
        path = write(f"stats{i}.yaml", change(about, old, new))
        status, out, err = run("lint", path)
        check(f"lint: about stats, {new!r}", status == 2 and err.startswith(f"{path}:{at}") and message in err
              and err.count("\n") == 1, err)
    several = write("several/a.yaml", rule(1, "offered: false", "offerd: false") + "---\n" + rule(2) + "---\n" +
                    rule(3, "level: low", "level: lo") + "--- # the last\n" + rule(1))
    other = write("several/b.yaml", rule(2) + "---\n" + rule(4, "references: [R]", "references: R"))
    status, out, err = run("lint", os.path.dirname(several))
    lines = err.splitlines()
    wanted = [f"{several}:9:5: no fact", f"{several}:42:8: no level", f"{other}:3:7: the name \"lint-2\"", f"{other}:20:13: a list"]
    check("lint: one error a document, over all files", status == 2 and len(lines) == 4 and "4 errors" in out and
          all(a.startswith(b) for a, b in zip(lines, wanted)), err + out)
    check("lint: no such file", run("lint", os.path.join(folder, "none.yaml"))[0] == 2)
    check("lint: nothing named", run("lint")[0] == 2)
    empty = os.path.join(folder, "empty")
    os.makedirs(empty)
    check("lint: an empty folder", run("lint", empty)[0] == 2)
    whole = os.path.join(folder, "whole")
    shutil.copytree(rules, whole)
    path = os.path.join(whole, "severity.yaml")
    text = open(path).read().replace("    clear-auth: critical\n", "", 1)
    write("whole/severity.yaml", text)
    status, _, err = run("lint", whole)
    check("lint: a hole in the matrix", status == 2 and 'no level for outcome "clear-auth"' in err, err)


LINT_WARNINGS = [
    ("falsepositives: [F]\n", "", "no falsepositives"),
    ("references: [R]\n", "", "no references"),
    ("description: D\n", "", "no description"),
    ("[one, two, three]", "[one]", "fewer than three sentences"),
    ("  condition: a", "  b:\n    mxwitness.smtp.starttls.offered: true\n  condition: a and b", "can never match"),
    ("  condition: a", "  b:\n    mxwitness.smtp.starttls.offered: null\n  condition: a and b", "can never match"),
    ("  condition: a", "  b:\n    destination.port|gt: 25\n  c:\n    destination.port: [20, 25]\n  condition: a and b and c",
     "can never match"),
    ("  condition: a", "  b:\n    mxwitness.outcome: clear-auth\n  c:\n    mxwitness.outcome: [tls-ok, unknown]\n"
     "  condition: a and (b and c)", "can never match"),
]
LINT_WARNINGS += [
    ("  condition: a", f"  b:\n    destination.port|{op}: 25\n  c:\n    destination.port: {port}\n  condition: a and b and c",
     "can never match") for op, port in (("lt", 25), ("lte", 26), ("gt", 25), ("gte", 24))
]
LINT_FINE = [
    ("  condition: a", f"  b:\n    destination.port|{op}: 25\n  c:\n    destination.port: {port}\n  condition: a and b and c")
    for op, port in (("lt", 24), ("lte", 25), ("gt", 26), ("gte", 25))
] + [
    ("  condition: a", "  b:\n    mxwitness.outcome: clear-auth\n  c:\n    mxwitness.outcome: tls-ok\n"
     "  d:\n    mxwitness.outcome|exists: true\n  condition: a and d and not b and c"),
    ("  condition: a", "  b:\n    destination.port|lt: 25\n  c:\n    destination.port: 25\n"
     "  d:\n    destination.port|exists: true\n  condition: a and d and not b and c"),
    ("  condition: a", "  b:\n    destination.port|gte: 25\n  c:\n    destination.port: [20, 25]\n  condition: a and b and c"),
    ("  condition: a", "  b:\n    mxwitness.smtp.starttls.offered: true\n  condition: a or b"),
    ("  condition: a", "  b:\n    mxwitness.smtp.ehlo_keywords: SIZE\n  c:\n    mxwitness.smtp.ehlo_keywords: DSN\n"
     "  condition: a and b and c"),
    ("  condition: a", "  b:\n    mxwitness.capture.syn: false\n  condition: a and not b and 1 of them\n"
     "  c:\n    mxwitness.capture.syn|exists: true\n".replace("1 of them", "c")),
]


def warnings():
    for i, (old, new, message) in enumerate(LINT_WARNINGS):
        path = write(f"warn{i}.yaml", rule(1, old, new))
        status, out, err = run("lint", path)
        check(f"lint warns: {new!r}", status == 0 and err.startswith(f"{path}:1:1: warning: lint-1: ") and message in err
              and "0 errors, 1 warnings" in out, out + err)
    for i, (old, new) in enumerate(LINT_FINE):
        path = write(f"fine{i}.yaml", rule(1, old, new))
        status, out, err = run("lint", path)
        check(f"lint is silent: {new!r}", status == 0 and not err, out + err)


# test

TEST = """name: one
session:
  mxwitness.service: mx
  mxwitness.smtp.starttls.offered: false
  mxwitness.smtp.ehlo_reply_complete: true
  mxwitness.capture.gap_in_dialogue: false
  mxwitness.expectation: {strongest: baseline, all: [baseline]}
  mxwitness.outcome: clear-content
findings:
  - {id: starttls-not-offered, variant: '', certainty: indication, level: high}
verdict: downgraded
"""

TEST_FAILS = [  # what is changed, into what, parts of the report
    ("level: high", "level: low", ["one: FAILED", "expected  starttls-not-offered, indication, low",
                                   "got       starttls-not-offered, indication, high"]),
    ("certainty: indication", "certainty: proof", ["got       starttls-not-offered, indication, high"]),
    ("findings:\n  - {id: starttls-not-offered, variant: '', certainty: indication, level: high}", "findings: []",
     ["expected  no starttls-not-offered"]),
    ("id: starttls-not-offered, variant: ''", "id: tlsa-unusable, variant: ''", ["got       nothing of this id"]),
    ("id: starttls-not-offered, variant: ''", "id: starttls-not-used, variant: helo-only", ["expected  starttls-not-used/helo-only"]),
    ("offered: false", "offered: true\n  mxwitness.smtp.starttls.requested: false\n  mxwitness.smtp.transactions: 1\n  mxwitness.capture: {c2s: true, s2c: true, midstream: false}",
     ["got       nothing of this id", "expected  no starttls-not-used"]),
    ("verdict: downgraded", "verdict: intercepted", ["expected  verdict intercepted", "got       verdict downgraded"]),
    ("offered: false", "offered: null", ["got       nothing of this id"]),
]

TEST_ERRORS = [  # what is changed, into what, line and column, part of the message
    ("name: one\n", "name: one\ncolour: red\n", "2:1", 'no key "colour"'),
    ("name: one\n", "", "1:1", "name is missing"),
    ("offered: false", "ofered: false", "4:3", 'did you mean "mxwitness.smtp.starttls.offered"?'),
    ("strongest: baseline,", "strongst: baseline,", "7:27", 'no fact "mxwitness.expectation.strongst"'),
    ("strongest: baseline,", "strongest: baselin,", "7:38", 'did you mean "baseline"?'),
    ("all: [baseline]", "all: baseline", "7:53", "is a list"),
    ("offered: false", "offered: 'false'", "4:36", "is true or false"),
    ("offered: false", "offered: no", "4:36", "is true or false"),
    ("offered: false", "offered: [false]", "4:36", "a single value"),
    ("mxwitness.service: mx", "mxwitness.verdict: clear", "3:3", "comes after the rules"),
    ("mxwitness.service: mx", "mxwitness.service: mx\n  mxwitness: {service: other}", "4:15", "a second time"),
    ("mxwitness.service: mx", "destination.port: smtp", "3:21", "is a whole number"),
    ("mxwitness.service: mx", "event.start: yesterday", "3:16", "is a time in UTC"),
    ("mxwitness.service: mx", "event.start: 2026-13-25T07:24:01Z", "3:16", "is a time in UTC"),
    ("mxwitness.service: mx", "source.ip: 192.0.2.256", "3:14", "is an address"),
    ("mxwitness.service: mx", "source.ip: 192.0.2.0/24", "3:14", "is an address"),
    ("mxwitness.service: mx", "tls.version: 1.2 and more", "3:16", "at most 8 octets"),
    ("mxwitness.service: mx", "mxwitness.smtp: {starttls: {reply: 220}}", "3:31", "no fact"),
    ("mxwitness.service: mx", "mxwitness.nothing: null", "3:3", "no fact"),
    ("mxwitness.service: mx", "mxwitness.tcp.conflicts: [{place: ehlo, offset: 1}, {place: ehlo}]", "3:55", '"offset" is missing'),
    ("mxwitness.service: mx", "mxwitness.tcp.conflicts: [{place: ehlo}, {place: ehlo, offset: 1}]", "3:58", 'no "offset"'),
    ("mxwitness.service: mx", "mxwitness.tcp.conflicts: [{place: here}]", "3:37", "no word of"),
    ("id: starttls-not-offered", "id: starttls-not-offerd", "10:10", 'did you mean "starttls-not-offered"?'),
    ("variant: ''", "variant: bent", "10:41", "no variant of this finding"),
    ("certainty: indication", "certainty: sure", "10:56", "no certainty"),
    ("level: high", "level: hihg", "10:75", 'did you mean "high"?'),
    ("level: high}", "level: high, colour: red}", "10:81", 'no key "colour"'),
    ("verdict: downgraded", "verdict: down", "11:10", "no verdict"),
    ("session:", "base: two\nsession:", "2:7", "no earlier test"),
    ("findings:\n  - {id: starttls-not-offered, variant: '', certainty: indication, level: high}\nverdict: downgraded\n", "",
     "1:1", "findings is missing"),
]

BASE = """---
name: two
base: one
session:
  mxwitness.expectation: null
  mxwitness.smtp.ehlo_keywords: [PIPELINING, SIZE]
findings: [{id: starttls-not-offered, level: informational}]
---
name: three
base: two
session: {mxwitness: {smtp: {starttls: {offered: null}}}}
findings: []
"""


def change(text, old, new):
    assert old in text, old
    return text.replace(old, new, 1)


def tests():
    status, out, err = run("test", rules)
    check("test: those of the shipped rules", status == 0 and not err and re.fullmatch(r"[1-9]\d* passed, 0 failed\n", out),
          out + err)
    one = write("t/one.yaml", TEST + BASE)
    for name in (one, os.path.dirname(one)):
        status, out, err = run("test", name)
        check("test: a file, a folder", status == 0 and out == "3 passed, 0 failed\n" and not err, out + err)
    status, out, _ = run("test", "-v", one)
    check("test -v: what passed, and what no test raises", "one.yaml:1: one: passed" in out and "no test raises tlsa-mismatch-ee-no-match\n" in out
          and "no test raises starttls-not-offered\n" not in out, out)
    for i, (old, new, parts) in enumerate(TEST_FAILS):
        path = write(f"fail{i}.yaml", change(TEST, old, new))
        status, out, err = run("test", path)
        check(f"test fails: {new!r}", status == 1 and all(p in out for p in parts) and out.endswith("0 passed, 1 failed\n"),
              out + err)
    for i, (old, new, at, message) in enumerate(TEST_ERRORS):
        path = write(f"wrong{i}.yaml", change(TEST, old, new))
        status, out, err = run("test", path)
        check(f"test refuses: {new!r}", status == 2 and err.startswith(f"{path}:{at}: ") and message in err, out + err)
    path = write("mixed.yaml", change(TEST, "offered: false", "offred: false") + "---\n" + TEST + "---\n" + TEST)
    status, out, err = run("test", path)
    check("test: one error does not hide the others", status == 2 and "1 passed, 0 failed" in out and
          [line.split(": ")[0] for line in err.splitlines()] == [f"{path}:4:3", f"{path}:25:7"], out + err)
    used = change(TEST, "offered: false", "offered: true\n  mxwitness.smtp.starttls.requested: false\n  mxwitness.smtp.transactions: 1\n"
                  "  mxwitness.capture: {c2s: true, s2c: true, midstream: false}").replace("starttls-not-offered", "starttls-not-used")
    for variant, status in (("''", 0), ("helo-only", 1)):
        path = write("variant.yaml", change(used, "variant: ''", f"variant: {variant}"))
        check(f"test: the variant is {variant}", run("test", path)[0] == status, run("test", path))
    check("test: an empty folder", run("test", os.path.join(folder, "empty"))[0] == 2)
    check("test: no such file", run("test", os.path.join(folder, "none.yaml"))[0] == 2)
    path = write("all.yaml", ALL_TYPES)
    status, out, err = run("test", path)
    check("test: every type of fact", status == 0 and out == "2 passed, 0 failed\n", out + err)


ALL_TYPES = """name: all
session:
  event.start: 2026-11-25T07:24:01.5Z
  event.end: "2026-11-25T07:24:02Z"
  event.duration: 500000000
  source.ip: 2001:db8::1
  related.ip: [192.0.2.1, "2001:db8::1"]
  tls.version: 1.2
  tls: {established: true, cipher: TLS_X}
  mxwitness:
    dane.tlsa:
      - {usage: 3, selector: 1, matching: 1, data: 00ff, result: match}
      - {usage: 2, selector: 0, matching: 1, data: aaBB, result: no-match}
    tls.record_lengths_c2s: [17, 100]
findings: []
---
name: nothing is left of it
base: all
session: {mxwitness: null, tls: null, event: null}
findings: []
verdict: unknown
"""


def own_rules():
    """A site's own folder: its rules on top of the shipped ones, its tests beside them."""
    write("site/own.yaml", rule(7).replace("lint-7", "own-finding"))
    write("site/tests/own.yaml", change(TEST, "findings:\n", "findings:\n  - {id: own-finding, level: low}\n"))
    status, out, err = run("test", os.path.join(folder, "site"))
    check("test: a site's own rules", status == 0 and out == "1 passed, 0 failed\n", out + err)
    status, out, err = run("test", os.path.join(folder, "site", "tests"))
    check("test: the same without its rules", status == 2 and 'no finding "own-finding"' in err, out + err)
    write("site.yaml", "rules: site\n")
    status, out, err = run("list", "-c", os.path.join(folder, "site.yaml"), "--format", "table")
    check("list -c: a site's own rules", status == 0 and "own-finding" in out, out[-500:] + err)
    changed = os.path.join(folder, "changed")
    shutil.copytree(rules, changed)
    path = os.path.join(changed, "severity.yaml")
    write("changed/severity.yaml", open(path).read().replace("    clear-content: critical\n", "    clear-content: low\n"))
    status, out, err = run("test", changed)
    check("test: rules that were changed fail the shipped tests", status == 1 and "FAILED" in out, out + err)


def examples():
    """The examples of mxwitness-rules(5) are what they say they are."""
    page = open(os.path.join(top, "man", "mxwitness-rules.5")).read()
    blocks = [b.replace("\\e", "\\") for b in re.findall(r"^\.Bd -literal -offset indent\n(.*?)^\.Ed", page, re.M | re.S)]
    rule_file = next(b for b in blocks if "level: high" in b)
    test_file = next(b for b in blocks if b.startswith("name:"))
    exception = next(b for b in blocks if "filter:" in b)
    config = next(b for b in blocks if b.startswith("rules: "))
    write("manual/my-rules/partner.yaml", rule_file)
    write("manual/my-rules/plant.yaml", exception)
    write("manual/my-rules/tests/partner.yaml", test_file)
    path = write("manual/site.yaml", config)
    mine = os.path.join(folder, "manual", "my-rules")
    status, out, err = run("lint", mine)
    check("manual: its rules have no error and no warning", status == 0 and not err and "2 files, 1 rules" in out, out + err)
    status, out, err = run("test", mine)
    check("manual: its tests pass", status == 0 and out == "2 passed, 0 failed\n", out + err)
    status, out, err = run("show", "-c", path, "starttls-not-offered")
    check("manual: its exception is on the rule's page", "Exceptions" in out and "plant.yaml:1: The relay of the old plant" in out, out)
    status, out, err = run("list", "-c", path)
    off = [json.loads(line)["name"] for line in out.splitlines() if not json.loads(line)["enabled"]]
    check("manual: its configuration", status == 0 and off == ["starttls-refused-temporary"] and "partner-in-clear" in out, err)


# command line, manual

def command_line():
    for args, message in (((), "what about them"), (("lst",), "no such command"), (("list", "x"), "rules show x"),
                          (("show",), "which?"), (("test",), "nothing named"), (("list", "--all"), "--all belongs to"),
                          (("list", "--format", "tsv"), "no such format"), (("show", "--findings", "x"), "--findings"),
                          (("fields", "--format", "table"), "no such format")):
        status, out, err = run(*args)
        check(f"rules {' '.join(args)}", status == 2 and message in err and not out, out + err)
    status, _, err = run("list", "--rules", os.path.join(folder, "empty"))
    check("list: no rules there", status == 2 and "empty" in err, err)
    status, _, err = run("list", "-o", "/dev/full")
    check("list: the disk is full", status == 2 and "/dev/full" in err, err)


def manual():
    global skipped
    for args, page in ((("list", "--format", "mdoc"), "mxwitness-findings.7"), (("fields", "--format", "mdoc"), "mxwitness-fields.7")):
        status, out, _ = run(*args)
        committed = open(os.path.join(top, "man", page)).read()
        check(f"{page} is what the program generates; `make docs` writes it anew", status == 0 and out == committed)
    write("odd/odd.yaml", rule(8, "description: D", "description: \".Sh is no macro here. \\\\fB neither. 'nor this\""))
    _, out, _ = run("list", "--format", "mdoc", "-c", write("odd.yaml", "rules: odd\n"))
    check("mdoc: text is text", "\n\\&.Sh is no macro here.\n\\efB neither.\n\\&'nor this\n" in out, out[-900:])
    if not shutil.which("mandoc"):
        skipped += 1
        return
    for page in sorted(os.listdir(os.path.join(top, "man"))):
        least = "warning" if page == "mxwitness.1" else "style"
        r = subprocess.run(["mandoc", "-T", "lint", "-W", least, os.path.join(top, "man", page)], capture_output=True, text=True)
        said = [line for line in (r.stdout + r.stderr).splitlines() if "referenced manual not found" not in line]
        check(f"mandoc -T lint {page}", not said, "\n".join(said))


try:
    rows = listing()
    levels_are_those_of_the_judge(rows)
    pages(rows)
    fields()
    lint()
    warnings()
    tests()
    own_rules()
    examples()
    command_line()
    manual()
finally:
    shutil.rmtree(folder)
print(f"rules command: {passed} passed, {failed} failed" + (f", {skipped} skipped (no mandoc)" if skipped else ""))
sys.exit(failed != 0)
