#!/usr/bin/env python3
"""Evidence files of every capture under tests/pcaps: whole, private, reproducible, and not to be tampered with.

usage: evidence.py MXWITNESS [FOLDER]    prints a line for what fails, and "N passed, N failed[, N skipped ...]" last.
TAMPER: octets of the DNS part to change, of two files (default 20); tamper.py changes all of them. capinfos reads every file,
and tshark one of eight, others each day; THOROUGH: every one. EVIDENCE_SHARE: one capture of so many (1), for builds that are slow."""
import glob
import hashlib
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import dns_from

NAME = re.compile(r"^\d{8}T\d{6}Z_[0-9a-f.-]+_[a-z0-9-]+_[0-9a-f]{32}\.pcapng$")


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.thorough = "THOROUGH" in os.environ

    def check(self, ok, text):
        if ok:
            self.passed += 1
        else:
            self.failed += 1
            print(text)


def run(args, **more):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300, **more)


def options_of(capture, anchor):
    name = os.path.splitext(capture)[0] + ".expect.json"
    expect = {}
    if os.path.exists(name):
        with open(name, encoding="utf-8") as f:
            expect = json.load(f)
    folder = os.path.dirname(capture)
    options = [os.path.join(folder, o) if o.endswith((".yaml", ".pcapng")) else o for o in expect.get("options", [])]
    return ["--dns", expect.get("dns", "capture"), "--trust-anchor", anchor] + options


def learns(capture):
    """Does the capture hold a history, to be read with a state of its own?"""
    name = os.path.splitext(capture)[0] + ".expect.json"
    if not os.path.exists(name):
        return False
    with open(name, encoding="utf-8") as f:
        return json.load(f).get("state", False)


def alerts_of(program, options, capture, more=(), state=False):
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        done = run([program, "read", "--format", "ndjson"] + options + list(more) + (["--state", folder] if state else []) + [capture])
    events = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return done, [e for e in events if e["event"]["dataset"] == "mxwitness.alert"]


def plain(alert):
    """An alert without what exists only once."""
    alert = json.loads(json.dumps(alert))
    alert["event"].pop("sequence", None)
    alert["mxwitness"].pop("evidence", None)
    alert["mxwitness"].get("capture", {}).pop("frame_first", None)
    for conflict in alert["mxwitness"].get("tcp", {}).get("conflicts", []):
        conflict.pop("offset", None)  # a version that may hold a secret is covered as a whole
    return alert


def blocks(data):
    """The blocks of a pcapng file as (type, offset, length)."""
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        yield kind, at, length
        at += length


def packets(data):
    """Of each packet: interface, and where its octets are."""
    for kind, at, _ in blocks(data):
        if kind == 6:
            iface, _, _, captured = struct.unpack_from("<IIII", data, at + 8)
            yield iface, at + 28, captured


def check_manifest(tally, folder):
    """The last line of a name counts: the same session may be read more than once."""
    before, files = b"", {}
    for line in open(os.path.join(folder, "MANIFEST"), "rb").read().splitlines():
        chain, rest = line.split(b" ", 1)
        tally.check(hashlib.sha256(before + rest).hexdigest().encode() == chain, f"MANIFEST: the chain breaks at {rest}")
        state, sha256, size, name = rest.decode().split(" ")
        files[name] = (state, sha256, int(size))
        before = line
    for name, (state, sha256, size) in files.items():
        data = open(os.path.join(folder, name), "rb").read() if state == "written" else b""
        good = state != "written" or (hashlib.sha256(data).hexdigest() == sha256 and len(data) == size)
        tally.check(good, f"MANIFEST: {name} is another")
    have = {n for n in os.listdir(folder) if n != "MANIFEST"}
    names = {n for n, (state, _, _) in files.items() if state == "written"}
    tally.check(have == names, f"MANIFEST and directory differ: {have ^ names}")


NAMED = {0: "session as captured", 1: "mxwitness: DNS proofs"}


def complaints(done):
    return [s for s in done.stderr.decode(errors="replace").splitlines() if not s.startswith("Running as user")]


