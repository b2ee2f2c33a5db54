"""Transforms: the same dialogue in other packets. Each takes a connection and a random generator, and gives new segments
in capture order with times that never run backwards. What both ends said stays, octet for octet; the tables at the end
say which transforms keep everything (SAME) and which lose packets (LOSS). Same seed, same packets."""
import struct

from flow import C2S, S2C, map_sack, options_join, options_of
from segment import ACK, FIN, MASK, PSH, RST, SYN

WINDOW_NS = 20 * 10**6  # reordering on real paths stays within milliseconds


def pieces(seg, sizes):
    """One segment as several: sizes of all pieces but the last. Flags that end something stand on the last one."""
    out, at = [], 0
    for size in [*sizes, len(seg.payload) - sum(sizes)]:
        last = at + size == len(seg.payload)
        flags = seg.flags if last else seg.flags & ~(FIN | PSH)
        if at:
            flags &= ~SYN
        out.append(seg.copy(seq=(seg.data_seq + at) & MASK if at else seg.seq, flags=flags,
                            payload=seg.payload[at:at + size]))
        at += size
    return out


def split_sizes(rng, total, most):
    sizes, left = [], total
    while left > 1:
        size = rng.randint(1, most)
        if size >= left:
            break
        sizes.append(size)
        left -= size
    return sizes


def resegment(most):
    """Every segment in pieces of 1 to most octets."""
    def run(conn, rng):
        out = []
        for seg in conn.segs:
            out += pieces(seg, split_sizes(rng, len(seg.payload), most)) if len(seg.payload) > 1 else [seg]
        return out
    return run


def octets(conn, _rng):
    """One octet a segment in what can be read: the first 600 octets of each direction."""
    out = []
    for seg in conn.segs:
        n = min(len(seg.payload) - 1, max(0, 600 - conn.offset(seg)))
        out += pieces(seg, [1] * n) if n > 0 else [seg]
    return out


def coalesce(conn, _rng):
    """Segments of one direction become one, as long as the other side says nothing in between (as a card with GRO shows)."""
    out, open_at = [], [None, None]
    for seg in conn.segs:
        side = conn.side(seg)
        at = open_at[side]
        if at is not None and seg.payload and _joins(out[at], seg):
            out[at] = out[at].copy(payload=out[at].payload + seg.payload, flags=out[at].flags | seg.flags, ack=seg.ack)
        else:
            out.append(seg)
            plain = seg.payload and not seg.flags & (SYN | FIN | RST)
            open_at[side] = len(out) - 1 if plain else None
        if seg.payload or seg.flags & (SYN | FIN | RST):
            open_at[1 - side] = None
    return out


def _joins(first, second):
    return (first.end == second.seq and not second.flags & (SYN | RST | FIN)
            and len(first.payload) + len(second.payload) < 60000)


def duplicate(conn, rng):
    """Exact copies, at once or some packets later."""
    out, waiting = [], []
    for seg in conn.segs:
        out.append(seg)
        out += [s.copy(time=seg.time) for due, s in waiting if due <= len(out)]
        waiting = [(due, s) for due, s in waiting if due > len(out)]
        if rng.random() < 0.6:
            waiting.append((len(out) + rng.choice((0, 0, 1, 2, 4)), seg))
    return out + [s.copy(time=out[-1].time) for _, s in waiting]


def duplicate_all(conn, _rng):
    """Each packet twice, as two taps on one path give it."""
    return [s for seg in conn.segs for s in (seg, seg.copy())]


def retransmit(conn, rng):
    """Octets that were sent before are sent again between other boundaries."""
    out, said = [], [conn.stream(C2S), conn.stream(S2C)]
    for seg in conn.segs:
        out.append(seg)
        side, end = conn.side(seg), conn.offset(seg) + len(seg.payload)
        if not seg.payload or seg.flags & (SYN | RST | FIN) or end > len(said[side]) or rng.random() < 0.3:
            continue
        start = max(0, end - rng.randint(1, 900))
        stop = rng.randint(start + 1, end)
        out.append(seg.copy(seq=(conn.base[side] + start) & MASK, payload=said[side][start:stop]))
    return out


