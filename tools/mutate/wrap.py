"""Wrappings: the same IP packets under other link types, tags, tunnels and in fragments.

Each takes an IP packet (octets) and a random generator and gives frames as (link type, octets), mostly one.
IEEE 802.1Q, 802.1BR, RFC 2516 (PPPoE), 3032 (MPLS), 2784 (GRE), 7348 (VXLAN), 8926 (GENEVE), 2003 (IP in IP),
RFC 791 and 8200 (fragments); ERSPAN by its Internet-Draft (foschiano-erspan)."""
import struct

from segment import (ETHERNET, IPV4, IPV6, LOOP, NULL, RAW, SLL, SLL2, checksum, ip_build, link_split)

MACS = bytes.fromhex("020000000001" "020000000002")
SINGLE = bytes((192, 0, 2, 250)), bytes((192, 0, 2, 251))  # the ends of a tunnel


def version(ip):
    return ip[0] >> 4


def ether_type(ip):
    return b"\x08\x00" if version(ip) == 4 else b"\x86\xdd"


def ethernet(ip, tags=b""):
    return ETHERNET, MACS + tags + ether_type(ip) + ip


def vlan(number, tpid=0x8100):
    return struct.pack("!HH", tpid, number)


def tagged(*tags):
    """Ethernet with tags (type and TCI) in front of the EtherType."""
    def run(ip, _rng):
        return [ethernet(ip, b"".join(tags))]
    return run


def port_extender(ip, _rng):
    return [ethernet(ip, b"\x89\x3f" + bytes((0x00, 0x05, 0x10, 0x07, 0, 0)))]


def pppoe(tags=b""):
    def run(ip, _rng):
        kind = b"\x00\x21" if version(ip) == 4 else b"\x00\x57"
        head = struct.pack("!BBHH", 0x11, 0, 0x1234, len(ip) + 2)
        return [(ETHERNET, MACS + tags + b"\x88\x64" + head + kind + ip)]
    return run


def mpls(labels, pseudowire=False):
    def run(ip, _rng):
        stack = b"".join(struct.pack("!I", (1000 + i) << 12 | (i == labels - 1) << 8 | 64) for i in range(labels))
        inner = b"\0\0\0\0" + ethernet(ip)[1] if pseudowire else ip
        return [(ETHERNET, MACS + b"\x88\x47" + stack + inner)]
    return run


def cooked(ip, _rng):
    return [(SLL, struct.pack("!HHH8s", 0, 1, 6, MACS[:6]) + ether_type(ip) + ip)]


def cooked2(ip, _rng):
    return [(SLL2, ether_type(ip) + struct.pack("!HIHBB8s", 0, 3, 1, 0, 6, MACS[:6]) + ip)]


def raw(ip, _rng):
    return [(RAW, ip)]


def raw_one(ip, _rng):
    """The link types that carry one IP version."""
    return [(IPV4 if version(ip) == 4 else IPV6, ip)]


def null(order, six=30):
    def run(ip, _rng):
        return [(NULL, struct.pack(order + "I", 2 if version(ip) == 4 else six) + ip)]
    return run


def loop(ip, _rng):
    return [(LOOP, struct.pack("!I", 2 if version(ip) == 4 else 24) + ip)]


def trailer(ip, rng):
    """Octets behind the IP packet: padding of short frames, or a captured check sequence."""
    link, frame = ethernet(ip)
    return [(link, frame + rng.randbytes(rng.randint(1, 46)))]


def no_length(ip, _rng):
    """IPv4 with length 0, as a host shows that leaves segmentation to its card; the checksum is zero too."""
    return [ethernet(ip if version(ip) == 6 else ip[:2] + b"\0\0" + ip[4:10] + b"\0\0" + ip[12:])]


def jumbled_options(ip, _rng):
    """IPv4 with a header option (NOPs), IPv6 with a hop-by-hop and a destination options header of padding."""
    if version(ip) == 4:
        head = bytes((0x46,)) + ip[1:2] + struct.pack("!H", len(ip) + 4) + ip[4:10] + b"\0\0" + ip[12:20] + b"\1" * 4
        return [ethernet(head[:10] + struct.pack("!H", checksum(head)) + head[12:] + ip[20:])]
    extra = bytes((60, 0, 1, 4, 0, 0, 0, 0)) + bytes((ip[6], 0, 1, 4, 0, 0, 0, 0))
    return [ethernet(ip[:4] + struct.pack("!HB", len(ip) - 40 + len(extra), 0) + ip[7:40] + extra + ip[40:])]


