#!/usr/bin/env python3
"""MTA-STS from end to end: what the DNS on the link says of a cached policy, what becomes of it in findings and evidence, and the RFC 8460
word of every finding (tlsrpt.tsv).

usage: sts.py MXWITNESS
DNS messages about _mta-sts are put in front of the session of a capture. None of them ends a promise: each run is held against the one
without them."""
import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PCAPS = os.path.join(HERE, "pcaps")
ANCHOR = os.path.join(PCAPS, "root.anchor")
sys.path.insert(0, os.path.join(HERE, "..", "tools", "mutate"))
import capfile  # noqa: E402
import flow  # noqa: E402

SECOND = 1_000_000_000
ID = "20261124T060000"  # of the policies under pcaps/
NOERROR, NXDOMAIN = 0, 3


def name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def message(number, rcode, records, question):
    head = struct.pack(">HHHHHH", number, 0x8180 | rcode if not question else 0x0100, 1, 0 if question else len(records), 0, 0)
    out = head + name("_mta-sts.charlie.net") + struct.pack(">HH", 16, 1)
    for text in [] if question else records:
        out += b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 300, len(text) + 1) + bytes([len(text)]) + text.encode()
    return out


def total(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def datagram(src, dst, sport, dport, payload):
    udp = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload
    pseudo = src + dst + struct.pack(">BBH", 0, 17, len(udp))
    udp = udp[:6] + struct.pack(">H", total(pseudo + udp) or 0xffff) + udp[8:]
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0, src, dst)
    ip = ip[:10] + struct.pack(">H", total(ip)) + ip[12:]
    return b"\x02" * 12 + b"\x08\x00" + ip + udp


def with_dns(capture, answers, out):
    """answers: (seconds before the session, rcode, records), each with its question."""
    packets = capfile.read(os.path.join(PCAPS, capture + ".pcapng"))
    start = min(s.time for c in flow.connections(packets)[0] if c.is_mail() for s in c.segs)
    client, resolver = bytes([192, 0, 2, 77]), bytes([192, 0, 2, 53])
    for i, (before, rcode, records) in enumerate(answers):
        at = start - int(before * SECOND)
        port = 40000 + i
        for delay, octets in ((0, datagram(client, resolver, port, 53, message(i + 7, 0, [], True))),
                              (2_000_000, datagram(resolver, client, 53, port, message(i + 7, rcode, records, False)))):
            packets.append(capfile.Packet(at + delay, 1, octets, len(octets)))
    capfile.write(out, sorted(packets, key=lambda p: p.time))