def overlap(conn, rng):
    """Every segment begins a little before its own octets, with the octets that were there."""
    out, said = [], [conn.stream(C2S), conn.stream(S2C)]
    for seg in conn.segs:
        side, at = conn.side(seg), conn.offset(seg)
        if seg.payload and not seg.flags & (SYN | RST) and 0 < at <= len(said[side]):
            back = rng.randint(1, min(at, 200))
            seg = seg.copy(seq=(seg.seq - back) & MASK, payload=said[side][at - back:at] + seg.payload)
        out.append(seg)
    return out


def reorder(conn, rng, most=6, keep=SYN | FIN | RST):
    """Packets change places with near ones: at most so many places, and within one WINDOW_NS. The times stay in order.
    What begins or ends the connection keeps its place, and so do two versions of the same octets: which came first is
    what they say."""
    out, run, fought = [], [], conn.contested()
    for seg in conn.segs:
        fixed = seg.flags & keep or fought and in_ranges(conn, seg, fought)
        if run and (fixed or seg.time - run[0].time > WINDOW_NS):
            out += shuffled(run, rng, most)
            run = []
        if fixed:
            out.append(seg)
        else:
            run.append(seg)
    return out + shuffled(run, rng, most)


def in_ranges(conn, seg, ranges):
    side, at = conn.side(seg), conn.offset(seg)
    return any(side == s and at < end and start < at + len(seg.payload) for s, start, end in ranges)


def shuffled(segs, rng, most):
    """None is more than so many places away from where it was."""
    order = sorted(range(len(segs)), key=lambda i: i + rng.random() * most)
    return [segs[i].copy(time=place.time) for place, i in zip(segs, order)]


def reorder_ends(conn, rng):
    """As reorder, and FIN may change places too."""
    return reorder(conn, rng, 4, SYN | RST)


def swap_directions(conn, _rng):
    """Answers are captured before what they answer, as with two cards that are not in step."""
    out = list(conn.segs)
    i = 3
    while i + 1 < len(out):
        a, b = out[i], out[i + 1]
        if conn.side(a) != conn.side(b) and b.time - a.time < WINDOW_NS and not (a.flags | b.flags) & (SYN | FIN | RST):
            out[i], out[i + 1] = b.copy(time=a.time), a.copy(time=b.time)
            i += 1
        i += 1
    return out


def shift_sequence(conn, moves):
    """All numbers of both directions moved, SACK blocks too."""
    out = []
    for seg in conn.segs:
        side = conn.side(seg)
        ack = (seg.ack + moves[1 - side]) & MASK if seg.flags & ACK else seg.ack
        options = map_sack(seg.options, 0, lambda at, n=moves[1 - side]: at + n)
        out.append(seg.copy(seq=(seg.seq + moves[side]) & MASK, ack=ack, options=options))
    return out


def wrap(conn, rng):
    """Sequence numbers pass 2^32 inside what both say."""
    moves = []
    for side in (C2S, S2C):
        inside = rng.randint(0, max(1, min(len(conn.stream(side)), 600)))
        moves.append((-inside - (conn.base[side] or 0)) & MASK)
    return shift_sequence(conn, moves)


def offload(how, sides=(C2S, S2C)):
    """Checksums as a host shows them whose card computes them."""
    def run(conn, _rng):
        return [seg.copy(offload=how) if conn.side(seg) in sides else seg for seg in conn.segs]
    return run