def check_tools(tally, folder):
    """What others make of the files: no warning, the comment of the section, the names of the interfaces, a comment for each packet."""
    files = sorted(glob.glob(os.path.join(folder, "*.pcapng")))
    if not shutil.which("capinfos") or not shutil.which("tshark"):
        tally.skipped += 1
        return
    for path in files:
        done = run(["capinfos", path])
        text = done.stdout.decode(errors="replace")
        tally.check(done.returncode == 0 and not complaints(done), f"capinfos {path}: {complaints(done)}")
        tally.check("evidence of one alert:" in text and "Repeat the verdict with: mxwitness verify" in text and
                    all(f"Name = {n}" in text for n in NAMED.values()), f"capinfos {path} shows {text}")
    day = int(time.time() / 86400)
    for path in files if tally.thorough else files[day % 8::8]:
        done = run(["tshark", "-r", path, "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-T", "fields", "-e", "frame.interface_name",
                    "-e", "frame.comment", "-e", "_ws.malformed", "-e", "ip.checksum.status", "-e", "udp.checksum.status", "-e", "dns.flags"])
        rows = [line.split("\t") for line in done.stdout.decode(errors="replace").splitlines()]
        tally.check(done.returncode == 0 and not complaints(done), f"tshark {path}: {complaints(done)}")
        ours = [r for r in rows if r[0] == NAMED[1]]
        tally.check(any("SHA-256 of these octets: " in r[1] for r in rows) and all(r[1] for r in ours), f"tshark {path}: no comments")
        tally.check(all(r[2] == "" and "0" not in r[3:5] for r in ours), f"tshark {path}: {[r for r in ours if r[2] or '0' in r[3:5]]}")
        tally.check(len(rows) == sum(1 for _ in packets(open(path, "rb").read())), f"tshark {path}: {len(rows)} packets")


def check_variants(tally, program, anchor):
    """Evidence where the DNS came from another file, on another port, or with a forged answer beside it."""
    pcaps = os.path.dirname(anchor)
    seen = set()
    for name in dns_from.NAMES:
        head, all_packets = dns_from.blocks(os.path.join(pcaps, name + ".pcapng"))
        with tempfile.TemporaryDirectory() as folder:
            path = {}
            for part, chosen in (("mail", [p for p in all_packets if not dns_from.is_dns(p)]), ("dns", [p for p in all_packets if dns_from.is_dns(p)]),
                                 ("moved", [dns_from.moved(p) for p in all_packets]), ("forged", dns_from.forged(all_packets))):
                path[part] = os.path.join(folder, part + ".pcapng")
                with open(path[part], "wb") as f:
                    f.write(head + b"".join(chosen))
            config = os.path.join(folder, "ports.yaml")
            with open(config, "w", encoding="utf-8") as f:
                f.write(f"dns_ports: [{dns_from.OTHER_PORT}]\n")
            for what, capture, more in (("another file", "mail", ["--dns-from", path["dns"]]), ("another port", "moved", ["-c", config]),
                                        ("a forged answer", "forged", [])):
                out = os.path.join(folder, what)
                _, alerts = alerts_of(program, ["--trust-anchor", anchor], path[capture], more + ["--evidence", out])
                for a in alerts:
                    seen.add((what, a["rule"]["id"]))
                    e = a["mxwitness"]["evidence"]
                    tally.check(e.get("reproduced") is True, f"{name}, {what}, {a['rule']['id']}: {e.get('why')}")
                    done = run([program, "verify", "--trust-anchor", anchor, os.path.join(out, e["file"])])
                    tally.check(done.returncode == 0, f"{name}, {what}: {done.stdout}")
    for want in (("another file", "tlsa-mismatch"), ("another port", "tlsa-mismatch"), ("a forged answer", "dns-answer-conflict"),
                 ("another file", "starttls-not-offered")):
        tally.check(want in seen, f"variants: no alert {want} among {sorted(seen)}")