def read(program, config, capture, more=()):
    done = subprocess.run([program, "read", "--format", "ndjson", "--trust-anchor", ANCHOR, "-c", os.path.join(PCAPS, config + ".yaml"), *more, capture],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    events = [json.loads(line) for line in done.stdout.decode().splitlines()]
    kinds = [[e for e in events if e["event"]["dataset"] == "mxwitness." + k] for k in ("session", "alert")]
    return kinds[0], kinds[1], done.stderr.decode()


def findings(session):
    return {(f["id"], f.get("variant")): (f["level"], f["certainty"]) for f in session["mxwitness"].get("finding", [])}


RECORD = "v=STSv1; id=%s;"
# capture, config, answers on the link, sts.txt, sts.txt_link, what findings it adds, and which it makes less certain
CASES = [
    ("the same id", "mut-sts-host", "sts-enforce", [(5, NOERROR, [RECORD % ID])], "same", None, {}, None),
    ("another id", "mut-sts-host", "sts-enforce", [(5, NOERROR, [RECORD % "20261125"])], "other", None, {}, ("sts-violation", "host")),
    ("another id, in clear", "mut-sts-stripped", "sts-enforce", [(5, NOERROR, [RECORD % "20261125"])], "other", None, {}, ("sts-violation", "tls")),
    ("another id, and all is well", "mut-sts-valid", "sts-enforce", [(5, NOERROR, [RECORD % "20261125"])], "other", None, {}, None),
    ("the name is gone", "mut-sts-stripped", "sts-enforce", [(5, NXDOMAIN, [])], "nxdomain", None, {("sts-withdrawn", "txt-removed"): "informational"}, None),
    ("the record is gone", "mut-sts-valid", "sts-enforce", [(5, NOERROR, ["v=spf1 -all"])], "absent", None, {("sts-withdrawn", "txt-removed"): "informational"}, None),
    ("two records", "mut-sts-stripped", "sts-enforce", [(5, NOERROR, [RECORD % ID, RECORD % "2"])], "invalid", None, {}, None),
    ("denied to one, there for another", "mut-sts-stripped", "sts-enforce", [(50, NXDOMAIN, []), (5, NOERROR, [RECORD % ID])], "same", "nxdomain",
     {("sts-withdrawn", "suppressed"): "informational"}, None),
    ("denied after it", "mut-sts-testing", "sts-testing", [(50, NOERROR, [RECORD % ID]), (5, NXDOMAIN, [])], "nxdomain", None, {}, None),
    ("later than the session", "mut-sts-host", "sts-enforce", [(-3600, NOERROR, [RECORD % "20261125"])], None, None, {}, None),
    ("of a policy that ended", "mut-sts-stripped-ended", "sts-ended", [(5, NXDOMAIN, [])], None, None, {}, None),
]


def check_case(check, program, case, folder):
    what, capture, config, answers, txt, link, more, doubted = case
    path = os.path.join(folder, "x.pcapng")
    with_dns(capture, answers, path)
    evidence = os.path.join(folder, what.replace(" ", "-"))
    (plain,), _, _ = read(program, config, os.path.join(PCAPS, capture + ".pcapng"))
    sessions, alerts, errors = read(program, config, path, ["--evidence", evidence])
    check(len(sessions) == 1 and not errors, f"{what}: {len(sessions)} sessions {errors}")
    sts = sessions[0]["mxwitness"]["sts"]
    check((sts.get("txt"), sts.get("txt_link")) == (txt, link), f"{what}: txt {sts.get('txt')}, link {sts.get('txt_link')}")
    check(plain["mxwitness"]["expectation"] == sessions[0]["mxwitness"]["expectation"], f"{what}: another promise")
    want = findings(plain)
    for key, level in more.items():
        want[key] = (level, "indication")
    if doubted:
        check(want[doubted][1] == "strong", f"{what}: {doubted} is {want[doubted]} without it")
        want[doubted] = (want[doubted][0], "indication")
    check(findings(sessions[0]) == want, f"{what}: {findings(sessions[0])}, not {want}")
    for a in alerts:
        about = (a["rule"]["id"], a["mxwitness"].get("variant"))
        check(("less certain: the TXT record has another id" in a["event"]["reason"]) == (about == doubted), f"{what}, {about}: {a['event']['reason']}")
        e = a["mxwitness"]["evidence"]
        check(e.get("reproduced") is True, f"{what}, {about}: {e.get('why')}")
        done = subprocess.run([program, "verify", "--trust-anchor", ANCHOR, os.path.join(evidence, e["file"])], stdout=subprocess.PIPE, check=False)
        check(done.returncode == 0, f"{what}, {about}: {done.stdout}")


def check_policy_in_evidence(check, program, folder):
    """The policy of the file counts, and no other."""
    _, alerts, _ = read(program, "sts-enforce", os.path.join(PCAPS, "mut-sts-host.pcapng"), ["--evidence", folder])
    files = [a["mxwitness"]["evidence"]["file"] for a in alerts if a["rule"]["id"] == "sts-violation"]
    check(len(files) == 1, "one sts-violation")
    with open(os.path.join(folder, files[0]), "rb") as f:
        data = f.read()
    with open(os.path.join(PCAPS, "sts-enforce", "charlie.net.sts"), "rb") as f:
        check(b"mxwitness policy\n" + f.read() in data, "the policy is not in the evidence")
    for old, new, status in ((b"mode: enforce", b"mode: testing", 1), (b"STSv1\nmode", b"STSv3\nmode", 2), (b"domain: charlie", b"domain: delta00", 1)):
        path = os.path.join(folder, "changed")
        with open(path, "wb") as f:
            f.write(data.replace(old, new))
        done = subprocess.run([program, "verify", "--trust-anchor", ANCHOR, path], stdout=subprocess.PIPE, check=False)
        check(done.returncode == status and b": reproduced" not in done.stdout, f"{new}: {done.returncode} {done.stdout}")


def check_tlsrpt(check, program):
    """detections.md C.3, finding by finding: every rule has the word of its finding, or of its variant, or none."""
    table = {}
    with open(os.path.join(HERE, "tlsrpt.tsv"), encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                finding, word = line.rstrip("\n").split("\t")
                check(finding not in table, f"tlsrpt.tsv: {finding} stands there twice")
                table[finding] = "" if word == "-" else word
    done = subprocess.run([program, "rules", "list", "--format", "ndjson"], stdout=subprocess.PIPE, check=True)
    rules = 0
    for line in done.stdout.decode().splitlines():
        rule = json.loads(line)
        name = f"{rule['finding']}/{rule.get('variant') or ''}"
        want, have = table.get(name, table.get(rule["finding"], "")), rule.get("tlsrpt") or ""
        check(have == want, f"{rule['name']}: {name} has the result type \"{have}\", not \"{want}\"")
        rules += 1
    check(rules > 100, f"{rules} rules")


def main():
    program = os.path.abspath(sys.argv[1])
    passed = failed = 0

    def check(good, text):
        nonlocal passed, failed
        passed += bool(good)
        failed += not good
        if not good:
            print(text)

    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            check_case(check, program, case, folder)
    with tempfile.TemporaryDirectory() as folder:
        check_policy_in_evidence(check, program, folder)
    check_tlsrpt(check, program)
    print(f"sts: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
