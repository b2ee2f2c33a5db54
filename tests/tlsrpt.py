#!/usr/bin/env python3
"""mxwitness tlsrpt: reports of RFC 8460 that others can read, and reports of others held against the sessions.

usage: tlsrpt.py MXWITNESS
Sessions of captures become reports, which must be what a schema made from the RFC allows, must be read by parsedmarc where that is
installed, and must count what a second count here comes to. Then reports of others, good and hostile."""
import collections
import gzip
import ipaddress
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time

import jsonschema

try:
    import parsedmarc
except ImportError:
    parsedmarc = None

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.abspath(sys.argv[1])
PCAPS = os.path.join(HERE, "pcaps")
PLAIN = ("strip-dane-clear-ipv6", "tlsa-wrong-digest", "dane-match-tls12-ipv6", "dane-match-tls13", "refused-454-dane", "strip-no-dane", "reset-benign",
         "no-tlsa-nsec", "tlsa-bogus", "masked-keyword-dane", "weak-tls10", "probe-quit")
STS = ("mut-sts-untrusted", "mut-sts-valid", "mut-sts-expired", "mut-sts-host", "mut-sts-stripped")
DAY = "2026-11-25"
passed = failed = skipped = 0


def check(good, what):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("FAILED:", what)


with open(PROGRAM, "rb") as f:
    SANITIZED = b"__asan_init" in f.read()