def check_capture(tally, program, anchor, capture, folder):
    options = options_of(capture, anchor)
    done, alerts = alerts_of(program, options, capture, ["--evidence", folder], learns(capture))
    _, without = alerts_of(program, options, capture, state=learns(capture))
    tally.check([plain(a) for a in alerts] == [plain(a) for a in without], f"{capture}: --evidence changes the alerts")
    tally.check(not done.stderr, f"{capture}: {done.stderr.decode(errors='replace').strip()}")
    for a in alerts:
        if "community_id" not in a.get("network", {}):
            continue  # what an incident says by itself rests on alerts that had their evidence
        others = a["mxwitness"]["alert"].get("rests_on_others")
        e = a["mxwitness"].get("evidence", {})
        what = f"{os.path.basename(capture)} {a['rule']['id']}"
        if e.get("why", "").startswith("it rests on several sessions"):
            tally.check(e.get("reproduced") is not True and "file" not in e, f"{what}: one session's evidence for an alert that rests on several")
            continue
        tally.check(e.get("reproduced") is True, f"{what}: {e.get('why')}")
        if "file" not in e:
            continue
        path = os.path.join(folder, e["file"])
        tally.check(bool(NAME.match(e["file"])), f"{what}: name {e['file']}")
        tally.check(os.stat(path).st_mode & 0o777 == 0o600, f"{what}: mode of {path}")
        data = open(path, "rb").read()
        tally.check(hashlib.sha256(data).hexdigest() == e["sha256"], f"{what}: digest")
        again = run([program, "verify", "--trust-anchor", anchor, path])
        tally.check(again.returncode == 0 and b": reproduced: " in again.stdout, f"{what}: {again.stdout.decode()}")
        if learns(capture):
            continue  # the evidence's claim holds the history: verify knows it, and another reading does not
        _, reread = alerts_of(program, options, path)
        same = [r for r in reread if r["rule"]["id"] == a["rule"]["id"]]
        tally.check(len(same) == 1 and (others or plain(same[0]) == plain(a)), f"{what}: read on its evidence gives another alert")
    return alerts


