"""Connections: the segments of one TCP connection with its two directions, and edits of what they say.

An edit of a direction's octets changes their number: every later sequence number of that direction, and every later
acknowledgement and SACK block of the other, moves along (RFC 9293 3.4, RFC 2018). Offsets count from the first
payload octet of a direction."""
import struct

import segment
from segment import ACK, FIN, MASK, PSH, RST, SYN

C2S, S2C = 0, 1
SIDES = {"C": C2S, "S": S2C}
MAIL_PORTS = (25, 465, 587, 2525)


def connections(packets):
    """(connections, others): every TCP connection in order of its first packet, and the packets that belong to none.
    A SYN of another sequence number on the same addresses and ports begins a new connection."""
    open_now, done, others = {}, [], []
    for packet in packets:
        seg = segment.parse(packet)
        if seg is None:
            others.append(packet)
            continue
        conn = open_now.get(seg.key)
        if conn is None or conn.replaced_by(seg):
            conn = open_now[seg.key] = Connection(seg)
            done.append(conn)
        conn.segs.append(seg)
    for conn in done:
        conn.settle()
    return done, others


class Connection:
    """segs in capture order; client is the (address, port) that opened it; base[side] the sequence number of offset 0."""

    def __init__(self, first):
        self.segs, self.base, self.fought = [], [None, None], None
        answers = first.flags & SYN and first.flags & ACK or first.src[1] in MAIL_PORTS and not first.flags & SYN
        self.client, self.server = (first.dst, first.src) if answers else (first.src, first.dst)
        self.opened_by = first.seq if first.flags & SYN and not first.flags & ACK else None

    def replaced_by(self, seg):
        return (seg.flags & SYN and not seg.flags & ACK and seg.src == self.client
                and self.opened_by is not None and seg.seq != self.opened_by)

    def settle(self):
        """Finds where each direction begins."""
        for seg in self.segs:
            side = self.side(seg)
            if seg.flags & SYN:
                self.base[side] = (seg.seq + 1) & MASK
            elif self.base[side] is None and not seg.flags & RST:
                self.base[side] = seg.seq
            if self.base[1 - side] is None and seg.flags & ACK and not seg.flags & SYN:
                self.base[1 - side] = seg.ack
        for seg in self.segs:  # who said nothing but RST
            if self.base[self.side(seg)] is None:
                self.base[self.side(seg)] = seg.seq

    def with_segs(self, segs):
        other = Connection.__new__(Connection)
        other.segs, other.base = segs, list(self.base)
        other.client, other.server, other.opened_by = self.client, self.server, self.opened_by
        other.fought = self.contested()
        return other

    def readdressed(self, port):
        """The same connection from another client port."""
        client = (self.client[0], port)
        other = self.with_segs([s.copy(src=client) if s.src == self.client else s.copy(dst=client) for s in self.segs])
        other.client = client
        return other

    def is_mail(self):
        return self.server[1] in MAIL_PORTS or self.client[1] in MAIL_PORTS

    def closed(self):
        """Its end was seen."""
        fins = {self.side(s) for s in self.segs if s.flags & FIN}
        return len(fins) == 2 or any(s.flags & RST for s in self.segs)

    def side(self, seg):
        return C2S if seg.src == self.client else S2C

    def offset(self, seg):
        """Where its payload begins; negative for a keep-alive probe in front of the stream."""
        return signed(seg.data_seq - self.base[self.side(seg)])

    def ack_offset(self, seg):
        return signed(seg.ack - self.base[1 - self.side(seg)])

    def stream(self, side):
        """What side said: first arrival wins; ends at the first hole."""
        out = bytearray()
        for seg in sorted((s for s in self.segs if self.side(s) == side and s.payload), key=self.offset):
            at = self.offset(seg)
            if at > len(out):
                break
            if at >= 0:
                out += seg.payload[len(out) - at:]
        return bytes(out)

    def contested(self):
        """(side, start, end) of the octets of which the capture holds two versions. A single octet may be a keep-alive."""
        if self.fought is None:
            self.fought, known = [], [{}, {}]
            for seg in self.segs:
                side, at = self.side(seg), self.offset(seg)
                for i, octet in enumerate(seg.payload if len(seg.payload) > 1 else b"", at):
                    if known[side].setdefault(i, octet) != octet:
                        self.fought.append((side, i, i + 1))
        return self.fought

    def find(self, side, pattern, which=0):
        """(start, end) of a pattern (octets) in what side said."""
        stream, at = self.stream(side), -1
        for _ in range(which + 1):
            at = stream.find(pattern, at + 1)
            if at < 0:
                raise ValueError(f"{pattern!r} is not in what {'CS'[side]} says")
        return at, at + len(pattern)

    def index(self, side, offset):
        """Number of the first segment that carries the octet at offset."""
        for i, seg in enumerate(self.segs):
            if self.side(seg) == side and self.offset(seg) <= offset < self.offset(seg) + len(seg.payload):
                return i
        raise ValueError(f"no segment of {'CS'[side]} carries octet {offset}")

    def last(self, side, before):
        """The newest segment of side in front of number before (no RST), to take its habits from."""
        for seg in reversed(self.segs[:before]):
            if self.side(seg) == side and not seg.flags & RST:
                return seg
        raise ValueError(f"{'CS'[side]} has not sent anything yet")

    def sent(self, side, before):
        """How many octets side has sent in front of segment number before (its FIN counts as one)."""
        ends = [self.offset(s) + len(s.payload) + bool(s.flags & FIN) for s in self.segs[:before] if self.side(s) == side]
        return max([0] + ends)

    def splice(self, side, start, end, new):
        """Octets start to end of side become new; everything behind moves."""
        if start == end and not any(self.side(s) == side and s.payload and self.offset(s) <= start
                                    < self.offset(s) + len(s.payload) for s in self.segs):
            raise ValueError("nothing to insert in front of; add a segment instead")
        def moved(at):
            return at if at <= start else start + len(new) + at - end if at >= end else min(at, start + len(new))
        for seg in self.segs:
            if self.side(seg) == side:
                at = self.offset(seg)
                if seg.payload:
                    seg.payload = _spliced(seg.payload, at, start, end, new, moved)
                seg.seq = (seg.seq + moved(at) - at) & MASK
            elif seg.flags & ACK:
                at = self.ack_offset(seg)
                seg.ack = (seg.ack + moved(at) - at) & MASK
                seg.options = map_sack(seg.options, self.base[side], moved)

    def make(self, side, before, payload=b"", flags=ACK | PSH, at=None):
        """A segment of side as it would be sent in front of segment number before: next in sequence (or at an offset),
        acknowledging all that was seen from the other side."""
        like = self.last(side, before)
        seg = like.copy(payload=payload, flags=flags, ipid=(like.ipid + 1) & 0xffff if like.ipid else 0)
        seg.seq = (self.base[side] + (self.sent(side, before) if at is None else at)) & MASK
        seg.ack = (self.base[1 - side] + self.sent(1 - side, before)) & MASK if flags & ACK else 0
        seg.options = timestamps_only(like.options)
        return seg