def limit():
    """A gigabyte of address space; AddressSanitizer alone takes terabytes of it."""
    if not SANITIZED:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def run(*args, data=b"", bound=None):
    done = subprocess.run([PROGRAM, *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, preexec_fn=bound)
    return done.returncode, done.stdout, done.stderr.decode()


def sessions(name, *more):
    out = run("read", "--format", "ndjson", "--all", "--trust-anchor", os.path.join(PCAPS, "root.anchor"), *more, os.path.join(PCAPS, name + ".pcapng"))[1]
    return [json.loads(line) for line in out.splitlines() if b'"mxwitness.session"' in line]


def lines(events):
    return b"".join(json.dumps(e).encode() + b"\n" for e in events)


def words():
    """The result type of each finding, from tlsrpt.tsv: what the rules say is held against it elsewhere (sts.py)."""
    table = {}
    with open(os.path.join(HERE, "tlsrpt.tsv"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                name, word = line.split()
                table[name] = word
    return table


def expected(events):
    """(domain, is of a host) -> Counter of result types, None for success, counted here once more."""
    table, out = words(), collections.defaultdict(collections.Counter)
    levels = ["informational", "low", "medium", "high", "critical"]
    sure = ["indication", "strong", "proof"]
    for e in events:
        m = e["mxwitness"]
        best = None
        for f in m.get("finding", []):
            word = table.get(f["id"] + "/" + f.get("variant", ""), table.get(f["id"], "-"))
            rank = (levels.index(f["level"]), sure.index(f["certainty"]))
            if word != "-" and (best is None or rank > best[0]):
                best = rank, word
        demand = m["expectation"]["all"]
        tls = e.get("tls", {}).get("established")
        kept = not ("dane" in demand or "dane-tls-only" in demand) or m["dane"]["verdict"] in ("match", "tls-only-ok")
        if "sts-enforce" in demand or "sts-testing" in demand:
            kept = kept and m.get("pkix", {}).get("result") == "valid"
        if not best and not (tls and kept):
            continue
        domains = m["identity"].get("domains")
        for name in domains or [m["identity"]["host"]]:
            out[name, not domains][best[1] if best else None] += 1
    return out


def counted(reports):
    out = collections.defaultdict(collections.Counter)
    for r in reports:
        for p in r["policies"]:
            key = p["policy"]["policy-domain"], "_host_" in r["report-id"]
            rows = collections.Counter()
            for d in p.get("failure-details", []):
                rows[d["result-type"]] += d["failed-session-count"]
            check(sum(rows.values()) == p["summary"]["total-failure-session-count"], f"{key}: the rows are not the summary")
            out[key].update(rows)
            if p["summary"]["total-successful-session-count"]:
                out[key][None] += p["summary"]["total-successful-session-count"]
    return out


SCHEMA = json.load(open(os.path.join(HERE, "rfc8460.schema.json"), encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def wrong(report):
    return [e.message for e in VALIDATOR.iter_errors(report)]


def check_schema():
    """The schema refuses what is none."""
    good = {"organization-name": "a", "date-range": {"start-datetime": "2026-11-25T00:00:00Z", "end-datetime": "2026-11-25T23:59:59Z"}, "contact-info": "a",
            "report-id": "1", "policies": [{"policy": {"policy-type": "tlsa", "policy-domain": "a.test"}, "summary":
                                            {"total-successful-session-count": 1, "total-failure-session-count": 0}}]}
    check(not wrong(good), "schema: a good one")
    for name in list(good):
        check(wrong({k: v for k, v in good.items() if k != name}), f"schema: without {name}")
    check(wrong({**good, "more": 1}), "schema: more members")


def check_reports(events, folder):
    global skipped
    config = ("-c", os.path.join(PCAPS, "sts-enforce.yaml"))
    rc, out, err = run("tlsrpt", *config, "-", data=lines(events))
    reports = [json.loads(line) for line in out.splitlines()]
    check(rc == 0 and len(reports) > 5, f"{rc}, {len(reports)} reports: {err}")
    for r in reports:
        check(not wrong(r), f"{r['report-id']}: {wrong(r)}")
        if parsedmarc:
            parsed = parsedmarc.parse_smtp_tls_report_json(json.dumps(r))
            check([(p["policy_domain"], p["policy_type"], p["successful_session_count"], p["failed_session_count"]) for p in parsed["policies"]] ==
                  [(p["policy"]["policy-domain"], p["policy"]["policy-type"], p["summary"]["total-successful-session-count"],
                    p["summary"]["total-failure-session-count"]) for p in r["policies"]], f"parsedmarc reads {r['report-id']} otherwise: {parsed}")
            rows = [[(d["result_type"], d["failed_session_count"], d["sending_mta_ip"]) for d in p.get("failure_details", [])] for p in parsed["policies"]]
            check(rows == [[(d["result-type"], d["failed-session-count"], d["sending-mta-ip"]) for d in p.get("failure-details", [])] for p in r["policies"]],
                  f"parsedmarc: rows of {r['report-id']}")
        else:
            skipped += 1
        for p in r["policies"]:
            for d in p.get("failure-details", []):
                ipaddress.ip_address(d["sending-mta-ip"])
    want, have = expected(events), counted(reports)
    check(want == have, f"counts: {dict(want)} here, {dict(have)} there")
    types = {p["policy"]["policy-type"] for r in reports for p in r["policies"]}
    check(types == {"tlsa", "sts", "no-policy-found"}, f"types: {types}")
    unknown = sum(1 for e in events) - sum(sum(c.values()) for c in expected(events).values())
    check(unknown > 0 and f" {unknown} neither" in err, f"{unknown} neither: {err}")
    # the policy that was fetched, and without the folder what the event tells
    sts = [p["policy"] for r in reports for p in r["policies"] if p["policy"]["policy-type"] == "sts"]
    check(sts and all(p["mx-host"] == ["mx.charlie.net"] and p["policy-string"][:2] == ["version: STSv1", "mode: enforce"] for p in sts), f"sts: {sts}")
    bare = [p["policy"] for line in run("tlsrpt", "-", data=lines(events))[1].splitlines() for p in json.loads(line)["policies"] if p["policy"]["policy-type"] == "sts"]
    check(bare and all(p["policy-string"] == ["version: STSv1", "mode: enforce"] and "mx-host" not in p for p in bare), f"sts without: {bare}")
    # the same sessions in another order, and each twice
    shuffled = events * 2
    random.Random(8460).shuffle(shuffled)
    again = run("tlsrpt", *config, "-", data=lines(shuffled))
    check(again[1] == out, "another order gives other octets")
    check(f"{len(events)} came before" in again[2], f"twice: {again[2]}")
    # files
    rc, nothing, err = run("tlsrpt", *config, "-o", folder, "-", data=lines(events))
    names = sorted(os.listdir(folder))
    check(rc == 0 and not nothing and len(names) == len(reports), f"{rc}, {names}: {err}")
    read = []
    for name in names:
        with open(os.path.join(folder, name), "rb") as f:
            read.append(f.read())
        sender, domain, start, end = name[:-5].split("!")[:4]
        check(sender == "mxwitness" and domain in name and int(end) - int(start) == 86399 and int(start) % 86400 == 0, name)
        check(json.loads(read[-1])["policies"][0]["policy"]["policy-domain"] == domain, f"{name} is of another")
    check(sorted(read) == sorted(out.splitlines(keepends=True)), "files are not the lines")


def check_choice(events):
    mine = lines(events)
    out = [json.loads(x) for x in run("tlsrpt", "--domain", "Alpha.NET", "-", data=mine)[1].splitlines()]
    check(len(out) == 1 and out[0]["policies"][0]["policy"]["policy-domain"] == "alpha.net", f"--domain: {out}")
    rc, out, err = run("tlsrpt", "--day", "2026-11-24", "-", data=mine)
    check(rc == 0 and not out and "another day or domain" in err, f"--day: {rc} {out} {err}")
    check(len(run("tlsrpt", "--day", DAY, "-", data=mine)[1].splitlines()) > 5, "--day: of the day")
    out = json.loads(run("tlsrpt", "--organization", "Exämple \"AG\"", "--contact", "noc@example.org", "--domain", "alpha.net", "-", data=mine)[1])
    check(out["organization-name"] == "Exämple \"AG\"" and out["contact-info"] == "noc@example.org", f"names: {out}")
    # what is none of ours to others
    for change, says in (({"network": {"direction": "inbound"}}, "not to the MX"), ({"mxwitness": {"service": "submission"}}, "not to the MX"),
                         ({"mxwitness": {"capture": {"phase": "interim"}}}, "not over yet"),
                         ({"mxwitness": {"identity": {"domains": ["../x"]}}}, "neither mail domain"),
                         ({"mxwitness": {"identity": {"domains": ["a" * 201]}}}, "neither mail domain")):
        e = json.loads(json.dumps(events[0]))
        for part, members in change.items():
            for k, v in members.items():
                e[part][k] = {**e[part][k], **v} if isinstance(v, dict) else v
        rc, out, err = run("tlsrpt", "-", data=lines([e]))
        check(rc == 0 and not out and says in err, f"{change}: {rc} {out} {err}")
    rc, out, err = run("tlsrpt", "-", data=mine + b"{\"a\":\n" + b"x" * 70000 + b"\n")
    check(rc == 2 and len(out.splitlines()) > 5 and err.count("passed over") == 2, f"bad lines: {rc} {err}")
    for args in (("tlsrpt",), ("tlsrpt", "--day", "today", "-"), ("tlsrpt", "-o", "/nowhere", "-"), ("tlsrpt", "--format", "table", "-"),
                 ("tlsrpt", "--received", "/nowhere"), ("tlsrpt", "--dns", "off", "-"), ("judge", "--day", DAY, "-"), ("tlsrpt", "/nowhere")):
        rc, out, err = run(*args)
        check(rc == 2 and not out and err.startswith("mxwitness: "), f"{args}: {rc} {out} {err}")


def report(rows, start=DAY + "T00:00:00Z", end=DAY + "T23:59:59Z", domain="foxtrot.test"):
    return {"organization-name": "Other", "date-range": {"start-datetime": start, "end-datetime": end}, "contact-info": "x", "report-id": "r",
            "policies": [{"failure-details": rows, "policy": {"policy-type": "sts", "policy-domain": domain, "mx-host": "mx"}, "summary":
                          {"total-successful-session-count": 0, "total-failure-session-count": len(rows)}}]}


def inbound(events):
    """Sessions as a sensor in front of the own servers would tell of: one without STARTTLS, of one client, one with TLS, of another network."""
    strip = next(e for e in events if any(f["id"] == "starttls-not-offered" for f in e["mxwitness"].get("finding", [])))
    good = next(e for e in events if e.get("tls", {}).get("established") and not e["mxwitness"].get("finding"))
    out = []
    for e, client, name in ((strip, "203.0.113.7", "strip"), (good, "192.0.2.9", "good")):
        e = json.loads(json.dumps(e))
        e["network"]["direction"] = "inbound"
        e["event"]["id"] = name
        e["source"]["ip"], e["destination"]["ip"] = client, "198.51.100.1"
        e["mxwitness"].setdefault("identity", {})["host"] = "mx.foxtrot.test"
        out.append(e)
    return out


def check_received(events, folder):
    own = inbound(events)
    row = {"result-type": "starttls-not-supported", "failed-session-count": 3, "receiving-ip": "198.51.100.1"}
    path = os.path.join(folder, "r.json")

    def results(rep, evs, *more):
        with open(path, "w", encoding="utf-8") as f:
            json.dump(rep, f)
        rc, out, err = run("tlsrpt", "--format", "ndjson", "--received", path, *more, "-", data=lines(evs))
        return rc, [json.loads(x)["result"] for x in out.splitlines()], err

    cases = (
        ("nobody of that address came", {**row, "sending-mta-ip": "203.0.113.99"}, own, "elsewhere", 1),
        ("its sessions failed so, others' did not", {**row, "sending-mta-ip": "203.0.113.7"}, own, "selective", 1),
        ("its sessions failed so, and no other came", {**row, "sending-mta-ip": "203.0.113.7"}, own[:1], "same", 0),
        ("its sessions did not fail", {**row, "sending-mta-ip": "192.0.2.9"}, own, "without", 0),
        ("they failed otherwise", {**row, "sending-mta-ip": "203.0.113.7", "result-type": "certificate-expired"}, own, "without", 0),
        ("a failure without a name is any", {**row, "sending-mta-ip": "203.0.113.7", "result-type": "validation-failure"}, own[:1], "same", 0),
        ("no sender, and it failed so", row, own, "same", 0),
        ("no sender, and nothing failed so", {**row, "result-type": "certificate-expired"}, own, "nameless", 0),
        ("by the name of the server", {"result-type": "starttls-not-supported", "receiving-mx-hostname": "MX.Foxtrot.test.", "sending-mta-ip": "203.0.113.7"},
         own[:1], "same", 0),
        ("a server that is none of ours", {**row, "sending-mta-ip": "203.0.113.7", "receiving-ip": "198.51.100.77"}, own, "elsewhere", 1),
        ("nobody came", {**row, "sending-mta-ip": "203.0.113.7"}, [], "uncovered", 0),
    )
    for what, r, evs, want, status in cases:
        rc, have, err = results(report([r]), evs)
        check((rc, have) == (status, [want]), f"{what}: {rc} {have} {err}")
    other = report([{**row, "sending-mta-ip": "203.0.113.99"}], "2026-11-20T00:00:00Z", "2026-11-20T23:59:59Z")
    check(results(other, own)[:2] == (0, ["uncovered"]), "another day")
    east = report([{**row, "sending-mta-ip": "203.0.113.99"}], "2026-11-25T02:00:00+02:00", "2026-11-26T01:59:59+02:00")
    check(results(east, own)[:2] == (1, ["elsewhere"]), "a time with its zone")
    check(results(report([row, row]), own, "--domain", "other.test")[:2] == (0, []), "--domain of another")
    check(results(report([]), own)[:2] == (0, []), "no failures")
    # a table, gzip
    with gzip.open(path + ".gz", "wt") as f:
        json.dump(report([{**row, "sending-mta-ip": "203.0.113.99"}]), f)
    rc, out, err = run("tlsrpt", "--format", "table", "--received", path + ".gz", "-", data=lines(own))
    check(rc == 1 and b"no such attempt came here" in out and b"foxtrot.test" in out, f"table: {rc} {out} {err}")
    # what our own command wrote is a report, too
    os.mkdir(os.path.join(folder, "own"))
    events = [{**e, "network": {**e["network"], "direction": "unknown"}} for e in events]
    run("tlsrpt", "-o", os.path.join(folder, "own"), "-", data=lines(events))
    mine = [os.path.join(folder, "own", n) for n in sorted(os.listdir(os.path.join(folder, "own")))]
    rc, out, err = run("tlsrpt", "--format", "ndjson", *(a for m in mine for a in ("--received", m)), "-", data=lines(events))
    have = {json.loads(x)["result"] for x in out.splitlines()}
    check(have and have <= {"same", "selective"} and not err, f"our own reports: {rc} {out} {err}")


def check_hostile(folder):
    good = json.dumps(report([{"result-type": "starttls-not-supported", "sending-mta-ip": "203.0.113.99", "failed-session-count": 1}])).encode()
    path = os.path.join(folder, "h")

    def refused(data, what):
        with open(path, "wb") as f:
            f.write(data)
        rc, out, err = run("tlsrpt", "--format", "ndjson", "--received", path, bound=limit)
        check(rc == 2 and not out and err.count("\n") <= 2 and "\033" not in err, f"{what}: {rc} {out[:100]} {err}")

    for n in range(0, len(good), 23):
        refused(good[:n], f"cut at {n}")
    refused(b"{" + b'"a":{' * 100000, "deep objects")
    refused(b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}", "deep arrays")
    refused(gzip.compress(bytes(100 << 20), 9), "a bomb of 100 MiB")
    refused(gzip.compress(b'{"organization-name":"' + b"a" * (9 << 20) + b'"}'), "a long text")
    refused(gzip.compress(good)[:-9], "gzip cut")
    refused(b"\x1f\x8b" + os.urandom(200), "gzip of nothing")
    refused(good + good, "two")
    refused(b"[]", "an array")
    refused(good.replace(b"2026-11-25T00", b"2027-11-25T00"), "ends before it begins")
    for member in ("date-range", "policies"):
        for value in (1, "x", None, True, {}, [1], [[[]]]):
            r = json.loads(good)
            r[member] = value
            if member == "date-range" or not (isinstance(value, list)):
                refused(json.dumps(r).encode(), f"{member}: {value}")
    # rows that are none are told of, and the others are read
    for member in ("result-type", "sending-mta-ip", "failed-session-count"):
        for value in (1, -1, 1e300, "x" * 5000, "\x1b[31m", None, {"a": 1}, ["203.0.113.99"], "\ud800"):
            r = json.loads(good)
            r["policies"][0]["failure-details"][0][member] = value
            with open(path, "w", encoding="utf-8") as f:
                json.dump(r, f)
            rc, out, err = run("tlsrpt", "--format", "table" if member == "sending-mta-ip" else "ndjson", "--received", path, bound=limit)
            check(rc in (0, 2) and (rc == 2) == ("left out" in err) and b"\033" not in out, f"{member}: {value!r:.40}: {rc} {out[:200]} {err}")
    many = report([{"result-type": "validation-failure", "sending-mta-ip": "203.0.113.99"}] * 5000)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(many, f)
    rc, out, err = run("tlsrpt", "--format", "ndjson", "--received", path, bound=limit)
    check(rc == 0 or "left out" in err, f"5,000 rows: {rc} {err}")
    check(len(out.splitlines()) in (4096, 5000), f"5,000 rows: {len(out.splitlines())}")


def check_rights(events, folder):
    """Who parses is behind a filter of system calls, has no capability, and of files what was opened for it."""
    own = os.path.join(folder, "rights")
    os.mkdir(own)
    p = subprocess.Popen([PROGRAM, "tlsrpt", "-o", own, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    children, status = f"/proc/{p.pid}/task/{p.pid}/children", {}
    for _ in range(200):
        with open(children, encoding="ascii") as f:
            pids = f.read().split()
        if pids:
            with open(f"/proc/{pids[0]}/status", encoding="ascii") as f:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)
            if status.get("Seccomp") == "2" and status.get("Seccomp_filters", "2") != "1":
                break
        time.sleep(0.02)
    filters = SANITIZED or status.get("Seccomp_filters", "2") != "1"  # a sanitizer's build is without the last of them
    check(status.get("Seccomp") == "2" and filters and status.get("NoNewPrivs") == "1" and int(status.get("CapEff", "1"), 16) == 0, f"rights of the reader: {status}")
    opened = [os.readlink(f"/proc/{pids[0]}/fd/{n}") for n in os.listdir(f"/proc/{pids[0]}/fd")]
    check(own not in opened and all(o.startswith("pipe:") for o in opened), f"open in the reader: {opened}")
    p.communicate(lines(events))
    check(p.returncode == 0 and os.listdir(own), f"with a filter: {p.returncode}")


def main():
    events = [e for name in PLAIN for e in sessions(name)]
    events += [e for name in STS for e in sessions(name, "-c", os.path.join(PCAPS, "sts-enforce.yaml"))]
    events = list({e["event"]["id"]: e for e in events}.values())      # one session is in two of the captures
    for e in events:      # own networks of that configuration say outbound; of the others nobody said anything
        check(e["network"].get("direction") in ("unknown", "outbound"), f"direction: {e['network']}")
    check_schema()
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "out"))
        check_reports(events, os.path.join(folder, "out"))
        check_choice(events)
        check_received(events, folder)
        check_hostile(folder)
        check_rights(events, folder)
    print(f"tlsrpt: {passed} passed, {failed} failed" + (f", {skipped} skipped (no parsedmarc)" if skipped else ""))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