def fast_open(conn, _rng):
    """The first octets of each side travel in its SYN (RFC 7413), where nothing was said in between."""
    out, syn, drop = [], {}, set()
    for i, seg in enumerate(conn.segs):
        side = conn.side(seg)
        if seg.flags & SYN:
            syn[side] = i
        elif seg.payload and side in syn:
            heard = (seg.ack - conn.base[1 - side]) & MASK  # nothing, although its cause may have been captured late
            if conn.offset(seg) == 0 and not conn.sent(1 - side, i) and heard == 0:
                drop.add(i)
            del syn[side]
            syn.pop(1 - side, None)
    for i, seg in enumerate(conn.segs):
        if i in drop:
            continue
        moved = [conn.segs[n] for n in drop if seg.flags & SYN and conn.side(conn.segs[n]) == conn.side(seg)]
        out.append(seg.copy(payload=moved[0].payload) if moved else seg)
    return out


def keepalive(conn, rng):
    """Probes one octet behind what was sent (RFC 9293 3.8.4), with an octet of rubbish or none, and their answers."""
    out = []
    for i, seg in enumerate(conn.segs):
        out.append(seg)
        if i >= 3 and not seg.flags & (SYN | FIN | RST) and rng.random() < 0.4 and not _ended(conn, i + 1):
            side = rng.choice((C2S, S2C))
            try:
                sent = conn.sent(side, i + 1)
                rubbish = (b"", b"\0") if 0 < sent <= len(conn.stream(side)) else (b"",)
                probe = conn.make(side, i + 1, rng.choice(rubbish), ACK, sent - 1)
                answer = conn.make(1 - side, i + 1, b"", ACK)
            except ValueError:
                continue
            out += [probe.copy(time=seg.time), answer.copy(time=seg.time)]
    return out


def _ended(conn, before):
    return any(s.flags & (FIN | RST) for s in conn.segs[:before])


def no_options(conn, _rng):
    """TCP options gone, as behind a scrubbing device."""
    return [seg.copy(options=b"") for seg in conn.segs]


def no_timestamps(conn, _rng):
    return [seg.copy(options=options_join([o for o in options_of(seg.options) if o[0] != 8])) for seg in conn.segs]


def late(conn, _rng):
    """The same packets a little later (DNS answers stay where they are)."""
    return [seg.copy(time=seg.time + 10**9) for seg in conn.segs]


def padded(conn, rng):
    """Acknowledgements without anything new between everything."""
    out = []
    for i, seg in enumerate(conn.segs):
        out.append(seg)
        if i >= 3 and seg.payload and not _ended(conn, i + 1):
            side = rng.choice((C2S, S2C))
            try:
                out.append(conn.make(side, i + 1, b"", ACK).copy(time=seg.time))
            except ValueError:
                continue
    return out


def tls_records(most):
    """Handshake messages that are not encrypted cut into TLS records of at most so many octets (RFC 8446 5.1)."""
    def run(conn, rng):
        conn = conn.with_segs([s.copy() for s in conn.segs])
        for side in (C2S, S2C):
            for at, size in reversed(handshake_records(conn.stream(side))):
                recut(conn, side, at, split_sizes(rng, size, most))
        return conn.segs
    return run


def handshake_records(stream):
    """(offset, payload length) of the clear handshake records in what one side said."""
    out, at = [], stream.find(b"\x16\x03")
    while at >= 0 and at + 5 <= len(stream) and stream[at] == 22:
        size = struct.unpack_from("!H", stream, at + 3)[0]
        if at + 5 + size > len(stream):
            break
        out.append((at, size))
        at += 5 + size
    return out


def recut(conn, side, at, sizes):
    """One record becomes several: sizes of all but the last, whose length is what is left."""
    head = conn.stream(side)[at:at + 5]
    left = struct.unpack("!H", head[3:])[0] - sum(sizes)
    for size, place in reversed(list(zip([*sizes[1:], left], _places(at, sizes)))):
        conn.splice(side, place, place, head[:3] + struct.pack("!H", size))
    if sizes:
        conn.splice(side, at + 3, at + 5, struct.pack("!H", sizes[0]))