def _spliced(payload, at, start, end, new, moved):
    size = len(payload)
    if at + size <= start or (at >= end and at != start) or (at >= end and start != end):
        return payload
    head = payload[:max(0, start - at)]
    tail = payload[end - at:] if at + size > end else b""
    first = moved(max(at, start)) - start
    last = len(new) if at + size >= end else moved(at + size) - start
    return head + new[first:last] + tail


def signed(n):
    """A difference of sequence numbers as a number with a sign."""
    n &= MASK
    return n - (1 << 32) if n >> 31 else n


def options_of(options):
    """(kind, value) of each TCP option; NOP as (1, b"")."""
    at = 0
    while at < len(options):
        kind = options[at]
        if kind == 0:
            return
        if kind == 1:
            yield 1, b""
            at += 1
            continue
        size = options[at + 1] if at + 1 < len(options) else 0
        if size < 2 or at + size > len(options):
            return
        yield kind, options[at + 2:at + size]
        at += size


def options_join(options):
    out = b"".join(b"\x01" if kind == 1 else bytes((kind, len(value) + 2)) + value for kind, value in options)
    return out + b"\0" * (-len(out) % 4)


def map_sack(options, base, moved):
    """SACK blocks (RFC 2018), each end moved; base is the sequence number of offset 0."""
    if b"\x05" not in options:
        return options
    def shift(value):
        numbers = struct.unpack(f"!{len(value) // 4}I", value)
        return struct.pack(f"!{len(numbers)}I", *((base + moved(signed(n - base))) & MASK for n in numbers))
    return options_join([(kind, shift(value) if kind == 5 else value) for kind, value in options_of(options)])


def timestamps_only(options):
    """Of a segment's options what every later segment repeats: the timestamps (RFC 7323)."""
    stamps = [value for kind, value in options_of(options) if kind == 8]
    return options_join([(1, b""), (1, b""), (8, stamps[0])]) if stamps else b""


def ticked(options, milliseconds):
    """The options with the sender's timestamp clock further by so much (a clock of 1000 Hz, as recorded)."""
    out = []
    for kind, value in options_of(options):
        if kind == 8:
            value = struct.pack("!I", struct.unpack_from("!I", value)[0] + milliseconds & MASK) + value[4:]
        out.append((kind, value))
    return options_join(out)
