"""What changes a whole capture: its format and its clock, other traffic in it, lost packets, another IP version.

Each takes a capture (packets, its mail connections, all other packets) and the path to write to, and gives the path written
or None where this capture cannot be written so. FILES says of each what may differ then; losses gives every loss."""
import random

import capfile
import flow
from segment import ACK, RST, SYN, packets_of

GUEST_PORT = 7  # client port of the sessions that are not the capture's own


def write_sorted(path, packets):
    capfile.write(path, sorted(packets, key=lambda p: p.time))
    return path


def shifted(seconds):
    def run(capture, path):
        if capture.packets[0].time < 3600 * 10**9:  # a clock that began at 0
            return None
        capfile.write(path, [capfile.Packet(p.time + seconds * 10**9, p.link, p.data, p.wire) for p in capture.packets])
        return path
    return run


def written(form, order, nano, suffix=""):
    def run(capture, path):
        if form == "pcap" and len({p.link for p in capture.packets}) > 1:
            return None
        capfile.write(path + suffix, capture.packets, form, order, nano)
        return path + suffix
    return run


def with_noise(capture, path):
    """Unanswered SYNs, closed ports, bare ACKs of unknown connections, and frames that are no IP, in between."""
    if not capture.mail:
        return None
    rng, noise = random.Random(capture.name), []
    for n in range(30):
        conn = rng.choice(capture.mail)
        like = rng.choice(conn.segs)
        client = (conn.client[0], 20000 + n)
        syn = like.copy(src=client, dst=conn.server, seq=rng.getrandbits(32), ack=0, flags=SYN, payload=b"")
        reset = like.copy(src=conn.server, dst=client, seq=0, ack=syn.end, flags=RST | ACK, payload=b"")
        bare = syn.copy(flags=ACK, ack=rng.getrandbits(32))
        noise += ([syn], [syn, reset], [bare])[n % 3]
    junk = [capfile.Packet(p.time, p.link, rng.randbytes(rng.randint(0, 80))) for p in rng.choices(capture.packets, k=20)]
    return write_sorted(path, capture.packets + packets_of(noise) + junk)


def interleaved(capture, path):
    """The mail of another capture at the same time, without its DNS."""
    if not capture.mail or not capture.other:
        return None
    guests = [c for c in flow.connections(capfile.read(capture.other))[0] if c.is_mail()][:1]
    if not guests:
        return None
    later = capture.mail[0].segs[0].time - guests[0].segs[0].time
    segs = [s.copy(time=s.time + later) for s in guests[0].readdressed(GUEST_PORT).segs]
    return write_sorted(path, capture.packets + packets_of(segs))


def other_ip_version(capture, path):
    """IPv4 as IPv6 and the other way round; the DNS stays, nobody asks it. A site's own networks would change with it."""
    if not capture.mail or "-c" in capture.options:
        return None
    packets = list(capture.rest)
    for conn in capture.mail:
        packets += packets_of([_other_version(s) for s in conn.segs])
    return write_sorted(path, packets)


def _other_version(seg):
    def mapped(end):
        address = bytes.fromhex("20010db8000000000000ffff") + end[0] if seg.v == 4 else b"\xc6\x12" + end[0][-2:]
        return address, end[1]
    # the raw link types (and the EtherType in front) follow the version
    prefix = seg.prefix
    old, new = (b"\x08\x00", b"\x86\xdd") if seg.v == 4 else (b"\x86\xdd", b"\x08\x00")
    if prefix[-2:] == old:
        prefix = prefix[:-2] + new
    return seg.copy(v=10 - seg.v, src=mapped(seg.src), dst=mapped(seg.dst), prefix=prefix, tos=0, ipid=0)


# name: (writer, options of both judging runs)
FILES = {
    "pcapng-ns": (written("pcapng", "<", True), ()),
    "pcapng-big-endian": (written("pcapng", ">", False), ()),
    "pcap-us": (written("pcap", "<", False), ()),
    "pcap-ns": (written("pcap", "<", True), ()),
    "pcap-us-big-endian": (written("pcap", ">", False), ()),
    "pcap-ns-big-endian-gz": (written("pcap", ">", True, ".gz"), ()),
    "half-a-minute-later": (shifted(30), ()),
    "a-second-earlier": (shifted(-1), ()),
    "noise": (with_noise, ()),
    "interleaved": (interleaved, ()),
    "other-ip-version": (other_ip_version, ("--dns", "off")),
}


def without(start, end):
    """The file without packets start to end, DNS or not."""
    def run(capture, path):
        capfile.write(path, capture.packets[:start] + capture.packets[end:])
        return path
    return run


def losses(count):
    """(name, writer): cut behind every packet, and without every packet."""
    for n in range(1, count):
        yield f"file-cut-{n}", without(n, count)
    for n in range(count):
        yield f"file-without-{n + 1}", without(n, n + 1)
