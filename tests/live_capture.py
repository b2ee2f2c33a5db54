#!/usr/bin/env python3
"""live_capture.py LIVE_LOOP: captures replayed onto interfaces are read as the files are.

Two ends of a veth pair in a network namespace: tcpreplay(1) on one, source_live and the pipeline on the other (see
bench/live_loop.c). Sessions, their octets and packets must be those of the files. Needs root, ip(8), tcpreplay(1),
tcprewrite(1), tcpprep(1); skipped without.
"""
import os, shutil, struct, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
NS = f"mxwcap{os.getpid()}"
LOOP = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
MAIL = (25, 465, 587, 2525)


def run(*args, **kw):
    return subprocess.run(args, check=True, capture_output=True, text=True, **kw).stdout


def inside(*args):
    return ("ip", "netns", "exec", NS) + args


# ---- captures: read, lengthened, written, as classic pcap ----

def read_pcap(path):
    """(seconds, nanoseconds, octets) of each packet of an Ethernet capture; [] if it is another link."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as plain:
        run("editcap", "-F", "nsecpcap", path, plain.name)
        data = open(plain.name, "rb").read()
    if struct.unpack_from("<I", data, 20)[0] != 1:
        return []
    packets, at = [], 24
    while at + 16 <= len(data):
        s, ns, n, _ = struct.unpack_from("<IIII", data, at)
        packets.append((s, ns, data[at + 16:at + 16 + n]))
        at += 16 + n
    return packets


def write_pcap(path, packets):
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, 1))
        for s, ns, p in packets:
            f.write(struct.pack("<IIII", s, ns, len(p), len(p)) + p)


def tcp_at(p):
    """Offset of the TCP header of plain TCP over IPv4, or None."""
    if p[12:14] != b"\x08\x00" or p[23] != 6 or struct.unpack_from(">H", p, 20)[0] & 0x3fff:
        return None
    return 14 + (p[14] & 15) * 4


def ends(packets):
    """The connections in packets, by their ends."""
    found = set()
    for _, _, p in packets:
        t = tcp_at(p)
        if t is not None:
            found.add(frozenset(((p[26:30], p[t:t + 2]), (p[30:34], p[t + 2:t + 4]))))
        elif p[12:14] == b"\x86\xdd" and p[20] == 6:
            found.add(frozenset(((p[22:38], p[54:56]), (p[38:54], p[56:58]))))
    return found


def bulk(packets, flows, added):
    """The first TLS session to a mail port, added packets longer, as so many flows, interleaved by packet."""
    plain = [(i, p, tcp_at(p)) for i, (_, _, p) in enumerate(packets) if tcp_at(p) is not None]
    last, mail = None, None
    for i, p, t in plain:
        sport, dport = struct.unpack_from(">HH", p, t)
        body = p[t + (p[t + 12] >> 4) * 4:14 + struct.unpack_from(">H", p, 16)[0]]
        if dport in MAIL and body[:1] == b"\x17" and mail in (None, sport):
            last, mail, behind = i, sport, struct.unpack_from(">I", p, t + 4)[0] + len(body)
    out = []
    record = b"\x17\x03\x03" + struct.pack(">H", 1395) + bytes(1395)
    for i, p, t in plain:
        sport, dport, seq, ack = struct.unpack_from(">HHII", p, t)
        if mail not in (sport, dport):
            continue
        q = bytearray(p)
        if i > last:
            struct.pack_into(">I", q, t + (4 if sport == mail else 8), (seq if sport == mail else ack) + 1400 * added & 0xffffffff)
        out.append((bytes(q), t, sport == mail))
        if i == last:
            head = t + (p[t + 12] >> 4) * 4
            for k in range(added):
                q = bytearray(p[:head])
                struct.pack_into(">H", q, 16, head - 14 + 1400)
                struct.pack_into(">I", q, t + 4, behind + 1400 * k & 0xffffffff)
                out.append((bytes(q) + record, t, True))
    made = []
    for k, (p, t, client) in enumerate(out):
        for flow in range(flows):
            q = bytearray(p)
            struct.pack_into(">H", q, t + (0 if client else 2), 20000 + flow)
            q[29 if client else 33] = flow % 200 + 1
            made.append((k, flow * 1000, bytes(q)))
    return made


# ---- one run ----

def sessions(text):
    return sorted(line for line in text.splitlines() if line.startswith("session"))


def total(text):
    words = [line for line in text.splitlines() if line.startswith("total")][-1].split()
    return {words[i]: int(words[i + 1]) for i in range(1, len(words) - 1, 2)}


def workers(text):
    return [int(line.split()[3]) for line in text.splitlines() if line.startswith("worker")]


def watch(interfaces, replay, *args):
    loop = subprocess.Popen(inside(LOOP, "watch", interfaces, *args), stdout=subprocess.PIPE, text=True)
    assert loop.stdout.readline() == "ready\n"
    run(*inside(*replay))
    text = loop.communicate(timeout=60)[0]
    assert loop.returncode == 0
    return text


def replay(*files, more=("-i", "a1")):
    return ("tcpreplay", "-q", "--pps=15000", *more, *files)


passed = failed = 0


def check(what, ok, detail=""):
    global passed, failed
    passed, failed = passed + bool(ok), failed + (not ok)
    if not ok:
        print(f"FAILED {what}: {detail}")


def same(what, text, want):
    """text of live_loop watch shows what live_loop file has shown."""
    a, b = sessions(text), sessions(want)
    t, w = total(text), total(want)
    check(what, a == b and t["dropped"] == 0,
          f"{len(a)} sessions, {len(b)} in the files; {t}; first other: {next((x for x in zip(a, b) if x[0] != x[1]), None)}")
    if not t["left_out"]:
        check(what + ", packets", t["packets"] == w["packets"], f"{t['packets']}, {w['packets']} in the files")


def main():
    folder = os.path.join(HERE, "pcaps")
    with tempfile.TemporaryDirectory() as work:
        files, known = [], set()
        for name in sorted(os.listdir(folder)):
            packets = read_pcap(os.path.join(folder, name)) if name.endswith(".pcapng") else []
            # Variants of one recording, seconds apart, would be one connection.
            if packets and not ends(packets) & known:
                known |= ends(packets)
                files.append(os.path.join(work, name.replace(".pcapng", ".pcap")))
                write_pcap(files[-1], packets)
        want = run(LOOP, "file", *files)
        check("captures", len(sessions(want)) > 100, len(sessions(want)))
        same("one worker", watch("a0", replay(*files)), want)

        text = watch("a0", replay(*files), "2")
        same("two workers", text, want)
        check("both work", min(workers(text)) > 0, workers(text))

        tagged = [f + ".tagged" for f in files]
        for f in files:
            run("tcprewrite", "--enet-vlan=add", "--enet-vlan-tag=5", "--enet-vlan-cfi=0", "--enet-vlan-pri=0",
                "-i", f, "-o", f + ".tagged")
        want_tagged = run(LOOP, "file", *tagged)
        check("tags", sessions(want_tagged) == sessions(want), "tcprewrite made something else")
        same("tagged", watch("a0", replay(*tagged), "2"), want_tagged)

        # Two one-way taps of a link: what comes from a mail port on one, the rest on the other.
        one = [p for f in files for p in read_pcap(f)][:1500]
        both, cache = os.path.join(work, "both.pcap"), os.path.join(work, "both.cache")
        write_pcap(both, one)
        run("tcpprep", "-p", "-i", both, "-o", cache)
        want = run(LOOP, "file", both)
        text = watch("a0,b0", ("tcpreplay", "-q", "--pps=4000", "-i", "a1", "-I", "b1", "-c", cache, both))
        same("two taps", text, want)

        long = os.path.join(work, "long.pcap")
        write_pcap(long, bulk(read_pcap(os.path.join(work, "cert-valid.pcap")), 20, 400))
        want = run(LOOP, "file", long)
        check("bulk", len(sessions(want)) == 20, want)
        same("bulk, no shunt", watch("a0", replay(long)), want)
        text = watch("a0", replay(long), "1", "64", "65536")
        same("bulk, shunt", text, want)
        check("left out", total(text)["quiet"] == 20 and total(text)["left_out"] > 4000, total(text))
        check("all packets", total(text)["left_out"] + total(text)["packets"] == total(want)["packets"], total(text))
        text = watch("a0", replay(long), "2", "64", "65536")
        same("bulk, shunt, two workers", text, want)


if __name__ == "__main__":
    tools = ("ip", "tcpreplay", "tcprewrite", "tcpprep", "editcap")
    missing = [t for t in tools if not shutil.which(t)]
    if missing or os.geteuid() != 0 or not os.access(LOOP, os.X_OK):
        print(f"live capture: 0 passed, 0 failed, 1 skipped (needs root, live_loop, {', '.join(missing or tools)})")
        sys.exit(0)
    try:
        run("ip", "netns", "add", NS)
    except subprocess.CalledProcessError as e:
        print(f"live capture: 0 passed, 0 failed, 1 skipped ({e.stderr.strip()})")
        sys.exit(0)
    try:
        for pair in "ab":
            run(*inside("ip", "link", "add", pair + "0", "mtu", "65535", "type", "veth", "peer", "name", pair + "1", "mtu", "65535"))
            for end in "01":
                run(*inside("ip", "link", "set", pair + end, "up"))
        main()
    except subprocess.CalledProcessError as e:
        check(e.cmd, False, e.stderr[-500:])
    finally:
        subprocess.run(("ip", "netns", "del", NS))
    print(f"live capture: {passed} passed, {failed} failed")
    sys.exit(failed != 0)
