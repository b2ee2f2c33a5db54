#!/usr/bin/env python3
"""Several sensors: what only they see together is found by `mxwitness judge`, and what is not there is not.

usage: fleet.py MXWITNESS [--long]
Stories: one capture as two sensors have it, changed between them or not, goes through `mxwitness read` twice and `mxwitness judge` once;
the alerts that rest on several sessions are the right ones, in any order of the lines. Then captures (a share of them, others each day;
--long: all): one sensor sees each connection as it is, the other one in other packets, tunnels and pieces, out of order and with losses;
hashes of what was said are equal or not there, and nothing is found."""
import glob
import json
import os
import random
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools", "mutate"))
import capfile  # noqa: E402
import edits  # noqa: E402
import flow  # noqa: E402
import transforms  # noqa: E402
import wrap  # noqa: E402
from segment import packets_of  # noqa: E402

PROGRAM = os.path.abspath(sys.argv[1])
LONG = "--long" in sys.argv
PCAPS = os.path.join(HERE, "pcaps")
SHARE = 1 if LONG else int(os.environ.get("FLEET_SHARE", "24"))
FIRST_PORT = 20000
SECOND = 10**9
FLEET = {("tap-divergence", v) for v in ("server-said", "client-said", "server-said-approved", "client-said-approved")} | {
    ("starttls-not-offered", "offered-elsewhere"), ("starttls-stripped-widely", "many-sensors"), ("cert-changed", "elsewhere"),
    ("cert-changed", "sensors"), ("tls-ceased", None)}
TAPS = ("mxwitness.tap.c2s", "mxwitness.tap.s2c")


def member(event, name):
    for part in name.split("."):
        if not isinstance(event, dict) or part not in event:
            return None
        event = event[part]
    return event


def dataset(event):
    return event["event"]["dataset"].split(".")[1]


def ndjson(data):
    return [json.loads(line) for line in data.splitlines()]


def run(*args, lines=None):
    done = subprocess.run([PROGRAM, *args], input=lines, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{args}: exit status {done.returncode}, {done.stderr.decode(errors='replace')}")
    return done.stdout


def options_of(path):
    with open(os.path.splitext(path)[0] + ".expect.json", encoding="utf-8") as f:
        expect = json.load(f)
    out = ["--dns", expect.get("dns", "capture"), "--trust-anchor", os.path.join(PCAPS, "root.anchor")]
    return out + [os.path.join(PCAPS, o) if o.endswith((".yaml", ".pcapng")) else o for o in expect.get("options", [])]


def sessions_of(packets, folder, options, name):
    """The session events of a sensor of this name."""
    path, conf = os.path.join(folder, "x.pcapng"), os.path.join(folder, "sensor.yaml")
    capfile.write(path, sorted(packets, key=lambda p: p.time))
    if "-c" not in options:
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"sensor: {{name: {name}}}\n")
        options = [*options, "-c", conf]
    out = [e for e in ndjson(run("read", "--format", "ndjson", "--all", *options, path)) if dataset(e) == "session"]
    for e in out:
        e["observer"].setdefault("name", name)
        assert e["observer"]["name"] == name
    return out


def judged(events, rng=None):
    """(finding, variant, level, sessions) of the alerts that rest on several."""
    lines = [json.dumps(e).encode() + b"\n" for e in events]
    if rng:
        rng.shuffle(lines)
    wait = "36500d" if rng else "60s"
    out = ndjson(run("judge", "--format", "ndjson", "--ahead", "36500d", "--lateness", wait, "--silent", "36500d", "-", lines=b"".join(lines)))
    assert member(out[-1], "mxwitness.stats.complete") is True
    return sorted({(member(e, "rule.id"), member(e, "mxwitness.variant"), member(e, "mxwitness.alert.level"), len(member(e, "mxwitness.alert.sessions")))
                   for e in out if dataset(e) == "alert" and (member(e, "mxwitness.evidence.why") or "").startswith("it rests on several")},
                  key=str)


# ---- stories

def later(conn, ns):
    for seg in conn.segs:
        seg.time += ns


def edit(*steps):
    """Somebody between the sensors: the second one sees this."""
    def change(conn):
        edits.apply(conn, [dict(s) for s in steps])
    return change


def as_it_is(_conn):
    pass


def translated(conn):
    """Addresses are translated, and those that the server names in its EHLO reply with them."""
    seen = next(s for s in conn.segs if s.src == conn.client)
    new = (bytes([203, 0, 113, 77]), 40001) if seen.v == 4 else (bytes([0x20, 1, 0xd, 0xb8]) + bytes(11) + b"\7", 40001)
    for s in conn.segs:
        if s.src == conn.client:
            s.src = new
        else:
            s.dst = new
    conn.client = new


def alg(conn):
    edits.apply(conn, [{"do": "replace", "who": "S", "find": "[192.0.2.", "with": "[203.0.113."}])
    translated(conn)