def _places(at, sizes):
    """Where, in the uncut stream, the second record and the others begin."""
    at += 5
    for size in sizes:
        at += size
        yield at


def mixed(conn, rng):
    """Several at once."""
    for step in (retransmit, resegment(rng.choice((3, 40, 400))), reorder, duplicate, wrap):
        conn = conn.with_segs(step(conn, rng))
    return conn.segs


def reused(conn, rng):
    """The connection, and a second one with other sequence numbers on the same addresses and ports (RFC 9293 3.6.1);
    a connection whose end was not seen stays as it is, for the second one would end it."""
    if not conn.closed():
        return conn.segs
    later = conn.segs[-1].time - conn.segs[0].time + 10**7
    again = shift_sequence(conn, (rng.randint(10**6, 10**9), rng.randint(10**6, 10**9)))
    return conn.segs + [seg.copy(time=seg.time + later) for seg in again]


def cut_behind(n):
    """Only the first n packets."""
    def run(conn, _rng):
        return conn.segs[:n]
    return run


def begin_at(n):
    """Without the first n packets."""
    def run(conn, _rng):
        return conn.segs[n:]
    return run


def without(n):
    """Packet n is missing."""
    def run(conn, _rng):
        return conn.segs[:n] + conn.segs[n + 1:]
    return run


def one_side(side):
    """What the other side sent is missing."""
    def run(conn, _rng):
        return [s for s in conn.segs if conn.side(s) == side]
    return run


def drop(share):
    """Packets are missing at random."""
    def run(conn, rng):
        return [s for s in conn.segs if rng.random() >= share]
    return run


def drop_burst(conn, rng):
    """Some packets in a row are missing."""
    at, n = rng.randrange(len(conn.segs)), rng.randint(2, 5)
    return conn.segs[:at] + conn.segs[at + n:]


def drop_and_mix(conn, rng):
    """Packets are missing, and the rest is cut and ordered otherwise."""
    conn = conn.with_segs(drop(0.1)(conn, rng))
    return reorder(conn.with_segs(resegment(50)(conn, rng)), rng) if conn.segs else []


# name: (function, is there another packet sequence for another seed)
SAME = {
    "as-is": (lambda conn, _rng: conn.segs, False),
    "octets": (octets, False),
    "resegment-3": (resegment(3), True),
    "resegment-20": (resegment(20), True),
    "resegment-300": (resegment(300), True),
    "coalesce": (coalesce, False),
    "duplicate": (duplicate, True),
    "duplicate-all": (duplicate_all, False),
    "retransmit": (retransmit, True),
    "overlap": (overlap, True),
    "reorder": (reorder, True),
    "reorder-ends": (reorder_ends, True),
    "swap-directions": (swap_directions, False),
    "wrap": (wrap, True),
    "offload-partial": (offload("partial"), False),
    "offload-zero": (offload("zero"), False),
    "offload-client": (offload("partial", (C2S,)), False),
    "fast-open": (fast_open, False),
    "keepalive": (keepalive, True),
    "no-options": (no_options, False),
    "no-timestamps": (no_timestamps, False),
    "late": (late, False),
    "padded": (padded, True),
    "tls-records-9": (tls_records(9), True),
    "tls-records-200": (tls_records(200), True),
    "mixed": (mixed, True),
    "reused": (reused, True),
}

LOSS = {
    "only-client": (one_side(C2S), False),
    "only-server": (one_side(S2C), False),
    "drop-5": (drop(0.05), True),
    "drop-20": (drop(0.2), True),
    "drop-50": (drop(0.5), True),
    "drop-burst": (drop_burst, True),
    "drop-and-mix": (drop_and_mix, True),
}


def losses(conn):
    """Every cut and every single lost packet, as (name, function)."""
    for n in range(1, len(conn.segs)):
        yield f"cut-{n}", cut_behind(n)
        yield f"begin-{n}", begin_at(n)
    for n in range(len(conn.segs)):
        yield f"without-{n + 1}", without(n)
