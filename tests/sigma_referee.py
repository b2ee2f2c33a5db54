#!/usr/bin/env python3
"""Two judges of the rule language: every rule over every session event, ours and the rsigma crates' (tests/referee/sigma).

usage: sigma_referee.py MXWITNESS BUILD [EVENTS]
* the shipped rules over the session events of all captures, and over EVENTS variations of these;
* generated rules over generated events.
What the referee finds in events that no capture has becomes the expectation of rule tests (mxwitness rules test).
Says "skipped" where the referee cannot be built (no cargo, or no registry). Last line: N passed, N failed."""
import glob
import json
import os
import random
import shutil
import subprocess
import sys

import captures
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)


def build(folder):
    """The referee's path, or None and the reason."""
    target = os.path.join(os.path.abspath(folder), "referee")
    try:
        done = subprocess.run(["cargo", "build", "--release", "--quiet", "--locked", "--target-dir", target],
                              cwd=os.path.join(HERE, "referee", "sigma"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    except (OSError, subprocess.TimeoutExpired) as e:
        return None, str(e)
    if done.returncode:
        return None, done.stdout.decode(errors="replace").strip().splitlines()[-1]
    return os.path.join(target, "release", "sigma-referee"), None


def flatten(event, prefix="", out=None):
    """Dotted names; an array of objects as one array for each member. The referee takes the first object only, and for
    us a field of such an array matches when any object has it."""
    out = {} if out is None else out
    for key, value in event.items():
        name = prefix + key
        if isinstance(value, dict):
            flatten(value, name + ".", out)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for member in value:
                for k, v in member.items():
                    out.setdefault(f"{name}.{k}", []).append(v)
        else:
            out[name] = value
    return out


def documents(paths):
    """id -> the rule document."""
    rules = {}
    for path in paths:
        with open(path, encoding="utf-8") as f:
            for doc in yaml.safe_load_all(f):
                rules[doc["id"]] = doc
    return rules


def finding_of(doc):
    return doc.get("mxwitness", {}).get("finding", doc["name"])


def referee(program, paths, events):
    """For each event the set of ids that match."""
    lines = "\n".join(json.dumps(e) for e in events) + "\n"
    done = subprocess.run([program, *paths], input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return [set(json.loads(line)) for line in done.stdout.splitlines()]


def session_events(program):
    """The session events of all captures, each judged as its expectation says."""
    folder = os.path.join(HERE, "pcaps")
    for capture in sorted(glob.glob(os.path.join(folder, "**", "*.pcap*"), recursive=True)):
        with open(os.path.splitext(capture)[0] + ".expect.json", encoding="utf-8") as f:
            expect = json.load(f)
        events = captures.run(program, os.path.join(folder, "root.anchor"), expect, capture)[0]
        for event in events:
            if event["event"]["dataset"] == "mxwitness.session":
                yield os.path.relpath(capture, folder), event


def shipped_rules(folder):
    """A file of those over single sessions that are findings by themselves: no tables, no correlations with their members and
    exceptions, nothing about the sensor or about domains."""
    docs = [d for p in sorted(glob.glob(os.path.join(ROOT, "rules", "*.yaml"))) for d in read_yaml(p) if "id" in d]
    members = {r for d in docs if "correlation" in d and not d["correlation"].get("generate") for r in d["correlation"]["rules"]}
    out = [d for d in docs if "detection" in d and d["logsource"].get("service") == "session" and not members & {d["name"], d["id"]}]
    path = os.path.join(folder, "shipped.yaml")
    with open(path, "w", encoding="utf-8") as f:
        yaml.safe_dump_all(out, f, sort_keys=False, allow_unicode=True)
    return [path]


def read_yaml(path):
    with open(path, encoding="utf-8") as f:
        return [d for d in yaml.safe_load_all(f) if isinstance(d, dict)]


def compare_shipped(mxwitness, program, folder):
    """Every shipped rule on every exported session event: the same findings."""
    paths = shipped_rules(folder)
    rules = documents(paths)
    named = list(session_events(mxwitness))
    problems, pairs = [], 0
    for (name, event), ids in zip(named, referee(program, paths, [flatten(e) for _, e in named])):
        ours = set(event["mxwitness"].get("findings", []))
        theirs = {finding_of(rules[i]) for i in ids}
        pairs += len(rules)
        if ours != theirs:
            problems.append(f"{name}: only ours {sorted(ours - theirs)}, only the referee's {sorted(theirs - ours)}")
    return named, pairs, problems


# ---- variations of real events ----


def rule_fields(mxwitness):
    """Dotted name (without []) -> (type, words) of every fact that a rule over sessions may use."""
    lines = subprocess.run([mxwitness, "rules", "fields", "--format", "tsv"], stdout=subprocess.PIPE, check=True).stdout.decode()
    rows = [line.split("\t") for line in lines.splitlines()]
    head = rows[0]
    at = {name: head.index(name) for name in ("name", "type", "words", "rules", "datasets")}
    return {r[at["name"]].replace("[]", ""): (r[at["type"]], r[at["words"]].split()) for r in rows[1:]
            if r[at["rules"]] == "yes" and "session" in r[at["datasets"]].split()}


TEXT_VALUES = {"tls.version": ["1.0", "1.1", "1.2", "1.3", "3.0"], "mxwitness.smtp.x_command": ["XXXX", "XXXXXXXX"],
               "tls.cipher": ["TLS_RSA_WITH_NULL_SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"]}


def other_value(rng, name, kind, words, old):
    """Another value of the fact, or None to take it away."""
    if rng.random() < 0.3:
        return None
    if name in TEXT_VALUES:
        return rng.choice(TEXT_VALUES[name])
    if kind == "yes/no":
        return not old
    if kind == "word":
        return rng.choice(words)
    if kind == "number":
        return rng.choice([0, 1, 2, 42, 48, 86, 220, 250, 421, 454, 500, 502, 1024, 2048])
    if kind == "list of words":
        return [rng.choice(words)]
    return None


def variation(rng, event, fields):
    """The event with a few facts changed, taken away or put in."""
    event = {k: v for k, v in event.items() if k in fields}
    for _ in range(rng.randint(1, 4)):
        name = rng.choice(list(event)) if rng.random() < 0.6 else rng.choice(list(fields))
        kind, words = fields[name]
        if kind not in ("yes/no", "word", "number", "list of words") and name not in TEXT_VALUES:
            continue
        value = other_value(rng, name, kind, words, event.get(name, False))
        if value is None:
            event.pop(name, None)
        else:
            event[name] = value
    return event


def write_tests(folder, events, found):
    """Rule tests into folder, a hundred a file (a file has at most 1 MiB)."""
    docs = [{"name": f"event-{n}", "session": e, "findings": [{"id": i} for i in sorted(ids)]}
            for n, (e, ids) in enumerate(zip(events, found))]
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    for n in range(0, len(docs), 100):
        with open(os.path.join(folder, f"{n:06}.yaml"), "w", encoding="utf-8") as f:
            yaml.safe_dump_all(docs[n:n + 100], f, allow_unicode=True, sort_keys=False)


def rule_test(mxwitness, *args):
    """What `rules test` complains of."""
    done = subprocess.run([mxwitness, "rules", "test", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return [] if done.returncode == 0 else done.stdout.decode(errors="replace").strip().splitlines()[-20:]


def compare_variations(mxwitness, program, folder, named, count):
    """Every shipped rule on variations of the exported events."""
    rng = random.Random(8)
    fields, paths = rule_fields(mxwitness), shipped_rules(folder)
    rules = documents(paths)
    flat = [flatten(e) for _, e in named]
    events = [variation(rng, rng.choice(flat), fields) for _ in range(count)]
    found = [{finding_of(rules[i]) for i in ids} for ids in referee(program, paths, events)]
    tests = os.path.join(os.path.abspath(folder), "referee", "variations")
    write_tests(tests, events, found)
    return count * len(rules), rule_test(mxwitness, tests)


# ---- generated rules and events ----

WORDS = ["alpha.net", "ALPHA.NET", "mx.alpha.net", "a*b", "a?b", "a\\b", "", "250", "STARTTLS", "XXXXXXXA", "ä", "x.y"]
TEXTS = ["mxwitness.smtp.banner", "tls.client.server_name", "mxwitness.smtp.starttls.reply_text", "mxwitness.identity.host"]
LISTS = ["mxwitness.smtp.ehlo_keywords", "mxwitness.smtp.rcpt_domains", "mxwitness.identity.sources"]
NUMBERS = ["mxwitness.smtp.starttls.reply_code", "mxwitness.smtp.transactions", "mxwitness.tls.alert.code"]
TRIS = ["mxwitness.smtp.starttls.offered", "tls.established", "mxwitness.tls.seen", "mxwitness.own.client"]
ENUMS = {"mxwitness.outcome": ["clear-content", "tls-ok", "unknown"], "mxwitness.dane.verdict": ["match", "mismatch", "not-visible"]}
ADDRESSES = ["source.ip", "destination.ip"]
IPS = ["192.0.2.1", "192.0.2.200", "198.51.100.7", "2001:db8::1", "2001:db8:1::1"]
NETS = ["192.0.2.0/24", "192.0.2.128/25", "0.0.0.0/0", "2001:db8::/32", "2001:db8:1::/48"]
FIELDS = TEXTS + LISTS + NUMBERS + TRIS + list(ENUMS) + ADDRESSES


def literal(text):
    """text as a Sigma value that means just that text."""
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def pattern(rng):
    word = literal(rng.choice(WORDS))
    return rng.choice([word, word[:2].rstrip("\\") + "*", "*" + word, "?" + word[1:] if word[:1].isalnum() else word])


def random_test(rng):
    """One line of a selection: field with modifiers, and what is compared with."""
    field = rng.choice(FIELDS)
    if rng.random() < 0.08:
        return field + "|exists", rng.choice([True, False])
    if rng.random() < 0.06:
        return field, None
    if field in NUMBERS:
        how = rng.choice(["", "", "|lt", "|lte", "|gt", "|gte"])
        value = rng.choice([0, 1, 2, 220, 250, 454, 500])
        return field + how, value if how or rng.random() < 0.6 else [value, 3]
    if field in TRIS:
        return field, rng.choice([True, False])
    if field in ENUMS:
        words = ENUMS[field]
        return field, rng.choice(words) if rng.random() < 0.6 else rng.sample(words, 2)
    if field in ADDRESSES:
        how = rng.choice(["", "|cidr"])
        return field + how, rng.choice(NETS if how else IPS)
    how = rng.choice(["", "", "|contains", "|startswith", "|endswith", "|cased", "|contains|all", "|re"])
    if how == "|re":
        return field + how, rng.choice(["^mx\\.", "[0-9]+", "NET$", "a.b", "^$"])
    if how == "|contains|all":
        return field + how, [literal(w) for w in rng.sample([w for w in WORDS if w], 2)]
    if how in ("|contains", "|startswith", "|endswith"):
        return field + how, literal(rng.choice([w for w in WORDS if w]))
    return field + how, pattern(rng) if rng.random() < 0.7 else [pattern(rng), pattern(rng)]


def random_map(rng):
    return dict(random_test(rng) for _ in range(rng.randint(1, 3)))


def random_rule(rng, n):
    """Positive conditions only: what stands under `not` would need coverage tests beside it, which the linter wants and
    the shipped rules have."""
    names = [f"s{i}" for i in range(rng.randint(1, 3))]
    detection = {name: random_map(rng) if rng.random() < 0.7 else [random_map(rng), random_map(rng)] for name in names}
    shapes = [" and ".join(names), " or ".join(names), "1 of s*", "all of them", f"({' or '.join(names)}) and {names[0]}"]
    detection["condition"] = rng.choice(shapes)
    return {"title": f"generated {n}", "id": f"00000000-0000-4000-8000-{n:012x}", "name": f"generated-{n}", "status": "test",
            "description": "made by a test", "logsource": {"product": "mxwitness", "service": "session"}, "detection": detection,
            "falsepositives": ["all of it"], "level": "low",
            "mxwitness": {"certainty": "indication", "levels": "low", "text": ["made by a test"]}}


def random_event(rng):
    event = {}
    for field in FIELDS:
        if rng.random() < 0.35:
            continue
        if field in NUMBERS:
            event[field] = rng.choice([0, 1, 2, 3, 220, 250, 454, 500])
        elif field in TRIS:
            event[field] = rng.choice([True, False])
        elif field in ENUMS:
            event[field] = rng.choice(ENUMS[field])
        elif field in ADDRESSES:
            event[field] = rng.choice(IPS)
        elif field in LISTS:
            event[field] = [w for w in rng.sample(WORDS, rng.randint(1, 3)) if w] or ["x"]
        else:
            event[field] = rng.choice(WORDS)
    return event


def compare_generated(mxwitness, program, folder, count):
    """Generated rules over generated events: what the referee finds is the expectation of a rule test of ours."""
    rng = random.Random(4)
    rules = [random_rule(rng, n) for n in range(count)]
    events = [random_event(rng) for _ in range(count)]
    work = os.path.join(os.path.abspath(folder), "referee", "generated")
    tests = os.path.join(work, "tests")
    os.makedirs(work, exist_ok=True)
    path = os.path.join(work, "generated.yaml")
    with open(path, "w", encoding="utf-8") as f:
        yaml.safe_dump_all(rules, f, allow_unicode=True, sort_keys=False)
    for name in ("severity.yaml", "verdict.yaml"):
        with open(os.path.join(ROOT, "rules", name), "rb") as a, open(os.path.join(work, name), "wb") as b:
            b.write(a.read())
    found = referee(program, [path], events)
    names = {r["id"]: r["name"] for r in rules}
    write_tests(tests, events, [{names[i] for i in ids} for ids in found])
    problems = rule_test(mxwitness, tests, "--rules", work)
    return count * count, problems, sum(len(ids) for ids in found)


def main():
    mxwitness, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 60
    program, reason = build(folder)
    if not program:
        print(f"sigma referee: 0 passed, 0 failed, 1 skipped ({reason})")
        return 0
    named, pairs, problems = compare_shipped(mxwitness, program, folder)
    varied, more = compare_variations(mxwitness, program, folder, named, 10 * count)
    generated, still_more, matches = compare_generated(mxwitness, program, folder, count)
    problems += more + still_more
    for p in problems:
        print(p)
    if not named:
        problems.append("no session")
    print(f"pairs of rule and event: {pairs} of {len(named)} captured sessions, {varied} varied, {generated} generated ({matches} match)")
    print(f"sigma referee: {pairs + varied + generated - len(problems)} passed, {len(problems)} failed")
    return len(problems) > 0


if __name__ == "__main__":
    sys.exit(main())