def other_numbers(conn):
    """A device that chooses its own: the connection is another one."""
    for s in conn.segs:
        client = s.src == conn.client
        s.seq = (s.seq + (0x1234567 if client else 0x7654321)) & 0xffffffff
        if s.flags & 0x10:
            s.ack = (s.ack + (0x7654321 if client else 0x1234567)) & 0xffffffff
        s.options = flow.timestamps_only(s.options)
    conn.base = [(conn.base[flow.C2S] + 0x1234567) & 0xffffffff, (conn.base[flow.S2C] + 0x7654321) & 0xffffffff]


def both(*changes):
    def change(conn):
        for c in changes:
            c(conn)
    return change


def hello(side, at):
    """One octet of a hello's random is another."""
    def change(conn):
        data = conn.stream(side)
        start = data.index(b"\x16\x03")
        while data[start + 5] != (1 if side == flow.C2S else 2):
            start = data.index(b"\x16\x03", start + 1)
        conn.splice(side, start + at, start + at + 1, bytes([data[start + at] ^ 1]))
    return change


STRIP = edit({"do": "remove", "who": "S", "from": "250-STARTTLS\r\n", "to": "250-ENHANCEDSTATUSCODES"})
MASK = edit({"do": "replace", "who": "S", "find": "250-STARTTLS", "with": "250-XXXXXXXA"})
SERVER, CLIENT = ("tap-divergence", "server-said", "high", 2), ("tap-divergence", "client-said", "high", 2)
ELSEWHERE = ("starttls-not-offered", "offered-elsewhere", "low", 2)
MINUTE = 60 * SECOND
# what, capture, what is done to it on the way to the second sensor, its clock, what is found
STORIES = [
    ("a message in clear, twice the same", "starttls-not-used-foreign", as_it_is, 300, []),
    ("and at the same instant", "starttls-not-used-foreign", as_it_is, 0, []),
    ("TLS, twice the same", "insecure-tls12", as_it_is, 3_000_000, []),
    ("STARTTLS is taken out between them", "starttls-not-used-foreign", STRIP, 3_000_000, [ELSEWHERE, SERVER]),
    ("STARTTLS is masked between them", "starttls-not-used-foreign", MASK, 3_000_000, [ELSEWHERE, SERVER]),
    ("and addresses are translated", "starttls-not-used-foreign", both(MASK, translated), 3_000_000, [ELSEWHERE, SERVER]),
    ("and one clock is five minutes behind", "starttls-not-used-foreign", MASK, -5 * MINUTE, [ELSEWHERE, SERVER]),
    ("and one clock is half an hour off", "starttls-not-used-foreign", MASK, 30 * MINUTE, [ELSEWHERE]),
    ("and a day", "starttls-not-used-foreign", MASK, 1440 * MINUTE, []),
    ("and the device has numbers of its own", "starttls-not-used-foreign", both(MASK, other_numbers), 3_000_000, [ELSEWHERE]),
    ("addresses are translated", "starttls-not-used-foreign", translated, 3_000_000, []),
    ("a device has numbers of its own", "starttls-not-used-foreign", other_numbers, 3_000_000, []),
    ("the greeting is another", "starttls-not-used-foreign",
     edit({"do": "replace", "who": "S", "find": "220 ", "with": "220 x-"}), 3_000_000, [SERVER]),
    ("the EHLO name is another", "starttls-not-used-foreign",
     edit({"do": "replace", "who": "C", "find": "EHLO ", "with": "EHLO x-"}), 3_000_000, [CLIENT]),
    ("the ClientHello is another", "insecure-tls12", hello(flow.C2S, 20), 3_000_000, [CLIENT]),
    ("the ServerHello is another", "insecure-tls12", hello(flow.S2C, 20), 3_000_000, [SERVER]),
    ("what is in the mail does not count", "starttls-not-used-foreign",
     edit({"do": "replace", "who": "C", "find": "\r\n\r\n", "with": "\r\n\r\nX"}), 3_000_000, []),
]


def gap(n):
    return lambda conn: setattr(conn, "segs", [s for i, s in enumerate(conn.segs) if i not in (n, n + 1, n + 2)])


# packets of the greeting or of the EHLO reply are missing at the second sensor: what was said there is not known
STORIES += [(f"packets from {n} on are missing", "starttls-not-used-foreign", both(STRIP, gap(n)), 3_000_000, []) for n in (3, 4, 5, 6)]


def load(capture):
    path = os.path.join(PCAPS, capture + ".pcapng")
    connections, others = flow.connections(capfile.read(path))
    conn, = [c for c in connections if c.is_mail()]
    return conn, others + [p for c in connections if not c.is_mail() for p in packets_of(c.segs)], options_of(path)


def told(capture):
    """What the first sensor has to tell of the capture, and the second one of each story: both read in one go."""
    mine = [s for s in STORIES if s[1] == capture]
    conn, rest, options = load(capture)
    with tempfile.TemporaryDirectory() as folder:
        first = sessions_of(rest + packets_of(conn.segs), folder, options, "berlin")
        packets = list(rest)
        for n, (_, _, change, clock, _) in enumerate(mine):
            conn = load(capture)[0]
            change(conn)
            later(conn, clock)
            packets += packets_of(conn.readdressed(FIRST_PORT + n).segs)
        second = sessions_of(packets, folder, options, "madrid")
    for n, s in enumerate(mine):
        yield s, first, [e for e in second if FIRST_PORT + n in (e["source"]["port"], e["destination"]["port"])]


