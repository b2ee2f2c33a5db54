#!/usr/bin/env python3
"""tlsrpt.py MXWITNESS: reports of `mxwitness tlsrpt` over the sessions of captures: against RFC 8460 4.4 (a schema written from its text;
and by parsedmarc's parser, where that is installed), against the sessions themselves, counted here once more; the same for the same
sessions in any order; and what it does with wrong input."""
import collections
import datetime
import glob
import json
import os
import random
import subprocess
import sys
import tempfile

import jsonschema

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.abspath(sys.argv[1])
PCAPS = os.path.join(HERE, "pcaps")
passed = failed = 0
skipped = []

# RFC 8460 4.3.1 to 4.3.3, and 4.4
RESULTS = ["starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted", "validation-failure",
           "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid"]
COUNT = {"type": "integer", "minimum": 0}
TEXT = {"type": "string", "minLength": 1}
SCHEMA = {
    "type": "object", "required": ["organization-name", "date-range", "contact-info", "report-id", "policies"],
    "properties": {
        "organization-name": TEXT, "contact-info": TEXT, "report-id": TEXT,
        "date-range": {"type": "object", "required": ["start-datetime", "end-datetime"], "additionalProperties": False,
                       "properties": {k: {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
                                      for k in ("start-datetime", "end-datetime")}},
        "policies": {"type": "array", "minItems": 1, "items": {
            "type": "object", "required": ["policy", "summary"], "additionalProperties": False,
            "properties": {
                "policy": {"type": "object", "required": ["policy-type", "policy-domain"], "additionalProperties": False, "properties": {
                    "policy-type": {"enum": ["tlsa", "sts", "no-policy-found"]}, "policy-domain": TEXT,
                    "policy-string": {"type": "array", "items": {"type": "string", "pattern": r"^[0-3] [01] [0-2] [0-9a-f]+$"}},
                    "mx-host": {"type": "array", "items": TEXT}}},
                "summary": {"type": "object", "required": ["total-successful-session-count", "total-failure-session-count"],
                            "additionalProperties": COUNT},
                "failure-details": {"type": "array", "minItems": 1, "items": {
                    "type": "object", "required": ["result-type", "failed-session-count"], "additionalProperties": False,
                    "properties": {"result-type": {"enum": RESULTS}, "sending-mta-ip": TEXT, "receiving-mx-hostname": TEXT,
                                   "receiving-ip": TEXT, "failed-session-count": dict(COUNT, minimum=1),
                                   "failure-reason-code": TEXT}}}}}}}}


def check(good, what):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"FAILED {what}")


