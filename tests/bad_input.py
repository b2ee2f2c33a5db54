#!/usr/bin/env python3
"""What an operator or a damaged file can get wrong: one clear line on standard error, exit status 2, and nothing on
standard output that looks whole. usage: bad_input.py MXWITNESS"""
import glob
import gzip
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.abspath(sys.argv[1])
DEMO = sorted(glob.glob(os.path.join(HERE, "pcaps", "demo", "*.pcapng")))[0]


def run(*args, **kw):
    kw.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([PROGRAM, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **kw)


def write(folder, name, data):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(data)
    return path


def usage_cases(t):
    """name, arguments, what the message must contain"""
    empty_dir = os.path.join(t, "empty")
    os.mkdir(empty_dir)
    rules = os.path.join(t, "rules")
    os.mkdir(rules)
    for f in glob.glob(os.path.join(HERE, "..", "rules", "*.yaml")):
        with open(f, "rb") as src:
            write(rules, os.path.basename(f), src.read())
    write(rules, "broken.yaml", b"title: x\nid: not-a-uuid\nname: x\nlogsource: {product: mxwitness, service: session}\n"
          b"detection:\n  a:\n    mxwitness.dane.verdct: match\n  condition: a\nlevel: high\n")
    yield "no command", [], ["mxwitness read"]
    yield "no capture", ["read"], ["no capture"]
    yield "unknown option", ["read", "--frobnicate", DEMO], ["--frobnicate"]
    yield "unknown command", ["watsch", DEMO], ["watsch"]
    yield "no such mode", ["read", "--dns", "maybe", DEMO], ["maybe", "capture"]
    yield "no such port", ["read", "--ports", "25,99999", DEMO], ["99999"]
    yield "not found", ["read", os.path.join(t, "nowhere.pcap")], ["nowhere.pcap"]
    yield "not a capture", ["read", write(t, "text.pcap", b"hello, this is no capture at all\n" * 9)], ["text.pcap"]
    yield "empty file", ["read", write(t, "empty.pcap", b"")], ["empty.pcap"]
    yield "directory without captures", ["read", empty_dir], [empty_dir]
    yield "anchor not found", ["read", "--trust-anchor", os.path.join(t, "none"), DEMO], [os.path.join(t, "none")]
    yield "anchor unreadable", ["read", "--trust-anchor", write(t, "bad.anchor", b". IN DS what\n"), DEMO], ["bad.anchor:1"]
    yield "configuration not found", ["read", "-c", os.path.join(t, "no.yaml"), DEMO], ["no.yaml"]
    yield "unknown key", ["read", "-c", write(t, "a.yaml", b"vantage: dmz\nown_network: [10.0.0.0/8]\n"), DEMO], \
        ["a.yaml:2:1", "own_networks"]
    yield "not a network", ["read", "-c", write(t, "b.yaml", b"own_networks: [10.0.0.0/40]\n"), DEMO], ["b.yaml:1:16"]
    yield "not a mirror", ["read", "-c", write(t, "m.yaml", b"decrypted_mirror: [10.0.0.0/8, maybe]\n"), DEMO], ["m.yaml:1:32"]
    yield "not a public address", ["read", "-c", write(t, "p.yaml", b"public_addresses: mx.example.org\n"), DEMO], \
        ["p.yaml:1:19"]
    yield "dns_ports out of range", ["read", "-c", write(t, "dp.yaml", b"dns_ports: [53, 65536]\n"), DEMO], ["dp.yaml:1", "65535"]
    yield "dns-from not found", ["read", "--dns-from", "/no.pcap", DEMO], ["/no.pcap"]
    yield "dns-from and off", ["read", "--dns", "off", "--dns-from", DEMO, DEMO], ["--dns-from", "--dns off"]
    yield "dns-from standard input", ["read", "--dns-from", "-", DEMO], ["--dns-from -"]
    yield "ca_file not found", ["read", "-c", write(t, "n.yaml", b"ca_file: /no.pem\n"), DEMO], ["/no.pem"]
    yield "ca_file without a certificate", \
        ["read", "-c", write(t, "q.yaml", b"ca_file: " + write(t, "q.pem", b"nothing\n").encode() + b"\n"), DEMO], \
        ["q.pem", "ca_file"]
    yield "not YAML", ["read", "-c", write(t, "c.yaml", b"own_networks: [10.0.0.0/8\n"), DEMO], ["c.yaml"]
    yield "duplicate key", ["read", "-c", write(t, "d.yaml", b"vantage: dmz\nvantage: dmz\n"), DEMO], ["d.yaml:2:1"]
    yield "broken rule", ["read", "--rules", rules, DEMO], ["broken.yaml:"]
    yield "no rules", ["read", "--rules", empty_dir, DEMO], [empty_dir]
    yield "output not writable", ["read", "-o", os.path.join(t, "no", "such", "out"), DEMO], ["out"]


def check_usage(t):
    for name, args, words in usage_cases(t):
        done = run(*args)
        err = done.stderr.decode(errors="replace")
        problems = []
        if done.returncode != 2:
            problems.append(f"exit status {done.returncode}")
        if done.stdout:
            problems.append("wrote to standard output")
        if err.count("\n") != 1:
            problems.append(f"{err.count(chr(10))} lines on standard error")
        problems += [f"the message does not name {w}: {err.strip()}" for w in words if w not in err]
        yield name, problems


def check_damage(t):
    with open(DEMO, "rb") as f:
        whole = f.read()
    complete = run("read", "--format", "ndjson", "--dns", "off", DEMO).stdout.decode().splitlines()
    sessions = [json.loads(x) for x in complete if '"mxwitness.session"' in x]
    for name, data in (("truncated", whole[:-11]), ("corrupt length", whole[:-64] + b"\xff" * 64),
                       ("truncated gzip", gzip.compress(whole)[:-30])):
        path = write(t, "damaged.pcapng", data)
        done = run("read", "--format", "ndjson", "--dns", "off", path)
        events = [json.loads(x) for x in done.stdout.decode().splitlines()]
        problems = []
        if done.returncode != 2:
            problems.append(f"exit status {done.returncode}")
        if "damaged.pcapng" not in done.stderr.decode() or not any(c.isdigit() for c in done.stderr.decode()):
            problems.append(f"the message does not name file and offset: {done.stderr.decode().strip()}")
        if events[-1]["mxwitness"]["stats"]["complete"] is not False:
            problems.append("the last event says that the run was complete")
        if name != "truncated gzip" and sum('mxwitness.session' in json.dumps(e) for e in events) != len(sessions):
            problems.append("sessions before the damage are missing")
        yield name, problems


def check_good(t):
    """Twins: what must not be refused."""
    config = write(t, "ok.yaml", b"# all optional\nown_networks: [10.0.0.0/8, '2001:db8::/32']\nvantage: egress-inside\n"
                   b"public_addresses: 198.51.100.1\ndecrypted_mirror: false\nca_file: none\n")
    yield "configuration", [] if run("read", "-c", config, "--dns", "off", DEMO).returncode in (0, 1) else ["refused"]
    with open(DEMO, "rb") as f:
        piped = run("read", "--dns", "off", "-", stdin=f)
    same = run("read", "--dns", "off", DEMO)
    yield "standard input", [] if piped.stdout == same.stdout and piped.stdout else ["differs from the file"]
    out = os.path.join(t, "out.ndjson")
    run("read", "--dns", "off", "-o", out, DEMO)
    with open(out, "rb") as f:
        yield "output file", [] if f.read() == same.stdout else ["differs from standard output"]
    version = run("--version")
    yield "version", [] if version.returncode == 0 and version.stdout.startswith(b"mxwitness ") else ["no version"]
    usage = run("--help")
    yield "help", [] if usage.returncode == 0 and b"--trust-anchor" in usage.stdout and not usage.stderr else ["no help"]


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as t:
        for part in (check_usage, check_damage, check_good):
            for name, problems in part(t):
                for p in problems:
                    print(f"{name}: {p}")
                passed += not problems
                failed += bool(problems)
    print(f"bad input: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