def check_tampering(tally, program, anchor, path, rounds):
    """Every octet of the DNS part, with a random bit turned; and random bits of the session's packets."""
    data = open(path, "rb").read()
    dns = [i for iface, at, n in packets(data) if iface == 1 for i in range(at, at + n)]
    wire = [i for iface, at, n in packets(data) if iface == 0 for i in range(at, at + n)]
    rng = random.Random(7)
    step = max(1, len(dns) // rounds)
    picks = [(i, True) for i in dns[rng.randrange(step)::step]] + [(i, False) for i in rng.sample(wire, min(rounds // 4, len(wire)))]
    with tempfile.TemporaryDirectory() as folder:
        bad, files = os.path.join(folder, "bad.pcapng"), []
        for at, is_dns in picks:
            turned = bytearray(data)
            turned[at] ^= 1 << rng.randrange(8)
            # an adversary writes the digest anew: the verdict itself must hold against that
            forged = redigest(turned)
            for kind, octets in (("turned", turned), ("forged", forged)):
                with open(bad, "wb") as f:
                    f.write(octets)
                done = run([program, "verify", "--trust-anchor", anchor, bad])
                text = done.stdout.decode(errors="replace")
                if kind == "turned" and is_dns:
                    tally.check(done.returncode == 1 and "is not what was written" in text,
                                f"{path}: octet {at} turned: {done.returncode} {text}")
                elif done.returncode == 0 and is_dns:
                    # the verdict must then be the same because the octet says nothing: header, TTL, our wrapping
                    _, alerts = alerts_of(program, ["--trust-anchor", anchor], bad)
                    files.append(at)
                    d = [a["mxwitness"].get("dane") for a in alerts]
                    tally.check(all(x is None or same_dane(x, path, program, anchor) for x in d), f"{path}: octet {at}: {d}")
                else:
                    tally.check(done.returncode in (0, 1, 2), f"{path}: octet {at} {kind}: status {done.returncode}")
    return files


ORIGINAL = {}


def check_hostile(tally, program, anchor, path):
    """A file by somebody who wants to write to a terminal, or to send the clock out of bounds."""
    data = open(path, "rb").read()
    changes = {"an escape": (b'"verdict":"mismatch"', b'"verdict":"mis\x1b[31m"'),
               "a far year": (b'"source":"capture"', b'"source":"live"   ')}
    for name, (was, now) in changes.items():
        tally.check(was in data and len(was) == len(now), f"{name}: {was} is not in {path}")
        bad = os.path.join(os.path.dirname(path), "..", f"hostile-{os.getpid()}")
        changed = data.replace(was, now)
        if name == "a far year":
            changed = re.sub(rb'"as_of":"\d{4}', b'"as_of":"9999', changed)
        open(bad, "wb").write(changed)
        done = run([program, "verify", "--trust-anchor", anchor, bad])
        tally.check(b"\x1b" not in done.stdout + done.stderr, f"{name}: {done.stdout}")
        tally.check(done.returncode == 1 and b"ended early" not in done.stdout, f"{name}: {done.returncode} {done.stdout}")
        os.unlink(bad)


def same_dane(dane, path, program, anchor):
    if path not in ORIGINAL:
        _, alerts = alerts_of(program, ["--trust-anchor", anchor], path)
        ORIGINAL[path] = [a["mxwitness"].get("dane") for a in alerts]
    return dane in ORIGINAL[path]


def redigest(data):
    """The same file with the digests of its packets made right again."""
    out = bytearray(data)
    for iface, at, n in packets(bytes(data)):
        end = at + n
        mark = data.find(b"mxw1", end)
        if mark >= 0 and any(data[mark + 8:mark + 40]):
            out[mark + 8:mark + 40] = hashlib.sha256(bytes(data[at:at + n])).digest()
    return out


# ---- planted secrets ----

SECRET = re.compile(rb"(?i)planted\d*")


def dialogue():
    """A session in clear with a secret wherever one may stand; (from the server, text)."""
    b64 = __import__("base64").b64encode
    plain, user, word = b64(b"\0planted1\0planted2"), b64(b"planted3@x"), b64(b"planted4 and more")
    return [
        (1, b"220 mx.example.net ESMTP\r\n"), (0, b"EHLO out.example.org\r\n"),
        (1, b"250-mx.example.net\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n250 SIZE 1000\r\n"),
        (0, b"AUTH PLAIN " + plain + b"\r\n"), (1, b"535 5.7.8 <planted5@example.net> is not known\r\n"),
        (0, b"AUTH LOGIN\r\n"), (1, b"334 VXNlcm5hbWU6\r\n"), (0, user + b"\r\n"), (1, b"334 UGFzc3dvcmQ6\r\n"),
        (0, word + b"\r\n"), (1, b"235 2.7.0 welcome planted6\r\n"),
        (0, b"VRFY planted7\r\n"), (1, b"252 2.0.0 planted8 <planted8@example.net>\r\n"),
        (0, b"PLANTED9 planted10\r\n"), (1, b"500 5.5.1 planted9 is no command\r\n"),
        (0, b"NOOP planted11\r\n"), (1, b"250 ok\r\n"), (0, b"XCLIENT LOGIN=planted12 ADDR=192.0.2.9\r\n"), (1, b"550 no\r\n"),
        (0, b"MAIL FROM:<planted13@example.org> SIZE=100 AUTH=planted14@example.org ENVID=planted15\r\n"),
        (1, b"250 2.1.0 <planted13@example.org> ok\r\n"),
        (0, b"RCPT TO:<\"planted16 planted17\"@example.net> ORCPT=rfc822;planted18@example.net\r\n"),
        (1, b"250 2.1.5 \"planted16 planted17\"@example.net ok\r\n"), (0, b"RCPT TO:<planted19>\r\n"), (1, b"550 planted19?\r\n"),
        (0, b"DATA\r\n"), (1, b"354 go on\r\n"),
        (0, b"From: planted20\r\n\r\nplanted21\n.\nplanted22\r\n..planted23\r\n"), (0, b"planted24\r\n.\r\n"),
        (1, b"250 2.0.0 queued as planted25\r\n"),
        (0, b"MAIL FROM:planted26@example.org\r\nRCPT TO:planted27@example.net\r\nBDAT 20 LAST\r\nplanted28 and so on.QUIT\r\n"),
        (1, b"250 ok\r\n250 ok\r\n250 ok planted29\r\n221 2.0.0 bye planted30@x\r\n"),
    ]


def segment(server, seq, ack, flags, payload=b"", ttl=64):
    a, b = (b"\xc6\x33\x64\x19", b"\xc0\x00\x02\x19")
    src, dst = (a, b) if server else (b, a)
    ports = (25, 40001) if server else (40001, 25)
    tcp = struct.pack(">HHIIBBHHH", *ports, seq & 0xffffffff, ack & 0xffffffff, 0x50, flags, 8192, 0, 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, ttl, 6, 0, src, dst) + tcp


def planted_packets(size):
    """The dialogue in segments of at most size octets."""
    seq, out = [1000, 9000], []
    for server in (0, 1):
        out.append(segment(server, seq[server], seq[0] if server else 0, 0x12 if server else 2))
        seq[server] += 1
    for server, text in dialogue():
        for at in range(0, len(text), size):
            part = text[at:at + size]
            out.append(segment(server, seq[server], seq[1 - server], 0x18, part))
            seq[server] += len(part)
    for server in (0, 1):
        out.append(segment(server, seq[server], seq[1 - server], 0x11))
        seq[server] += 1
    return out


def write_pcap(path, frames, snap=65535, step=1000):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for i, octets in enumerate(frames):
            usec = i * step
            f.write(struct.pack("<IIII", 1790000000 + usec // 1000000, usec % 1000000, min(snap, len(octets)), len(octets)))
            f.write(octets[:snap])


def planted_cases():
    rng = random.Random(3)
    for size in (1400, 11, 1):
        yield f"in segments of {size}", planted_packets(size), 65535
    whole = planted_packets(1400)
    for lost in range(2, len(whole) - 2):
        yield f"without packet {lost}", whole[:lost] + whole[lost + 1:], 65535
    yield "without its beginning", whole[12:], 65535
    yield "one direction", [p for p in whole if p[12] == 0xc0], 65535
    yield "cut", whole, 60
    shuffled = [p for p in planted_packets(30)]
    for i in range(2, len(shuffled) - 6, 4):
        part = shuffled[i:i + 4]
        rng.shuffle(part)
        shuffled[i:i + 4] = part
    yield "out of order", shuffled, 65535
    doubled = []
    for p in whole:
        doubled.append(p)
        if len(p) > 60: # another version of the same octets, which holds a secret where none was
            # the server's other version may be shown: it is what somebody wants the client to read
            text = b"AUTH PLAIN planted31 planted32\r\n" if p[12] == 0xc0 else b"250 something else\r\n"
            secret = (text * 50)[:len(p) - 40]
            doubled.append(p[:40] + secret)
    yield "in two versions", doubled, 65535
    yield "in two versions, the other one first", [q for p in whole for q in
                                                   ([p[:40] + (b"planted33@x " * 200)[:len(p) - 40], p] if len(p) > 60 and p[12] == 0xc0 else [p])], 65535


def silent():
    """A session that stops, and long after it another connection on the same port: it ended in silence."""
    frames = planted_packets(1400)[:30]
    late = segment(0, 5, 0, 2).replace(b"\xc0\x00\x02\x19", b"\xc0\x00\x02\x77")
    return frames, late


def check_silence(tally, program):
    with tempfile.TemporaryDirectory() as folder:
        capture, out = os.path.join(folder, "silent.pcap"), os.path.join(folder, "out")
        frames, late = silent()
        write_pcap(capture, frames)
        with open(capture, "ab") as f:
            f.write(struct.pack("<IIII", 1790001000, 0, len(late), len(late)) + late)
        _, alerts = alerts_of(program, ["--dns", "off"], capture, ["--evidence", out])
        tally.check(len(alerts) > 0, "silence: no alert")
        for a in alerts:
            tally.check(a["mxwitness"]["capture"]["end"] == "timeout", "silence: the session did not time out")
            tally.check(a["mxwitness"]["evidence"].get("reproduced") is True, f"silence: {a['mxwitness']['evidence'].get('why')}")


def check_budget(tally, program):
    """Two files allowed, four alerts in two runs: the oldest go, and MANIFEST tells of it."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out")
        capture = os.path.join(folder, "x.pcap")
        written = []
        for n in range(4):
            frames = [p.replace(b"\xc0\x00\x02\x19", bytes([0xc0, 0, 2, 30 + n])) for p in planted_packets(1400)]
            write_pcap(capture, frames)
            _, alerts = alerts_of(program, ["--dns", "off"], capture, ["--evidence", out, "--evidence-budget", "files=2"])
            written += [a["mxwitness"]["evidence"]["file"] for a in alerts]
        left = sorted(n for n in os.listdir(out) if n != "MANIFEST")
        tally.check(left == sorted(written[-2:]), f"budget: {left} are left of {written}")
        before, states = b"", []
        for line in open(os.path.join(out, "MANIFEST"), "rb").read().splitlines():
            chain, rest = line.split(b" ", 1)
            tally.check(hashlib.sha256(before + rest).hexdigest().encode() == chain, "budget: the chain breaks")
            states.append(rest.split()[0])
            before = line
        tally.check(states.count(b"removed") == len(written) - 2, f"budget: MANIFEST says {states}")
        again = len(open(os.path.join(out, "MANIFEST"), "rb").read())
        alerts_of(program, ["--dns", "off"], capture, ["--evidence", out])
        tally.check(len(open(os.path.join(out, "MANIFEST"), "rb").read()) == again, "the same evidence twice is told twice")
        hook = os.path.join(folder, "hook")
        with open(hook, "w", encoding="utf-8") as f:
            f.write('#!/bin/sh\nsha256sum < "$1" > "$1.sum"\n')
        os.chmod(hook, 0o755)
        alerts_of(program, ["--dns", "off"], capture, ["--evidence", out, "--evidence-hook", hook])
        said = open(os.path.join(out, "MANIFEST.sum"), encoding="ascii").read().split()[0]
        tally.check(said == hashlib.sha256(open(os.path.join(out, "MANIFEST"), "rb").read()).hexdigest(), "the hook's digest")
        done = run([program, "read", "--dns", "off", "--evidence", out, "--evidence-hook", "/bin/false", capture])
        tally.check(done.returncode == 2 and b"is not signed" in done.stderr, f"a hook that fails: {done.returncode} {done.stderr}")
        os.chmod(out, 0o500)
        done = run([program, "read", "--evidence", os.path.join(folder, "x.pcap"), "--dns", "off", capture])
        tally.check(done.returncode == 2 and b"evidence directory" in done.stderr and not done.stdout, "a file as directory")
        os.chmod(out, 0o700)


def check_elsewhere(tally, program, anchor, path):
    """Other rules, other trust anchors, another time, no network: what is said then."""
    rules = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "rules")
    with tempfile.TemporaryDirectory() as folder:
        other = os.path.join(folder, "rules")
        shutil.copytree(rules, other)
        with open(os.path.join(other, "tls.yaml"), "a", encoding="utf-8") as f:
            f.write("\n# another file, the same rules\n")
        done = run([program, "verify", "--trust-anchor", anchor, "--rules", other, path])
        tally.check(done.returncode == 0 and b"the rules are others" in done.stdout, f"other rules: {done.stdout}")
        cut = os.path.join(folder, "cut.pcapng")
        data = open(path, "rb").read()
        for n in (0, 10, 27, 3000, len(data) // 2, len(data) - 3):
            with open(cut, "wb") as f:
                f.write(data[:n])
            done = run([program, "verify", "--trust-anchor", anchor, cut])
            tally.check(done.returncode in (1, 2) and b": reproduced" not in done.stdout, f"cut to {n}: {done.stdout}")
    done = run([program, "verify", path])
    tally.check(done.returncode == 2 and b"other trust anchors" in done.stdout, f"other anchors: {done.stdout}")
    done = run([program, "verify", "--trust-anchor", anchor, path, "/nowhere", path])
    tally.check(done.returncode == 2 and done.stdout.count(b": reproduced") == 2, f"several files: {done.stdout}")
    verify = [program, "verify", "--trust-anchor", anchor, path]
    for name, wrap in (("in 2036", ["faketime", "2036-01-01 00:00:00"]),
                       ("without a network", ["unshare", "-rn", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"])):
        if not shutil.which(wrap[0]) or run(wrap + [program, "--version"]).returncode:
            tally.skipped += 1
            continue
        done = run(wrap + verify)
        tally.check(done.returncode == 0 and b": reproduced" in done.stdout, f"{name}: {done.stdout} {done.stderr}")


def decoded(data):
    """The octets of a file, and what base64 in it may hide."""
    b64 = __import__("base64")
    yield data
    for run_ in re.findall(rb"[A-Za-z0-9+/]{8,}={0,2}", data):
        for skip in range(4):
            part = run_[skip:]
            yield b64.b64decode(part[:len(part) // 4 * 4], validate=False)


def check_secrets(tally, program):
    files = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, frames, snap in planted_cases():
            capture, out = os.path.join(folder, "planted.pcap"), os.path.join(folder, "out")
            write_pcap(capture, frames, snap)
            done, alerts = alerts_of(program, ["--dns", "off"], capture, ["-v", "--evidence", out])
            told = set()
            for text in list(decoded(done.stdout)) + [done.stderr]:
                told |= set(SECRET.findall(text))
            tally.check(not told, f"a session {name}: events or counters show {sorted(told)}")
            table = run([program, "read", "--dns", "off", "--all", "--format", "table", capture])
            tally.check(not SECRET.search(table.stdout + table.stderr), f"a session {name}: the table shows a secret")
            found = set()
            for path in glob.glob(os.path.join(out, "*")):
                files += path.endswith(".pcapng")
                for text in decoded(open(path, "rb").read()):
                    found |= set(SECRET.findall(text))
            tally.check(not found, f"a session {name}: evidence shows {sorted(found)}")
            for a in alerts:
                e = a["mxwitness"].get("evidence", {})
                # what the second version would have said is covered where it may hold a secret
                tally.check(e.get("reproduced") is True or name.endswith("first"),
                            f"a session {name}: {a['rule']['id']}: {e.get('why')}")
            shutil.rmtree(out, ignore_errors=True)
    tally.check(files > 20, f"only {files} files to search for secrets")


def main():
    program = os.path.abspath(sys.argv[1])
    here = os.path.dirname(os.path.abspath(__file__))
    pcaps = sys.argv[2] if len(sys.argv) > 2 else os.path.join(here, "pcaps")
    rounds = int(os.environ.get("TAMPER", "20"))
    anchor = os.path.join(pcaps, "root.anchor")
    captures = sorted(glob.glob(os.path.join(pcaps, "**", "*.pcap*"), recursive=True))
    some = int(os.environ.get("EVIDENCE_SHARE", "1"))
    always = ("strip-dane-clear", "intercept-tls12-dane", "tlsa-wrong-digest")
    captures = [c for i, c in enumerate(captures) if i % some == 0 or os.path.basename(c).startswith(always)]
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        alerts = 0
        for capture in captures:
            alerts += len(check_capture(tally, program, anchor, capture, folder))
        tally.check(alerts > 0, "no alert in any capture")
        check_manifest(tally, folder)
        check_tools(tally, folder)
        check_variants(tally, program, anchor)
        for want in ("tlsa-mismatch", "starttls-not-offered"):
            files = sorted(glob.glob(os.path.join(folder, f"*_{want}_*.pcapng")))
            tally.check(bool(files), f"no evidence of {want} to tamper with")
            if files:
                check_elsewhere(tally, program, anchor, files[0])
            if files and want == "tlsa-mismatch":
                check_hostile(tally, program, anchor, files[0])
                check_tampering(tally, program, anchor, files[0], rounds)
    check_secrets(tally, program)
    check_silence(tally, program)
    check_budget(tally, program)
    more = f", {tally.skipped} skipped (tshark, capinfos, faketime or unshare is missing)" if tally.skipped else ""
    print(f"evidence: {tally.passed} passed, {tally.failed} failed{more}")
    return tally.failed > 0


if __name__ == "__main__":
    sys.exit(main())