def run(*args, given=None):
    done = subprocess.run([PROGRAM, *args], input=given, capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def sessions():
    """Session events of captures whose traffic is of many kinds."""
    names = [p for n, p in enumerate(sorted(glob.glob(os.path.join(PCAPS, "*.pcapng"))))
             if n % 6 == 0 or os.path.basename(p).startswith(("strip", "intercept", "dane-", "sts-", "tls", "refus"))]
    _, out, err = run("read", "--all", "--format", "ndjson", "--trust-anchor", os.path.join(PCAPS, "root.anchor"), *names)
    lines = [x for x in out.splitlines(keepends=True) if b'"mxwitness.session"' in x]
    check(len(lines) > 40, f"only {len(lines)} sessions of {len(names)} captures: {err}")
    return lines


def at(event, *names):
    for n in names:
        event = event.get(n) if isinstance(event, dict) else None
    return event


def counted(lines):
    """Sessions by domain and day, by policy type: how many there are."""
    number = collections.Counter()
    for line in lines:
        e = json.loads(line)
        m = e["mxwitness"]
        if m.get("service", "mx") != "mx" or at(m, "capture", "phase") == "interim":
            continue
        strongest = at(m, "expectation", "strongest")
        kind = "tlsa" if strongest in ("dane", "dane-tls-only") else "sts" if strongest in ("sts-enforce", "sts-testing") else "no-policy-found"
        host = at(m, "identity", "host") or ""
        for domain in at(m, "identity", "domains") or ([host] if host else []):
            number[(domain, e["event"]["start"][:10], kind, host)] += 1
    return number


def reports_of(out):
    return [json.loads(x) for x in out.splitlines()]


def told(reports):
    number = collections.Counter()
    for r in reports:
        for p in r["policies"]:
            key = (p["policy"]["policy-domain"], r["date-range"]["start-datetime"][:10], p["policy"]["policy-type"],
                   p["policy"].get("mx-host", [""])[0])
            number[key] += sum(p["summary"].values())
    return number


def by_parsedmarc(reports):
    try:
        import parsedmarc
    except ImportError:
        skipped.append("parsedmarc is not installed")
        return
    for r in reports:
        try:
            parsed = parsedmarc.parse_smtp_tls_report_json(json.dumps(r))
            good = parsed["report_id"] == r["report-id"] and len(parsed["policies"]) == len(r["policies"])
        except Exception as e:  # whatever it raises is a refusal
            good, parsed = False, e
        check(good, f"parsedmarc: {r['report-id']}: {parsed}")


def shapes(reports):
    for r in reports:
        try:
            jsonschema.validate(r, SCHEMA)
            why = None
        except jsonschema.ValidationError as e:
            why = e.message
        check(why is None, f"{r.get('report-id')}: {why}")
        begin, end = (datetime.datetime.strptime(r["date-range"][k], "%Y-%m-%dT%H:%M:%SZ") for k in ("start-datetime", "end-datetime"))
        check((end - begin).total_seconds() == 86399 and begin.hour == 0, f"{r['report-id']}: from {begin} to {end}")
        for p in r["policies"]:
            details = sum(d["failed-session-count"] for d in p.get("failure-details", []))
            check(details == p["summary"]["total-failure-session-count"], f"{r['report-id']}: {details} in its details: {p}")
    ids = [r["report-id"] for r in reports]
    check(len(ids) == len(set(ids)), "report-id comes twice")
    kinds = {p["policy"]["policy-type"] for r in reports for p in r["policies"]}
    check(kinds == {"tlsa", "sts", "no-policy-found"} or kinds == {"tlsa", "no-policy-found"}, f"policy types: {kinds}")
    results = {d["result-type"] for r in reports for p in r["policies"] for d in p.get("failure-details", [])}
    check({"starttls-not-supported", "certificate-not-trusted"} <= results, f"result types: {results}")
    good = sum(p["summary"]["total-successful-session-count"] for r in reports for p in r["policies"])
    check(good > 5, f"{good} sessions went well")


def known(folder):
    """Two captures, of which a person knows what they are."""
    names = [os.path.join(PCAPS, "demo", n + ".pcapng") for n in ("intercept-tls12-dane", "dane-match-tls12")]
    _, out, _ = run("read", "--all", "--format", "ndjson", "--trust-anchor", os.path.join(PCAPS, "root.anchor"), *names)
    path = os.path.join(folder, "known")
    with open(path, "wb") as f:
        f.write(out)
    status, out, err = run("tlsrpt", "--organization", 'A "B"\\', "--contact", "soc@example.net", path)
    reports = reports_of(out)
    check(status == 0 and err == "" and len(reports) == 1, f"known: {status} {err} {len(reports)}")
    policies = reports[0]["policies"] if reports else []
    check(reports and reports[0]["organization-name"] == 'A "B"\\' and reports[0]["contact-info"] == "soc@example.net", "known: who made it")
    check(len(policies) == 1 and policies[0]["summary"] == {"total-successful-session-count": 1, "total-failure-session-count": 1}
          and policies[0]["policy"]["policy-type"] == "tlsa"
          and policies[0]["failure-details"][0]["result-type"] == "certificate-not-trusted"
          and policies[0]["failure-details"][0]["failure-reason-code"] == "tlsa-mismatch/ee-no-match", f"known: {policies}")


def wrong(folder, lines):
    status, out, err = run("tlsrpt")
    check(status == 2 and not out and "nothing named" in err, f"without a file: {status} {err}")
    for option in (["--state", folder], ["--format", "table"], ["--all"]):
        status, out, err = run("tlsrpt", *option, "-", given=b"")
        check(status == 2 and not out and option[0] in err, f"{option}: {status} {err}")
    status, _, err = run("judge", "--contact", "x", "-", given=b"")
    check(status == 2 and "mxwitness tlsrpt" in err, f"judge --contact: {status} {err}")
    status, out, err = run("tlsrpt", "-", given=b"")
    check(status == 0 and out == b"" and err == "", f"nothing: {status} {out} {err}")
    status, out, err = run("tlsrpt", "-", given=b"{\n" + lines[0] + b"[" * 60000 + b"\n" + lines[1][:200] + b"\n")
    check(status == 2 and len(reports_of(out)) <= 1 and "passed over" in err, f"bad lines: {status} {out[:300]} {err}")


def main():
    with tempfile.TemporaryDirectory(prefix="tlsrpt-") as folder:
        os.chmod(folder, 0o755)
        lines = sessions()
        status, out, err = run("tlsrpt", "--ahead", "365d", "-", given=b"".join(lines))
        check(status == 0, f"status {status}: {err}")
        reports = reports_of(out)
        shapes(reports)
        want, have = counted(lines), told(reports)
        check(want == have, f"sessions counted: {(want - have)} are missing, {(have - want)} too many")
        by_parsedmarc(reports)
        mixed = lines + lines[::3]
        random.Random(8460).shuffle(mixed)
        status, again, err = run("tlsrpt", "--ahead", "365d", "-", given=b"".join(mixed))
        check(again == out, f"in another order, and some twice: {status} {err}")
        check(b"@" not in out, "an address stands in a report")
        known(folder)
        wrong(folder, lines)
    print(f"tlsrpt: {passed} passed, {failed} failed" + (f", {len(skipped)} skipped ({'; '.join(skipped)})" if skipped else ""))
    return 1 if failed else 0


sys.exit(main())
