#!/usr/bin/env python3
"""The DNS of one capture for the sessions of another, and DNS on another port: each capture is cut in two, and judged.

usage: dns_from.py MXWITNESS
The mail alone lacks its proofs; with --dns-from they are there, and the verdict is that of the whole, though no session
of the other file is. With port 53 rewritten the site's dns_ports brings the same. A forged denial behind an answer about TLSA changes no verdict,
and is reported where records are published."""
import json
import os
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ANCHOR = os.path.join(HERE, "pcaps", "root.anchor")
NAMES = ["dane-match-tls12-ipv6", "strip-dane-clear-ipv6", "tlsa-wrong-digest", "no-tlsa-nsec3", "no-starttls-insecure-domain"]
OTHER_PORT = 5300


def blocks(path):
    """(head, packets): the blocks of a pcapng file before the first packet, and each packet block."""
    with open(path, "rb") as f:
        data = f.read()
    head, packets, at = b"", [], 0
    while at + 12 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 6:
            packets.append(data[at:at + size])
        elif not packets:
            head += data[at:at + size]
        at += size
    return head, packets


def transport(block):
    """Offset of the UDP or TCP header in a packet block, and its protocol; an Ethernet frame is taken for granted."""
    at = 28
    kind = struct.unpack_from(">H", block, at + 12)[0]
    if kind == 0x0800:
        return at + 14 + (block[at + 14] & 15) * 4, block[at + 14 + 9]
    return (at + 14 + 40, block[at + 14 + 6]) if kind == 0x86dd else (0, 0)


def is_dns(block):
    at, proto = transport(block)
    return proto in (6, 17) and 53 in struct.unpack_from(">HH", block, at)


def moved(block):
    if not is_dns(block):
        return block
    at = transport(block)[0]
    ports = [OTHER_PORT if p == 53 else p for p in struct.unpack_from(">HH", block, at)]
    return block[:at] + struct.pack(">HH", *ports) + block[at + 4:]


def forged(packets):
    """The packets, and behind the first UDP answer to a TLSA question a second one: NXDOMAIN, and nothing in it."""
    out = []
    for p in packets:
        out.append(p)
        at, proto = transport(p)
        if proto != 17 or not is_dns(p) or len(out) > len(packets):
            continue
        dns = at + 8
        name = p.find(b"\x04_tcp", dns)
        end = p.find(b"\0", name) if name > 0 else 0
        if end and p[dns + 2] & 0x80 and p[dns + 4:dns + 8] > b"\0\1\0\0" and p[end + 1:end + 3] == b"\0\x34":
            out.append(p[:dns + 3] + bytes([p[dns + 3] | 3]) + p[dns + 4:dns + 6] + bytes(6) + p[dns + 12:])
    return out


def judge(program, path, *extra):
    done = subprocess.run([program, "read", "--format", "ndjson", "--trust-anchor", ANCHOR, *extra, path],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [e["mxwitness"] for e in events if e["event"]["dataset"] == "mxwitness.session"]


def said(sessions):
    return [(s["dane"]["verdict"], s["dane"].get("dnssec"), s.get("expectation"), sorted(f["id"] for f in s.get("finding", [])))
            for s in sessions]


def problems(program, name, folder):
    head, packets = blocks(os.path.join(HERE, "pcaps", name + ".pcapng"))
    path = {}
    for part, chosen in (("whole", packets), ("mail", [p for p in packets if not is_dns(p)]), ("dns", [p for p in packets if is_dns(p)]),
                         ("moved", [moved(p) for p in packets]), ("forged", forged(packets))):
        path[part] = os.path.join(folder, f"{name}-{part}.pcapng")
        with open(path[part], "wb") as f:
            f.write(head + b"".join(chosen))
    config = os.path.join(folder, "ports.yaml")
    with open(config, "w") as f:
        f.write(f"dns_ports: [{OTHER_PORT}, 5353]\n")
    whole, mail = judge(program, path["whole"]), judge(program, path["mail"])
    both, moved_too = judge(program, path["mail"], "--dns-from", path["dns"]), judge(program, path["moved"], "-c", config)
    if not whole or {s["dane"]["verdict"] for s in mail} != {"incomplete"}:
        yield "the mail alone: " + str(said(mail))
    if said(both) != said(whole) or {s["dane"].get("source") for s in both} != {"file"}:
        yield "with --dns-from: " + str(said(both))
    if said(moved_too) != said(whole):
        yield "on another port: " + str(said(moved_too))
    if {s["dane"]["verdict"] for s in judge(program, path["moved"])} != {"incomplete"}:
        yield "on another port that nobody named"
    lied = judge(program, path["forged"])
    if [x[:3] for x in said(lied)] != [x[:3] for x in said(whole)]:
        yield "a forged denial changed " + str(said(lied))
    published = "tlsa" in whole[0]["dane"]
    if published != (lied[0].get("dns", {}).get("conflict", {}).get("kind") == "race") or \
            published != ("dns-answer-conflict" in {f["id"] for f in lied[0].get("finding", [])}):
        yield f"a forged denial, records published: {published}: " + str(lied[0].get("dns")) + str(said(lied))
    if judge(program, path["dns"], "--dns-from", path["mail"]):
        yield "sessions of the other file"


def main():
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            wrong = list(problems(sys.argv[1], name, folder))
            for text in wrong:
                print(f"{name}: {text}")
            passed, failed = passed + (not wrong), failed + bool(wrong)
    print(f"dns from: {passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
