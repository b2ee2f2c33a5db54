"""Frames and segments: a captured frame taken apart down to TCP, and put together again with right lengths and checksums.

Knows the link types, tags and IP headers of the captures that it starts from; what it does not understand stays a
frame as it was (Segment.parse gives None). RFC 791, 8200, 9293, 1071."""
import struct

import capfile

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MASK = 0xffffffff

ETHERNET, NULL, RAW, LOOP, SLL, IPV4, IPV6, SLL2 = 1, 0, 101, 108, 113, 228, 229, 276
RAW_LINKS = (12, 14, 101, 228, 229)
VLAN_TYPES = (0x8100, 0x88a8, 0x9100)


def link_split(link, data):
    """(prefix, IP packet): the link header with its tags, and what it carries; (data, None) if that is not IP."""
    at, kind = _link_header(link, data)
    while kind in VLAN_TYPES and at + 4 <= len(data):
        kind = struct.unpack_from("!H", data, at + 2)[0]
        at += 4
    if kind == 0x8864 and len(data) >= at + 8:  # PPPoE session
        kind = {0x21: 0x800, 0x57: 0x86dd}.get(struct.unpack_from("!H", data, at + 6)[0])
        at += 8
    if kind == "ip" and at < len(data):
        kind = {4: 0x800, 6: 0x86dd}.get(data[at] >> 4)
    return (data[:at], data[at:]) if kind in (0x800, 0x86dd) else (data, None)


def _link_header(link, data):
    if link == ETHERNET and len(data) >= 14:
        return 14, struct.unpack_from("!H", data, 12)[0]
    if link == SLL and len(data) >= 16:
        return 16, struct.unpack_from("!H", data, 14)[0]
    if link == SLL2 and len(data) >= 20:
        return 20, struct.unpack_from("!H", data, 0)[0]
    if link in (NULL, LOOP) and len(data) >= 4:
        return 4, "ip"
    return 0, "ip" if link in RAW_LINKS else None


def sum16(data, start=0):
    """One's complement sum of 16-bit words (RFC 1071), folded."""
    if len(data) % 2:
        data += b"\0"
    # 2^16 is 1 modulo 65535, so the whole string read as one number has the same sum
    total = (start + int.from_bytes(data, "big")) % 0xffff
    return total


def checksum(data, start=0):
    return 0xffff - sum16(data, start)


def pseudo(src, dst, proto, size):
    return src + dst + struct.pack("!II", size, proto)


def ip_build(v, src, dst, proto, payload, ttl=64, ipid=0, df=True, tos=0, fragment=0, options=b""):
    """An IPv4 or IPv6 packet. tos: that octet, or of IPv6 all behind the version (flow label). fragment: the raw IPv4 flags
    and offset field; 0 means what df says."""
    if v == 6:
        return struct.pack("!IHBB", 6 << 28 | tos, len(payload), proto, ttl) + src + dst + payload
    field = fragment or (0x4000 if df else 0)
    head = struct.pack("!BBHHHBBH", 0x45 + len(options) // 4, tos, 20 + len(options) + len(payload), ipid, field,
                       ttl, proto, 0) + src + dst + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


class Segment:
    """One TCP segment with its frame. src and dst are (address, port); seq and ack are raw 32-bit numbers.
    prefix is the link header with its tags. offload says how its checksums are written: "" right, "partial" or "zero" as on
    a host whose card computes them."""

    def copy(self, **changes):
        other = Segment()
        other.__dict__.update(self.__dict__)
        other.__dict__.update(changes)
        return other

    @property
    def key(self):
        """The connection, the same for both directions."""
        return (self.src, self.dst) if self.src < self.dst else (self.dst, self.src)

    def size(self):
        """Sequence numbers it takes up."""
        return len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)

    @property
    def end(self):
        return (self.seq + self.size()) & MASK

    @property
    def data_seq(self):
        """Sequence number of the first payload octet."""
        return (self.seq + bool(self.flags & SYN)) & MASK

    def tcp(self):
        head = struct.pack("!HHIIBBHHH", self.src[1], self.dst[1], self.seq, self.ack,
                           (5 + len(self.options) // 4) << 4, self.flags, self.window, 0, self.urgent)
        body = head + self.options + self.payload
        start = pseudo(self.src[0], self.dst[0], 6, len(body))
        if self.offload == "zero":
            value = 0
        elif self.offload == "partial":
            value = sum16(start)
        else:
            value = checksum(start + body)
        return body[:16] + struct.pack("!H", value) + body[18:]

    def ip(self):
        return ip_build(self.v, self.src[0], self.dst[0], 6, self.tcp(), self.ttl, self.ipid, self.df, self.tos)


def parse(packet):
    """The TCP segment in a packet, or None: not TCP, a fragment, cut by the capture, or malformed."""
    prefix, ip = link_split(packet.link, packet.data)
    if ip is None or packet.cut():
        return None
    seg = Segment()
    seg.time, seg.link, seg.prefix, seg.offload = packet.time, packet.link, prefix, ""
    tcp = _parse_ip(seg, ip)
    if tcp is None or len(tcp) < 20:
        return None
    head = (tcp[12] >> 4) * 4
    if head < 20 or head > len(tcp):
        return None
    sport, dport, seg.seq, seg.ack = struct.unpack_from("!HHII", tcp)
    seg.src, seg.dst = (seg.src, sport), (seg.dst, dport)
    seg.flags, seg.window, seg.urgent = tcp[13], *struct.unpack("!H2xH", tcp[14:20])
    seg.options, seg.payload = tcp[20:head], tcp[head:]
    return seg


def _parse_ip(seg, ip):
    """Fills the IP part of seg; gives the TCP header and payload, or None."""
    seg.v = ip[0] >> 4 if ip else 0
    if seg.v == 4 and len(ip) >= 20:
        head = (ip[0] & 15) * 4
        seg.tos, total, seg.ipid, fragment, seg.ttl, proto = struct.unpack_from("!xBHHHBB", ip)
        seg.src, seg.dst, seg.df = ip[12:16], ip[16:20], bool(fragment & 0x4000)
        total = total or len(ip)
        if head != 20 or fragment & 0x3fff or proto != 6 or total > len(ip):
            return None
        return ip[head:total]
    if seg.v == 6 and len(ip) >= 40:
        first, size, proto, seg.ttl = struct.unpack_from("!IHBB", ip)
        seg.tos, seg.ipid, seg.df = first & 0x0fffffff, 0, True
        seg.src, seg.dst = ip[8:24], ip[24:40]
        if proto != 6 or 40 + size > len(ip):
            return None
        return ip[40:40 + size]
    return None


def packets_of(segs, wrapping=None, rng=None):
    """Segments as packets, in the frame they came in or under another wrapping (see wrap.py)."""
    if wrapping is None:
        return [capfile.Packet(s.time, s.link, s.prefix + s.ip()) for s in segs]
    return [capfile.Packet(s.time, link, data) for s in segs for link, data in wrapping(s.ip(), rng)]
