"""Edits of a recorded connection: what an attacker, or an odd but honest peer, would have made of it.

A step is a table with "do" and its arguments. Octets are given as text, a character an octet (\\u0016 is octet 0x16).
Places are given by what is said there: who = "C" or "S", and a pattern that stands in that direction's octets.

replace  who, find, with [, nth]       other octets; later numbers of both sides follow
insert   who, before, octets [, nth]   octets in front of a pattern, in the same segment
remove   who, from, to                 everything from one pattern up to another
say      who, octets, after            one more segment of who, in sequence, behind the packet that carries after
split    who, behind                   a segment ends behind the pattern
forge    who, octets, after or before [, at, heard, flags, ttl, ipid, delay]
                                       a segment that is nobody's: all others stay as they are. at: pattern at whose
                                       place it claims to stand (default: next in sequence); heard: pattern of the other side up to which
                                       it acknowledges (default: all that was sent by then); delay in µs
drop     who [, find]                  packets of who (those that carry the pattern) were not captured
lose     who, find                     who never said that: the octets are gone and the numbers follow
move     who, find, before             the packet that carries find stands in front of the packet that carries before
end      after [, close]               nothing behind the packet that carries after, but what close says: "fin", "rst", "none"
talk     after, lines [, close]        as end, but lines follow: "C: text" or "S: text", a line end is added
set      who [, find or number, ttl, ipid, ttl_add]
                                       IP header fields of who's packets (of the one that carries the pattern, or of packet number)
delay    after, seconds                everything behind that packet comes later
port     number                        the server has another port
again    who, find, delays             the packet that carries find is sent again, so many seconds later each time
after and before are lists: [who, pattern], or [who, pattern, nth]; the pattern "" is the end of the TCP handshake, and
["end"] the last packet."""
import flow
from flow import SIDES
from segment import ACK, FIN, MASK, PSH, RST, SYN

FLAGS = {"FIN": FIN, "SYN": SYN, "RST": RST, "PSH": PSH, "ACK": ACK}
STEP_NS = 400_000  # between lines of a talk


def octets(text):
    return text.encode("latin-1")


def place(conn, where):
    """Number of the packet that carries the last octet of a pattern."""
    if where == ["end"]:
        return len(conn.segs) - 1
    who, pattern, *nth = where
    if not pattern:
        return next(i for i, s in enumerate(conn.segs) if not s.flags & SYN)
    end = conn.find(SIDES[who], octets(pattern), *nth)[1]
    return conn.index(SIDES[who], end - 1)


def put(conn, at, seg, delay=20):
    """Puts seg in front of packet at, delay µs behind the one before, and never later than the next."""
    time = conn.segs[at - 1].time + delay * 1000
    seg.time = min(time, conn.segs[at].time) if at < len(conn.segs) else time
    conn.segs.insert(at, seg)


def replace(conn, who, find, nth=0, **more):
    start, end = conn.find(SIDES[who], octets(find), nth)
    conn.splice(SIDES[who], start, end, octets(more["with"]))


def insert(conn, who, before, octets, nth=0):
    start, _ = conn.find(SIDES[who], before.encode("latin-1"), nth)
    conn.splice(SIDES[who], start, start, octets.encode("latin-1"))


def remove(conn, who, to, **more):
    start, _ = conn.find(SIDES[who], octets(more["from"]))
    end, _ = conn.find(SIDES[who], octets(to))
    conn.splice(SIDES[who], start, end, b"")
    without_empty(conn, SIDES[who])


def without_empty(conn, side):
    """Segments that carried only what was removed, and now repeat an acknowledgement, go."""
    kept = []
    for seg in conn.segs:
        if conn.side(seg) == side and not seg.payload and seg.flags == ACK | PSH:
            continue
        kept.append(seg)
    conn.segs = kept


def lose(conn, who, find, nth=0):
    start, end = conn.find(SIDES[who], octets(find), nth)
    conn.splice(SIDES[who], start, end, b"")
    without_empty(conn, SIDES[who])


def say(conn, who, octets, after):
    side, at = SIDES[who], place(conn, after) + 1
    data = octets.encode("latin-1")
    seg = conn.make(side, at, data)
    offset = conn.offset(seg)
    for later in conn.segs[at:]:
        if conn.side(later) == side:
            later.seq = (later.seq + len(data)) & MASK
        elif later.flags & ACK and conn.ack_offset(later) >= offset:
            later.ack = (later.ack + len(data)) & MASK
    put(conn, at, seg)