class Fragments:
    """IP fragments of random sizes, in order or not. One object numbers all datagrams of a capture, so that no two at
    the same time have one identification (RFC 6864)."""

    def __init__(self):
        self.ident = 0

    def cut(self, shuffled):
        def run(ip, rng):
            self.ident += 1
            head = 20 if version(ip) == 4 else 40
            body = ip[head:]
            at, out = 0, []
            while at < len(body):
                size = min(len(body) - at, rng.choice((8, 16, 24, 64, 256, 1024)))
                out.append(self.one(ip, body[at:at + size], at, at + size < len(body)))
                at += size
            if shuffled:
                rng.shuffle(out)
            return [ethernet(x) for x in out]
        return run

    def one(self, ip, part, at, more):
        if version(ip) == 4:
            tos, ttl, proto = ip[1], ip[8], ip[9]
            return ip_build(4, ip[12:16], ip[16:20], proto, part, ttl, self.ident & 0xffff, False, tos,
                            at // 8 | (0x2000 if more else 0)) if more or at else ip
        head = struct.pack("!BBHI", ip[6], 0, at | more, self.ident)
        return ip_build(6, ip[8:24], ip[24:40], 44, head + part, ip[7], 0, True, struct.unpack("!I", ip[:4])[0] & 0xfffffff)


def _outer(proto, payload):
    return ethernet(ip_build(4, *SINGLE, proto, payload))


def gre(ip, _rng):
    return [_outer(47, b"\0\0" + ether_type(ip) + ip)]


def ip_in_ip(ip, _rng):
    return [_outer(4 if version(ip) == 4 else 41, ip)]


def _udp(port, payload):
    return _outer(17, struct.pack("!HHHH", 49152, port, 8 + len(payload), 0) + payload)


def vxlan(ip, _rng):
    return [_udp(4789, b"\x08\0\0\0" + b"\0\x12\x34\0" + ethernet(ip)[1])]


def geneve(ip, _rng):
    option = b"\x01\x02\x80\x01" + b"\0\0\0\0"
    return [_udp(6081, bytes((len(option) // 4, 0)) + b"\x65\x58" + b"\0\x12\x34\0" + option + ethernet(ip)[1])]


def erspan2(ip, rng):
    head = struct.pack("!HHI", 0x1000 | 100, 0x0001, 0)
    return [_outer(47, b"\x10\0\x88\xbe" + struct.pack("!I", rng.randrange(1 << 32)) + head + ethernet(ip)[1])]


def erspan3(ip, rng):
    head = struct.pack("!HHIHH", 0x2000 | 100, 0x0001, 0, 0, 0)
    return [_outer(47, b"\x10\0\x22\xeb" + struct.pack("!I", rng.randrange(1 << 32)) + head + ethernet(ip)[1])]


FRAGMENTS = Fragments()

WRAPS = {
    "ethernet": tagged(),
    "vlan": tagged(vlan(7)),
    "qinq": tagged(vlan(100, 0x88a8), vlan(7)),
    "qinq-9100": tagged(vlan(100, 0x9100), vlan(7)),
    "three-tags": tagged(vlan(100, 0x88a8), vlan(9), vlan(7)),
    "802.1br": port_extender,
    "pppoe": pppoe(),
    "pppoe-in-qinq": pppoe(vlan(100, 0x88a8) + vlan(7)),
    "mpls": mpls(1),
    "mpls-3": mpls(3),
    "pseudowire": mpls(2, True),
    "sll": cooked,
    "sll2": cooked2,
    "raw": raw,
    "raw-one-version": raw_one,
    "null-le": null("<"),
    "null-be": null(">", 28),
    "loop": loop,
    "trailer": trailer,
    "no-length": no_length,
    "ip-options": jumbled_options,
    "fragments": FRAGMENTS.cut(False),
    "fragments-shuffled": FRAGMENTS.cut(True),
}

TUNNELS = {
    "gre": gre,
    "ip-in-ip": ip_in_ip,
    "vxlan": vxlan,
    "geneve": geneve,
    "erspan-2": erspan2,
    "erspan-3": erspan3,
}


def unwrap(packet):
    """The IP packet in a frame without its padding, or None."""
    ip = link_split(packet.link, packet.data)[1]
    if not ip or packet.cut():
        return None
    if version(ip) == 4 and len(ip) >= 20:
        total = struct.unpack_from("!H", ip, 2)[0]
        return ip[:total] if 20 <= total <= len(ip) else None if total else ip
    return ip[:40 + struct.unpack_from("!H", ip, 4)[0]] if version(ip) == 6 and len(ip) >= 40 else None
