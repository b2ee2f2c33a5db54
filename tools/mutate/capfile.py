"""Capture files: pcap and pcapng, read into a list of packets and written from one.

Knows no protocol. pcap in either byte order with µs or ns; pcapng with section, interface and packet blocks (also
"simple" and obsolete ones), one clock per interface; gzip by its name. Times are nanoseconds since 1970."""
import gzip
import struct

PCAP_MAGIC = {b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
              b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1)}
SNAPLEN = 262144


class Packet:
    """One frame: when (ns), which link type, the captured octets, and how long it was on the wire."""
    __slots__ = ("time", "link", "data", "wire")

    def __init__(self, time, link, data, wire=None):
        self.time, self.link, self.data = time, link, data
        self.wire = len(data) if wire is None else wire

    def cut(self):
        """The capture did not keep all of it."""
        return self.wire > len(self.data)


def read(path):
    """All packets of a capture file, in file order."""
    with open(path, "rb") as f:
        data = f.read()
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    if data[:4] in PCAP_MAGIC:
        return list(_pcap_packets(data))
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        return list(_pcapng_packets(data))
    raise ValueError(f"{path}: neither pcap nor pcapng")


def _pcap_packets(data):
    order, tick = PCAP_MAGIC[data[:4]]
    link = struct.unpack_from(order + "I", data, 20)[0] & 0xffff
    at = 24
    while at + 16 <= len(data):
        sec, frac, size, wire = struct.unpack_from(order + "4I", data, at)
        yield Packet(sec * 10**9 + frac * tick, link, data[at + 16:at + 16 + size], wire)
        at += 16 + size


def _pcapng_packets(data):
    order, at, interfaces = "<", 0, []
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8:at + 12] == b"\x4d\x3c\x2b\x1a" else ">"
            interfaces = []
        kind, size = struct.unpack_from(order + "II", data, at)
        if size < 12 or at + size > len(data):
            return
        body = data[at + 8:at + size - 4]
        if kind == 1:
            interfaces.append(_interface(order, body))
        elif kind in (2, 6):
            yield _packet_block(order, body, interfaces, kind == 2)
        elif kind == 3:
            wire = struct.unpack_from(order + "I", body)[0]
            yield Packet(0, interfaces[0][0], body[4:4 + min(wire, interfaces[0][2])], wire)
        at += size


def _interface(order, body):
    """(link type, ticks per second, snaplen) of an interface block."""
    link, _, snaplen = struct.unpack_from(order + "HHI", body)
    ticks, at = 10**6, 8
    while at + 4 <= len(body):
        code, size = struct.unpack_from(order + "HH", body, at)
        if code == 0:
            break
        if code == 9 and size == 1:
            value = body[at + 4]
            ticks = 2 ** (value & 127) if value & 128 else 10 ** value
        at += 4 + (size + 3) // 4 * 4
    return link, ticks, snaplen or SNAPLEN


def _packet_block(order, body, interfaces, obsolete):
    number = struct.unpack_from(order + ("H" if obsolete else "I"), body)[0]
    high, low, size, wire = struct.unpack_from(order + "4I", body, 4)
    link, ticks, _ = interfaces[number]
    return Packet(((high << 32) | low) * 10**9 // ticks, link, body[20:20 + size], wire)


def write(path, packets, form="pcapng", order="<", nano=None):
    """Writes packets as form "pcap" (all of one link type) or "pcapng". order is the byte order.
    nano: ns resolution; by default where a packet's time needs it."""
    if nano is None:
        nano = any(p.time % 1000 for p in packets)
    make = _pcap if form == "pcap" else _pcapng
    data = make(packets, order, nano)
    with (gzip.open(path, "wb") if path.endswith(".gz") else open(path, "wb")) as f:
        f.write(data)


def _pcap(packets, order, nano):
    links = {p.link for p in packets}
    if len(links) > 1:
        raise ValueError("a pcap file has one link type")
    magic = 0xa1b23c4d if nano else 0xa1b2c3d4
    out = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, SNAPLEN, links.pop() if links else 1)]
    tick = 1 if nano else 1000
    for p in packets:
        out.append(struct.pack(order + "4I", p.time // 10**9, p.time % 10**9 // tick, len(p.data), p.wire))
        out.append(p.data)
    return b"".join(out)


def _block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    size = len(body) + 12
    return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)


def _pcapng(packets, order, nano):
    links = sorted({p.link for p in packets})
    out = [_block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))]
    resolution = struct.pack(order + "HHB3xHH", 9, 1, 9 if nano else 6, 0, 0)
    for link in links:
        out.append(_block(order, 1, struct.pack(order + "HHI", link, 0, SNAPLEN) + resolution))
    for p in packets:
        ticks = p.time if nano else p.time // 1000
        head = struct.pack(order + "5I", links.index(p.link), ticks >> 32, ticks & 0xffffffff, len(p.data), p.wire)
        out.append(_block(order, 6, head + p.data))
    return b"".join(out)