def found(events, want, seed=None):
    got = [g for g in judged(events, seed) if g[:2] in FLEET]
    return [] if got == sorted(want, key=str) else [f"{'shuffled: ' if seed else ''}found {got}, not {want}; " +
                                                    str([[member(e, "observer.name"), *(member(e, t) for t in TAPS)] for e in events])]


def named(events, name, ns=0):
    """As a sensor of another name would tell it; id: it is another event."""
    out = json.loads(json.dumps(events))
    for e in out:
        e["observer"].pop("name", None)
        if name:
            e["observer"]["name"] = name
        if ns:
            e["event"]["id"] = f"{ns:032x}"
    return out


def stories():
    events = {}
    for capture in sorted({s[1] for s in STORIES}):
        for n, (s, first, second) in enumerate(told(capture)):
            events[s[0]] = first, second
            problems = found(first + second, s[4]) + (found(first + second, s[4], random.Random(n)) if LONG or n % 5 == 3 else [])
            yield s[0], problems + ([] if len(second) == 1 else [f"{len(second)} sessions"])
    first, second = events["STARTTLS is masked between them"]
    yield "sensors without names", found(named(first, None) + named(second, None), [])
    yield "two sensors of one name", found(first + named(second, "berlin"), [])
    yield "three sensors, the last hears otherwise", found(named(first, "rome", 1) + first + second, [ELSEWHERE[:3] + (3,), SERVER])


# ---- captures

def lanes(conn, rng):
    """The same connection at the second sensor: (name, segments, wrapping, nothing is missing)."""
    for name, (change, _) in transforms.SAME.items():
        yield name, lambda c, change=change: change(c, rng), None, True
    for name, wrapping in wrap.WRAPS.items():
        yield name, lambda c: c.segs, wrapping, True
    for name, (change, _) in transforms.LOSS.items():
        for _ in range(3):
            yield name, lambda c, change=change: change(c, rng), None, False
    numbers = [x for x in range(len(conn.segs)) if conn.segs[x].payload]
    for n in numbers[:12] + rng.sample(numbers, min(8, len(numbers))):
        yield f"without {n}", lambda c, n=n: c.segs[:n] + c.segs[n + 1:], None, False
    for n in rng.sample(range(1, len(conn.segs)), min(8, len(conn.segs) - 1)):
        yield f"cut {n}", lambda c, n=n: c.segs[:n], None, False


def one(path):
    rng = random.Random(path)
    options = options_of(path)
    connections, others = flow.connections(capfile.read(path))
    mail = [c for c in connections if c.is_mail()]
    rest = others + [p for c in connections if not c.is_mail() for p in packets_of(c.segs)]
    first, second, what, port = list(rest), list(rest), {}, FIRST_PORT
    for n, conn in enumerate(mail[:3]):
        first += packets_of(conn.readdressed(FIRST_PORT - 1 - n).segs)
        for name, change, wrapping, whole in lanes(conn, rng):
            copy = conn.readdressed(port)
            copy.segs = change(copy)
            later(copy, 1_000_000)
            second += packets_of(copy.segs, wrapping, rng)
            what[port] = (name, n, whole)
            port += 1
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        one_side = sessions_of(first, folder, options, "berlin")
        other_side = sessions_of(second, folder, options, "madrid")
    want = {}
    for e in one_side:
        for p in (e["source"].get("port"), e["destination"].get("port")):
            want.setdefault(p, e)
    compared = 0
    for e in other_side:
        mine = next((what[p] for p in (e["source"].get("port"), e["destination"].get("port")) if p in what), None)
        base = want.get(FIRST_PORT - 1 - mine[1]) if mine else None
        if not base or (member(e, "mxwitness.tcp.isn") != member(base, "mxwitness.tcp.isn") and not mine[2]):
            continue
        for fact in TAPS:
            have, should = member(e, fact), member(base, fact)
            compared += have is not None
            if have != should and (mine[2] or None not in (have, should)): # where two versions came, one may be lost
                problems.append(f"{mine[0]}: {fact} is {have}, at the first sensor {should}")
    got = [g for g in judged(one_side + other_side) if g[:2] in FLEET]
    if got:
        problems.append(f"found {got}")
    return os.path.relpath(path, PCAPS), problems, compared


def captures():
    paths = [p for p in sorted(glob.glob(os.path.join(PCAPS, "*.pcap*"))) if not os.path.basename(p).startswith("incident-")]
    total = 0
    for path in paths[int(time.time() // 86400) % SHARE::SHARE]:
        name, problems, compared = one(path)
        total += compared
        yield name, problems
    yield "hashes are there to compare", [] if total > 100 else [f"only {total}"]


def main():
    passed = failed = 0
    for part in (stories, captures):
        for name, problems in part():
            for p in problems:
                print(f"{name}: {p}")
            passed += not problems
            failed += bool(problems)
    print(f"fleet: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
