#!/usr/bin/env python3
"""tools/mutate keeps its promises: what it reads it writes again, what it transforms says the same, what it edits adds up.

usage: mutate.py        works on the captures beside it; "N passed, N failed" last."""
import glob
import os
import random
import struct
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools", "mutate"))
import capfile  # noqa: E402
import edits  # noqa: E402
import flow  # noqa: E402
import segment  # noqa: E402
import transforms  # noqa: E402
import wrap  # noqa: E402

PCAPS = os.path.join(HERE, "pcaps")
CUTS_RECORDS = ("tls-records-9", "tls-records-200")  # they alone change what is said, by record headers


def mail_of(path):
    return [c for c in flow.connections(capfile.read(path))[0] if c.is_mail()]


def words_sum(data):
    """The sum of RFC 1071, word by word: another way than tools/mutate takes."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def sums_right(seg):
    ip, tcp = seg.ip(), seg.tcp()
    head = words_sum(ip[:20]) == 0xffff if seg.v == 4 else True
    pseudo = seg.src[0] + seg.dst[0] + struct.pack("!II", len(tcp), 6)
    return head and words_sum(pseudo + tcp) == 0xffff


def check_formats(path):
    """Written in any format and read again: the same packets."""
    packets = capfile.read(path)
    want = [(p.time, p.link, p.data, p.wire) for p in packets]
    with tempfile.TemporaryDirectory() as folder:
        for form, order, nano, suffix in (("pcap", "<", False, ""), ("pcap", ">", True, ".gz"), ("pcapng", ">", False, ""),
                                          ("pcapng", "<", True, ".gz")):
            name = os.path.join(folder, "x" + suffix)
            capfile.write(name, packets, form, order, nano)
            if [(p.time, p.link, p.data, p.wire) for p in capfile.read(name)] != want:
                yield f"{form} {order} {nano}: other packets"


def check_same_octets(path):
    """Segments taken apart and put together are the frames that they were."""
    for packet in capfile.read(path):
        seg = segment.parse(packet)
        if seg and seg.prefix + seg.ip() != packet.data:
            yield "a frame changed"


def check_transforms(path):
    """Both sides say the same, in order of time, with right checksums, and the same for the same seed."""
    for conn in mail_of(path):
        said = [conn.stream(side) for side in (flow.C2S, flow.S2C)]
        for name, (change, _) in transforms.SAME.items():
            segs = change(conn, random.Random(1))
            if segs != sorted(segs, key=lambda s: s.time):
                yield f"{name}: times run backwards"
            if not name.startswith("offload") and not all(sums_right(s) for s in segs):
                yield f"{name}: a wrong checksum"
            if [s.ip() for s in segs] != [s.ip() for s in change(conn, random.Random(1))]:
                yield f"{name}: not the same twice"
            if name not in CUTS_RECORDS and not conn.contested():
                yield from check_said(conn, name, segs, said)


def check_said(conn, name, segs, said):
    again = flow.Connection(segs[0])
    again.segs, again.client, again.server = segs[:len(segs) // 2] if name == "reused" and conn.closed() else segs, \
        conn.client, conn.server
    again.settle()
    if [again.stream(side) for side in (flow.C2S, flow.S2C)] != said:
        yield f"{name}: somebody says something else"


def check_wraps(path):
    """Under every wrapping that this tool can read again, the IP packet is what it was."""
    for conn in mail_of(path):
        ip = conn.segs[0].ip()
        for name, wrapping in wrap.WRAPS.items():
            frames = wrapping(ip, random.Random(1))
            if name.startswith(("fragments", "mpls", "pseudowire", "802.1br", "ip-options", "no-length")):
                continue
            link, data = frames[0]
            if wrap.unwrap(capfile.Packet(0, link, data)) != ip:
                yield f"{name}: another IP packet"


def check_splice(path):
    """Octets put in, taken out and replaced: both sides agree on where they are, and SACK blocks follow."""
    conn = mail_of(path)[0]
    want = bytearray(conn.stream(flow.S2C))
    before = [conn.ack_offset(s) - conn.sent(flow.S2C, i) for i, s in enumerate(conn.segs) if conn.side(s) == flow.C2S]
    edits.apply(conn, [{"do": "replace", "who": "S", "find": "250-PIPELINING\r\n", "with": ""},
                       {"do": "insert", "who": "S", "before": "250-SIZE", "octets": "250-ONE\r\n250-TWO\r\n"}])
    want = want.replace(b"250-PIPELINING\r\n", b"").replace(b"250-SIZE", b"250-ONE\r\n250-TWO\r\n250-SIZE")
    after = [conn.ack_offset(s) - conn.sent(flow.S2C, i) for i, s in enumerate(conn.segs) if conn.side(s) == flow.C2S]
    if conn.stream(flow.S2C) != want:
        yield "splice: other octets"
    if before != after:
        yield "splice: acknowledgements do not follow"


def check_sack(_path):
    block = flow.options_join([(1, b""), (1, b""), (5, struct.pack("!II", 150, 0xffffffff))])
    moved = flow.map_sack(block, 100, lambda at: at + 7 if at >= 20 else at)
    if dict(flow.options_of(moved))[5] != struct.pack("!II", 157, 0xffffffff):
        yield "a SACK block did not move"


CHECKS = (check_formats, check_same_octets, check_transforms, check_wraps)


def main():
    passed = failed = 0
    paths = sorted(glob.glob(os.path.join(PCAPS, "*.pcapng")))[::3]
    one = os.path.join(PCAPS, "insecure-tls12.pcapng")
    for check, path in [(c, p) for p in paths for c in CHECKS] + [(check_splice, one), (check_sack, one)]:
        problems = list(check(path))
        for p in problems:
            print(f"{os.path.basename(path)}: {p}")
        passed += not problems
        failed += bool(problems)
    print(f"mutate: {passed} passed, {failed} failed")
    return failed > 0 or not paths


if __name__ == "__main__":
    sys.exit(main())