def split(conn, who, behind, nth=0):
    side = SIDES[who]
    _, end = conn.find(side, octets(behind), nth)
    at = conn.index(side, end - 1)
    seg = conn.segs[at]
    first = end - conn.offset(seg)
    if first == len(seg.payload):
        return
    conn.segs[at] = seg.copy(payload=seg.payload[:first], flags=seg.flags & ~FIN)
    put(conn, at + 1, seg.copy(payload=seg.payload[first:], seq=(seg.seq + first) & MASK,
                               ipid=(seg.ipid + 1) & 0xffff), 5)


def forge(conn, who, octets="", after=None, before=None, at=None, heard=None, flags="PSH,ACK",
          delay=20, **fields):
    side = SIDES[who]
    where = place(conn, after) + 1 if after else place(conn, before)
    bits = sum(FLAGS[name] for name in flags.split(","))
    offset = conn.find(side, at.encode("latin-1"))[0] if at else None
    seg = conn.make(side, where, octets.encode("latin-1"), bits, offset)
    if heard:
        seg.ack = (conn.base[1 - side] + conn.find(1 - side, heard.encode("latin-1"))[1]) & MASK
    for name, value in fields.items():
        setattr(seg, name, value)
    put(conn, where, seg, delay)


def drop(conn, who, find=None):
    side = SIDES[who]
    if find is None:
        conn.segs = [s for s in conn.segs if conn.side(s) != side]
        return
    start, end = conn.find(side, octets(find))
    conn.segs = [s for s in conn.segs if conn.side(s) != side or not s.payload
                 or conn.offset(s) >= end or conn.offset(s) + len(s.payload) <= start]


def move(conn, who, find, before):
    seg = conn.segs.pop(place(conn, [who, find]))
    at = place(conn, before)
    seg.ack = (conn.base[1 - conn.side(seg)] + conn.sent(1 - conn.side(seg), at)) & MASK
    put(conn, at, seg)


def end(conn, after, close="fin"):
    conn.segs = conn.segs[:place(conn, after) + 1]
    finish(conn, close)


def finish(conn, close):
    if close == "fin":
        for side, flags in ((flow.C2S, FIN | ACK), (flow.S2C, FIN | ACK), (flow.C2S, ACK)):
            put(conn, len(conn.segs), conn.make(side, len(conn.segs), b"", flags), 100)
    elif close == "rst":
        put(conn, len(conn.segs), conn.make(flow.C2S, len(conn.segs), b"", RST | ACK), 100)


def talk(conn, after, lines, close="fin"):
    conn.segs = conn.segs[:place(conn, after) + 1]
    for line in lines:
        who, text = line.split(": ", 1)
        seg = conn.make(SIDES[who], len(conn.segs), octets(text) + b"\r\n")
        seg.options = flow.ticked(seg.options, 1)
        put(conn, len(conn.segs), seg, STEP_NS // 1000)
    finish(conn, close)


def set_fields(conn, who, find=None, number=None, ttl_add=0, **fields):
    if number is not None:
        chosen = [conn.segs[number]]
    else:
        chosen = conn.segs if find is None else [conn.segs[place(conn, [who, find])]]
    for seg in chosen:
        if conn.side(seg) == SIDES[who]:
            seg.ttl += ttl_add
            for name, value in fields.items():
                setattr(seg, name, value)


def port(conn, number):
    """Another port of the server."""
    old, conn.server = conn.server, (conn.server[0], number)
    for seg in conn.segs:
        seg.src = conn.server if seg.src == old else seg.src
        seg.dst = conn.server if seg.dst == old else seg.dst


def again(conn, who, find, delays):
    """The packet is sent again so many seconds after it was sent, unanswered."""
    first = conn.segs[place(conn, [who, find])]
    for n, seconds in enumerate(delays, 1):
        conn.segs.append(first.copy(time=first.time + int(seconds * 10**9), ipid=(first.ipid + n) & 0xffff,
                                    options=flow.ticked(first.options, int(seconds * 1000))))
    conn.segs.sort(key=lambda s: s.time)


def delay(conn, after, seconds):
    for seg in conn.segs[place(conn, after) + 1:]:
        seg.time += int(seconds * 10**9)


STEPS = {"replace": replace, "insert": insert, "remove": remove, "lose": lose, "say": say, "split": split, "forge": forge,
         "drop": drop, "move": move, "end": end, "talk": talk, "set": set_fields, "delay": delay, "port": port, "again": again}


def apply(conn, steps):
    for number, step in enumerate(steps, 1):
        arguments = dict(step)
        name = arguments.pop("do")
        if name not in STEPS:
            raise ValueError(f"step {number}: no edit is called {name}")
        try:
            STEPS[name](conn, **arguments)
        except (ValueError, TypeError, StopIteration) as e:
            raise ValueError(f"step {number} ({name}): {e}") from e
