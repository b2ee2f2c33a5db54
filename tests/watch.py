#!/usr/bin/env python3
"""`mxwitness watch` on a wire: what it says equals what `read` says of a capture of the same packets, and no death, full disk
or lost interface takes an alert away.

usage: watch.py MXWITNESS [--long] [--only WORD]    --long: also what takes minutes, with more load
       watch.py MXWITNESS --compare FOLDER          what tools/record --watch left there

A veth pair in a network namespace of its own: packets go in at one end (AF_PACKET), the sensor listens at the other.
Needs root, ip(8), tcpdump(1), editcap(1); skipped without. Last line: "watch: N passed, N failed"."""
import collections
import contextlib
import ctypes
import glob
import hashlib
import json
import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
PCAPS = os.path.join(HERE, "pcaps")
ANCHOR = os.path.join(PCAPS, "root.anchor")
PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
LONG = "--long" in sys.argv
NS = f"mxwwatch{os.getpid()}"
CLEAR = "masked-keyword"        # one session in clear, one alert (starttls-keyword-masked, medium), without any DNS
CLEAR_RULE = "starttls-keyword-masked"
JOBS = ("output", "judge", "resolver", "forwarder", "verifier", "deliver", "capture0")
passed = failed = 0
notes = []


def check(what, good, detail=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"{what}: {str(detail)[:2000]}", flush=True)


def run(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout


def inside(*args):
    return run("ip", "netns", "exec", NS, *args)


# ---- packets ----

def read_pcap(name):
    """The octets of each packet of a capture under pcaps/, or [] if it is not Ethernet."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as plain:
        run("editcap", "-F", "nsecpcap", os.path.join(PCAPS, name + ".pcapng"), plain.name)
        data = open(plain.name, "rb").read()
    if struct.unpack_from("<I", data, 20)[0] != 1:
        return []
    packets, at = [], 24
    while at + 16 <= len(data):
        n = struct.unpack_from("<I", data, at + 8)[0]
        packets.append(data[at + 16:at + 16 + n])
        at += 16 + n
    return packets


def tcp_at(p):
    """Offset of the TCP header of plain TCP over IPv4, or None."""
    if p[12:14] != b"\x08\x00" or p[23] != 6 or struct.unpack_from(">H", p, 20)[0] & 0x3fff:
        return None
    return 14 + (p[14] & 15) * 4


def ends(packets):
    """The connections in packets, by their ends."""
    found = set()
    for p in packets:
        t = tcp_at(p)
        if t is not None:
            found.add(frozenset(((p[26:30], p[t:t + 2]), (p[30:34], p[t + 2:t + 4]))))
        elif p[12:14] == b"\x86\xdd" and p[20] == 6:
            found.add(frozenset(((p[22:38], p[54:56]), (p[38:54], p[56:58]))))
    return found


def flow(number, name=CLEAR, port=25):
    """The packets of the one TCP connection of a capture, as client number (its address and port are made of it), with a server of
    its own: what one server's sessions have in common is told once."""
    out = []
    for p in template(name):
        t = tcp_at(p)
        client = struct.unpack_from(">H", p, t + 2)[0] == port
        q = bytearray(p)
        struct.pack_into(">H", q, t + (0 if client else 2), 20000 + number % 40000)
        q[(28 if client else 32)] = 1 + number // 40000
        q[30 if client else 26:34 if client else 30] = bytes((198, 18, number >> 8 & 255, number & 255))
        out.append(bytes(q))
    return out


TEMPLATES = {}


def template(name):
    if name not in TEMPLATES:
        TEMPLATES[name] = [p for p in read_pcap(name) if tcp_at(p) is not None]
    return TEMPLATES[name]


def decisive(packets):
    """How many packets there are up to and with MAIL FROM's."""
    return next(i for i, p in enumerate(packets) if b"MAIL FROM" in p.upper()) + 1


def tagged(packets, vlan):
    return [p[:12] + struct.pack(">HH", 0x8100, vlan) + p[12:] for p in packets]


def from_server(packets, port=25):
    return [p for p in packets if tcp_at(p) and struct.unpack_from(">H", p, tcp_at(p))[0] == port]


# ---- the wire ----

LIBC = ctypes.CDLL(None, use_errno=True)


@contextlib.contextmanager
def namespace():
    """This process is inside NS meanwhile."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + NS, os.O_RDONLY)
    try:
        assert LIBC.setns(there, 0x40000000) == 0
        yield
    finally:
        LIBC.setns(home, 0x40000000)
        os.close(home)
        os.close(there)


def veth(pair):
    inside("ip", "link", "add", pair + "0", "mtu", "65535", "type", "veth", "peer", "name", pair + "1", "mtu", "65535")
    for end in "01":
        inside("sysctl", "-q", "-w", f"net.ipv6.conf.{pair}{end}.disable_ipv6=1")
        inside("ip", "link", "set", pair + end, "up")


class Sender:
    def __init__(self, interface):
        with namespace():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
            self.socket.bind((interface, 0))

    def send(self, packets, rate=4000):
        """rate: packets a second."""
        begin = time.monotonic()
        for i, p in enumerate(packets):
            ahead = begin + i / rate - time.monotonic()
            if ahead > 0.002:
                time.sleep(ahead)
            self.socket.send(p)

    def close(self):
        self.socket.close()


class Dump:
    """tcpdump beside the sensor."""
    def __init__(self, path, *interfaces):
        self.path = path
        self.process = subprocess.Popen(("ip", "netns", "exec", NS, "tcpdump", "-i", interfaces[0], "-w", path, "-U", "-s", "0", "-B",
                                         "65536", "--immediate-mode", "--time-stamp-precision", "nano", "-Z", "root"),
                                        stderr=subprocess.PIPE, text=True)
        while "listening" not in self.process.stderr.readline():
            pass

    def end(self):
        time.sleep(0.5)
        self.process.send_signal(signal.SIGINT)
        text = self.process.communicate(timeout=20)[1]
        assert "\n0 packets dropped by kernel" in text, text


# ---- the sensor ----

def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(x) for x in f.read().split()]
    except FileNotFoundError:
        return []


def name_of(pid):
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as f:
            return f.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_for(what, seconds=20.0, step=0.05):
    """The first true value of what(), or the last one when the time is up."""
    until = time.monotonic() + seconds
    value = what()
    while not value and time.monotonic() < until:
        time.sleep(step)
        value = what()
    return value


class Watch:
    """The sensor at work. config: lines of mxwitness.yaml; output goes to the file self.out unless config says otherwise."""
    def __init__(self, work, *options, config="", interfaces="a1", out=True, watchdog=0, environment=None):
        self.work = tempfile.mkdtemp(dir=work)
        os.chmod(self.work, 0o755)
        if "user:" in config:  # who must reach the output as somebody else
            os.chmod(self.work, 0o777)
            folder = self.work
            while (folder := os.path.dirname(folder)) not in (tempfile.gettempdir(), "/"):
                os.chmod(folder, 0o755)
        self.config = os.path.join(self.work, "mxwitness.yaml")
        self.write(config)
        self.out = os.path.join(self.work, "out.ndjson")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.manager.bind(os.path.join(self.work, "notify"))
        self.words = []
        env = dict(os.environ, NOTIFY_SOCKET=os.path.join(self.work, "notify"), **(environment or {}))
        if watchdog:
            env["WATCHDOG_USEC"] = str(watchdog)
        self.err = open(os.path.join(self.work, "err"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(("ip", "netns", "exec", NS, PROGRAM, "watch", "-i", interfaces, "-c", self.config,
                                         "--trust-anchor", ANCHOR) + options + (("-o", self.out) if out else ()),
                                        stdout=open(os.path.join(self.work, "stdout"), "w"), stderr=self.err, env=env)
        wait_for(lambda: self.process.poll() is not None or self.word("READY=1", 0, 0))
        self.ready = self.process.poll() is None
        if not self.ready:
            print("watch does not start:", self.log())

    def write(self, config):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"state: {self.work}/state\n" + config)

    def take_words(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                data, _, _, _ = self.manager.recvmsg(256, 256, socket.MSG_DONTWAIT)
                self.words.append((time.monotonic(), data.decode()))
        return self.words

    def word(self, word, since=0, seconds=20):
        """Was it told, behind the first since words?"""
        return wait_for(lambda: any(word in w for _, w in self.take_words()[since:]), seconds)

    def pids(self):
        return {name_of(p)[4:]: p for p in children(self.process.pid) if name_of(p).startswith("mxw-")}

    def events(self, path=None):
        """What was written so far; a line that is not whole yet does not count, one that cannot be read is an error."""
        try:
            with open(path or self.out, encoding="utf-8") as f:
                text = f.read()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]

    def alerts(self, path=None):
        return [e for e in self.events(path) if e["event"]["dataset"] == "mxwitness.alert"]

    def sessions(self, path=None):
        return [e for e in self.events(path) if e["event"]["dataset"] == "mxwitness.session"]

    def log(self):
        self.err.flush()
        with open(self.err.name, encoding="utf-8") as f:
            return f.read()

    def said(self, words, seconds=20):
        return wait_for(lambda: words in self.log(), seconds)

    def end(self, seconds=50):
        """SIGTERM; exit status, None: it did not end, and how long it took."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            status = None
            self.kill()
        self.manager.close()
        return status, time.monotonic() - begin

    def kill(self):
        for pid in [self.process.pid] + children(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def read(*args):
    done = subprocess.run([PROGRAM, "read", "--other-ports", "off", "--format", "ndjson", "--trust-anchor", ANCHOR, *args], capture_output=True, text=True,
                          check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- what is compared ----

def ends_of(event):
    return tuple(str(event.get(side, {}).get(key)) for side in ("source", "destination") for key in ("ip", "port"))


def said_of(event):
    """All that an alert says that matters, without times."""
    m = event["mxwitness"]
    ends = ends_of(event)
    if m["alert"].get("count", 1) > 1:  # which of its sessions came last depends on the workers
        ends = ends[2:]
    return (event["rule"]["id"], m.get("variant"), m["alert"]["level"], m.get("certainty"), ends)


def last_revisions(alerts):
    """Each incident's last word."""
    last = {}
    for a in alerts:
        known = last.get(a["mxwitness"]["alert"]["incident"])
        if not known or a["mxwitness"]["alert"]["revision"] >= known["mxwitness"]["alert"]["revision"]:
            last[a["mxwitness"]["alert"]["incident"]] = a
    return list(last.values())


def rests_on_several(event, incidents=()):
    """What several sessions show waits until none of them can come any more: a sensor that keeps its state may end before, and goes on with it."""
    m = event["mxwitness"]
    return m.get("evidence", {}).get("why", "").startswith("it rests on several") or m.get("alert", {}).get("incident") in incidents


def judged(event):
    m = event["mxwitness"]
    return (ends_of(event), m.get("verdict"), tuple(sorted((f["id"], f.get("variant"), f["level"], f.get("certainty"))
                                                            for f in m.get("finding", []))))


def difference(a, b):
    a, b = collections.Counter(a), collections.Counter(b)
    return list((a - b).elements())[:4], list((b - a).elements())[:4]


def same(what, watched, read_events, ids=True):
    """Sessions and alerts of the one and the other. ids: the times are the same too, to the nanosecond."""
    of = lambda events, kind: [e for e in events if e["event"]["dataset"] == "mxwitness." + kind and not rests_on_several(e, several)]
    several = {e["mxwitness"]["alert"]["incident"] for e in watched + read_events if rests_on_several(e)}
    s = difference(map(judged, of(watched, "session")), map(judged, of(read_events, "session")))
    a = difference(map(said_of, last_revisions(of(watched, "alert"))), map(said_of, last_revisions(of(read_events, "alert"))))
    check(what + ", sessions", s == ([], []), f"only watch: {s[0]}\n   only read: {s[1]}")
    check(what + ", alerts", a == ([], []), f"only watch: {a[0]}\n   only read: {a[1]}")
    i = difference({e["event"]["id"] for e in of(watched, "session")}, {e["event"]["id"] for e in of(read_events, "session")})
    check(what + ", ids", not ids or i == ([], []), i)
    told = collections.Counter(e["event"]["id"] for e in of(watched, "alert"))
    check(what + ", told once", not told or max(told.values()) == 1, [k for k, n in told.items() if n > 1])
    return len(of(read_events, "session")), len(of(read_events, "alert"))


def disjoint(names):
    """Captures whose connections are not those of one before: variants of one recording would be one connection."""
    known = set()
    for name in names:
        packets = read_pcap(name)
        own = ends(packets)
        if packets and not own & known:
            known |= own
            yield name, packets


# ---- the tests ----

def equal(work, what, names, *options, interfaces="a1", rate=3000, config="", minimum=1, change=lambda p: p):
    sender = Sender("a0")
    watch = Watch(work, *options, config=config, interfaces=interfaces)
    dump = Dump(os.path.join(watch.work, "dump.pcap"), "a1")
    sent = 0
    for _, packets in disjoint(names):
        sender.send(change(packets), rate)
        sent += 1
    dump.end()
    status, _ = watch.end()
    sender.close()
    check(what + ", end", status == 0, (status, watch.log()))
    n = same(what, watch.events(), read(*options, dump.path))
    notes.append(f"{what}: {sent} captures, {n[0]} sessions, {n[1]} alerts")
    check(what + ", enough", n[0] >= minimum, n)


def captures():
    return sorted(os.path.basename(p)[:-len(".pcapng")] for p in glob.glob(os.path.join(PCAPS, "*.pcapng")))


def test_equal_without_dns(work):
    equal(work, "without DNS", captures(), "--dns", "off", minimum=100)


def test_equal_with_dns(work):
    names = [n for n in captures() if "dane" in n]
    equal(work, "with DNS of the wire", names if LONG else names[::4], "--dns", "capture", minimum=5)


def again(name, number):
    """The packets of the one TCP connection of a capture, of the same client and server, from another port."""
    out = []
    for p in template(name):
        t = tcp_at(p)
        q = bytearray(p)
        struct.pack_into(">H", q, t + (0 if struct.unpack_from(">H", p, t + 2)[0] == 25 else 2), 30000 + number)
        out.append(bytes(q))
    return out


def known(folder):
    """What is remembered in a state: the history without when an import was made, and the incidents, without times: the wire's begin
    before their session has ended."""
    def said(*args):
        return subprocess.run((PROGRAM, *args, "--state", folder), check=False, capture_output=True, text=True).stdout.splitlines()
    lines = [json.loads(line) for line in said("baseline", "export")]
    for entry in lines:
        if entry.pop("imported_as_of", None):
            entry.pop("packed")
    incidents = [json.loads(line) for line in said("incident", "list", "--format", "ndjson")]
    return lines, sorted(str((i["rule"]["id"], i["mxwitness"].get("variant"), *(i["mxwitness"]["alert"].get(field) for field in
                              ("incident", "level", "count", "chain")))) for i in incidents)


def test_equal_with_state(work):
    """One server that is known by an import, then seen, then stripped; several servers that are masked or show one key. What is
    told and what is remembered is the same of the wire and of its dump."""
    server = "198.51.100.12"
    list_of = os.path.join(work, "known.txt")
    with open(list_of, "w", encoding="utf-8") as f:
        f.write(server + "\n")
    options, config = ("--dns", "off"), "correlation: {lateness: 1s}\n"
    sender = Sender("a0")
    watch = Watch(work, *options, config=config)
    live, later = os.path.join(watch.work, "state"), os.path.join(watch.work, "later")
    os.mkdir(later)
    os.chmod(later, 0o777)
    for folder in live, later:
        run(PROGRAM, "baseline", "import", "--state", folder, list_of)
    check("state, imported", wait_for(lambda: server in str(known(live)[0])), watch.log())
    dump = Dump(os.path.join(watch.work, "dump.pcap"), "a1")
    for number in range(8):
        sender.send(again("no-tlsa-nsec", number), 3000)
    check("state, learnt", wait_for(lambda: len(watch.sessions()) == 8), len(watch.sessions()))
    for number in range(8, 11):
        sender.send(again("strip-no-dane", number), 3000)
    for _, packets in disjoint(("several-masked-five", "several-cert-same-key", "several-cert-self-signed")):
        sender.send(packets, 3000)
    dump.end()
    wait_for(lambda: len(watch.sessions()) >= 29)
    # what waits for late sessions is told when it has waited; at the end of a run it would be kept for the next
    several = lambda: any(a["rule"]["id"] == "starttls-stripped-widely" for a in watch.alerts())
    wait_for(several, 10)
    status, _ = watch.end()
    sender.close()
    same_config = os.path.join(watch.work, "read.yaml")
    with open(same_config, "w", encoding="utf-8") as f:
        f.write(config)
    check("state, end", status == 0, (status, watch.log()))
    events = read(*options, "-c", same_config, "--state", later, dump.path)
    n = same("state", watch.events(), events)
    of = {a["rule"]["id"] for a in events if a["event"]["dataset"] == "mxwitness.alert"}
    check("state, an alert by history", any(a["mxwitness"]["expectation"]["strongest"] == "baseline" for a in watch.alerts()), of)
    check("state, an alert by several sessions", several(), of)
    named = [{a["mxwitness"]["alert"]["incident"] for a in some if a["event"]["dataset"] == "mxwitness.alert"} for some in (watch.events(), events)]
    check("state, names of incidents", named[0] == named[1], named[0] ^ named[1])
    a, b = known(live), known(later)
    check("state, history", a[0] == b[0] and len(a[0]) > 3, difference(map(str, a[0]), map(str, b[0])))
    check("state, incidents", a[1] == b[1] and a[1], difference(a[1], b[1]))
    notes.append(f"state: {n[0]} sessions, {n[1]} alerts, {len(a[0])} entries of history, {len(a[1])} lines of incidents")


def test_two_workers(work):
    equal(work, "two workers", captures() if LONG else captures()[::3], "--dns", "off", config="capture: {workers: 2}\n", minimum=30)


def test_vlan(work):
    equal(work, "VLAN", captures()[::5], "--dns", "off", minimum=20, change=lambda p: tagged(p, 7))


def test_latency(work):
    """The alert is there before the session ends, and is not told again at its end."""
    sender = Sender("a0")
    watch = Watch(work, "--dns", "off")
    took = []
    for number in range(5):
        packets = flow(number)
        n = decisive(packets)
        sender.send(packets[:n - 1])
        time.sleep(0.3)
        begin = time.monotonic()
        sender.send(packets[n - 1:n])
        arrived = wait_for(lambda: len(watch.alerts()) > number, 8, 0.005)
        took.append(time.monotonic() - begin)
        check("latency", arrived, watch.log())
        check("latency, the session goes on", not watch.sessions(), len(watch.sessions()))
        sender.send(packets[n:])
    time.sleep(0.5)
    watch.end()
    sender.close()
    check("latency, told once", len(watch.alerts()) == 5 and len(watch.sessions()) == 5, (len(watch.alerts()), len(watch.sessions())))
    check("latency, time", max(took) < 1.5, took)
    notes.append(f"alert after the decisive packet: {min(took) * 1000:.0f} to {max(took) * 1000:.0f} ms")


def test_murmur(work):
    """Packets that are few, steady and not mail: what a packet brings is not kept until there are many, and time goes on."""
    sender, murmur, over = Sender("a0"), Sender("a0"), threading.Event()
    watch = Watch(work, "--dns", "off", "--other-ports", "1")
    packets = flow(0)
    other = bytearray(next(p for p in packets if p[tcp_at(p) + 13] == 0x10))
    struct.pack_into(">HH", other, tcp_at(other), 30000, 8080)

    def go_on():
        while not over.wait(0.04):
            murmur.send([bytes(other)])

    thread = threading.Thread(target=go_on)
    thread.start()
    time.sleep(1)
    n, took = decisive(packets), []
    for number in range(3):
        own = flow(number)
        sender.send(own[:n])
        begin = time.monotonic()
        check("murmur, alert", wait_for(lambda: len(watch.alerts()) > number, 8, 0.005), watch.log())
        took.append(time.monotonic() - begin)
        sender.send(own[n:])
        time.sleep(0.31)
    check("murmur, session", wait_for(lambda: len(watch.sessions()) == 3, 12), (len(watch.sessions()), watch.log()))
    over.set()
    thread.join()
    watch.end()
    sender.close()
    murmur.close()
    check("murmur, time", max(took) < 0.8, took)
    notes.append(f"alert among few packets: {min(took) * 1000:.0f} to {max(took) * 1000:.0f} ms")


class Load:
    """Sessions in clear, one after the other, each with its alert, on and on from a thread."""
    def __init__(self, rate=40, first=0):
        self.rate, self.sent, self.first, self.stop = rate, [], first, False
        self.sender = Sender("a0")
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        number = self.first
        while not self.stop:
            begin = time.monotonic()
            self.sender.send(flow(number), 1000000)
            self.sent.append((begin, number, time.monotonic()))
            number += 1
            time.sleep(max(0, 1 / self.rate - (time.monotonic() - begin)))

    def end(self):
        """The client ports that were used, with the times of the first and the last packet of each."""
        self.stop = True
        self.thread.join()
        self.sender.close()
        return {20000 + n % 40000: (a, b) for a, n, b in self.sent}


def ports_of(alerts):
    return collections.Counter(a["source"]["port"] for a in alerts if "source" in a)


def again_after(watch, name, pid):
    """The new process of that name."""
    return wait_for(lambda: watch.pids().get(name, pid) != pid and watch.pids()[name], 20)


def killed(work, name, config="", options=()):
    watch = Watch(work, "--dns", "live", "--resolver", "127.0.0.1", *options, config=config)
    load = Load()
    time.sleep(1.5)
    pid = watch.pids().get(name)
    check(f"{name} killed, there", pid, watch.pids())
    at = time.monotonic()
    if pid:
        os.kill(pid, signal.SIGKILL)
        check(f"{name} killed, another", again_after(watch, name, pid), watch.log())
        check(f"{name} killed, logged", watch.said(f"{name}: ended by signal 9"), watch.log())
    back = time.monotonic()
    time.sleep(2)
    ports = load.end()
    time.sleep(0.5)
    status, took = watch.end()
    check(f"{name} killed, end", status == 0, (status, watch.log()))
    seen = ports_of(watch.alerts())
    lost = [p for p, (a, b) in ports.items() if p not in seen]
    if name == "capture0":      # what was open, or came in the last moment that the ring had handed out
        lost = [p for p in lost if not at - 0.5 < ports[p][0] < at + 0.5]
    twice = sum(n - 1 for n in seen.values())
    ids = collections.Counter(a["event"]["id"] for a in watch.alerts())
    check(f"{name} killed, none lost", not lost, f"{len(lost)} of {len(ports)}: {lost[:5]}; {watch.log()}")
    check(f"{name} killed, twice is the same", sum(n - 1 for n in ids.values()) == twice, (twice, ids.most_common(3)))
    check(f"{name} killed, nothing else", set(seen) <= set(ports), set(seen) - set(ports))
    notes.append(f"{name} killed: {len(ports)} sessions, {len(ports) - len(set(seen))} without alert, {twice} alerts twice, "
                 f"anew in {back - at:.1f} s, end in {took:.1f} s")


def test_killed_output(work):
    killed(work, "output")


def test_killed_judge(work):
    killed(work, "judge")


def test_killed_capture(work):
    killed(work, "capture0")


def test_killed_resolver(work):
    killed(work, "resolver")


def test_killed_forwarder(work):
    killed(work, "forwarder")


def test_killed_verifier(work):
    killed(work, "verifier", options=("--evidence", os.path.join(work, "evidence-killed")))


def orphans(work, user):
    watch = Watch(work, "--dns", "live", "--resolver", "127.0.0.1", config=f"user: {user}\n" if user else "")
    load = Load()
    time.sleep(1)
    pids = dict(watch.pids())
    check("supervisor killed, processes", len(pids) == len(JOBS), (pids, watch.log()))
    watch.process.send_signal(signal.SIGKILL)
    watch.process.wait()
    begin = time.monotonic()
    gone = wait_for(lambda: not any(alive(p) for p in pids.values()), 30)
    check(f"supervisor killed ({user}), orphans", gone, [k for k, p in pids.items() if alive(p)])
    notes.append(f"supervisor killed ({user}): the others ended in {time.monotonic() - begin:.1f} s")
    for p in pids.values():
        if alive(p):
            os.kill(p, signal.SIGKILL)
    load.end()


def test_killed_supervisor(work):
    orphans(work, "")
    orphans(work, "nobody")


def test_end(work):
    """Flows that are open at SIGTERM are finished; a stats event is the last."""
    watch = Watch(work, "--dns", "off")
    sender = Sender("a0")
    packets = flow(1)
    sender.send(packets[:decisive(packets)])
    time.sleep(0.1)     # its packets may wait in a block of the ring that is not full
    status, took = watch.end()
    sender.close()
    events = watch.events()
    check("end, status", status == 0, (status, watch.log()))
    check("end, open session", len(watch.sessions()) == 1 and len(watch.alerts()) == 1, events)
    check("end, stats", events and events[-1]["event"]["dataset"] == "mxwitness.stats", events[-1:])
    check("end, time", took < 5, took)
    notes.append(f"end after SIGTERM in {took:.1f} s")


def test_state_unusable(work):
    """A judge that finds a state that it cannot read works on without, and says so."""
    watch = Watch(work, "--dns", "off")
    with contextlib.closing(sqlite3.connect(f"{watch.work}/state/mxwitness.db", timeout=20)) as db:
        check("unusable, tables", wait_for(lambda: db.execute("SELECT 1 FROM sqlite_master WHERE name = 'incident'").fetchall()))
        db.execute("DROP TABLE incident")
        db.execute("CREATE TABLE incident (x)")
        db.commit()
    os.kill(watch.pids()["judge"], signal.SIGKILL)
    check("unusable, said", watch.said("nothing is remembered"), watch.log())
    sender = Sender("a0")
    for n in range(3):
        sender.send(flow(n + 1))
    check("unusable, sessions", wait_for(lambda: len(watch.sessions()) == 3), watch.log())
    check("unusable, the judge lives", watch.log().count("nothing is remembered") == 1, watch.log())
    status, _ = watch.end()
    sender.close()
    check("unusable, status", status == 0, (status, watch.log()))


OWN_RULE = """title: Mail to the test's server
name: own-test
id: 5a2c1b0e-7d6f-4e8a-9b3c-0d1e2f3a4b5c
status: stable
description: Every session to that server, for a test.
level: medium
logsource:
  product: mxwitness
  service: session
detection:
  mail:
    destination.ip|cidr: 198.18.0.0/16
  condition: mail
mxwitness:
  finding: own-test
  certainty: strong
"""


def test_reload(work):
    """SIGHUP: other rules hold for a flow that was open; a broken configuration changes nothing."""
    sender = Sender("a0")
    watch = Watch(work, "--dns", "off", config=f"rules_off: [{CLEAR_RULE}-x-mask]\n")
    rules = os.path.join(watch.work, "rules")
    os.mkdir(rules)
    with open(os.path.join(rules, "own-test.yaml"), "w", encoding="utf-8") as f:
        f.write(OWN_RULE)
    packets = flow(1)
    cut = decisive(packets) - 1
    sender.send(packets[:cut])
    time.sleep(0.5)
    watch.write("rules: rules\n")
    words = len(watch.take_words())
    watch.process.send_signal(signal.SIGHUP)
    check("reload, word", watch.word("RELOADING=1", words) and watch.word("READY=1", words), watch.take_words())
    check("reload, logged", watch.said(" reloaded"), watch.log())
    sender.send(packets[cut:])
    check("reload, the open flow", wait_for(lambda: len(watch.alerts()) >= 2), watch.log())
    watch.write("rules_of: []\n")
    words = len(watch.take_words())
    watch.process.send_signal(signal.SIGHUP)
    check("broken, word", watch.word("READY=1", words), watch.take_words())
    check("broken, says why", watch.said("not reloaded") and "rules_of" in watch.log(), watch.log())
    sender.send(flow(2))
    check("broken, the rules of before", wait_for(lambda: len(watch.alerts()) >= 4), watch.log())
    time.sleep(1)
    status, _ = watch.end()
    sender.close()
    check("reload, end", status == 0, watch.log())
    check("reload, sessions", sorted(s["source"]["port"] for s in watch.sessions()) == [20001, 20002], watch.events())
    told = collections.Counter((a["source"]["port"], a["rule"]["id"]) for a in watch.alerts())
    check("reload, alerts", set(told) == {(p, r) for p in (20001, 20002) for r in (CLEAR_RULE, "own-test")}, (told, watch.log()))
    whole = [s for s in watch.sessions() if s["source"]["port"] == 20001]
    check("reload, all packets", whole and whole[0]["network"]["packets"] == len(packets), whole)


POLICY = "mxwitness-sts: 1\ndomain: charlie.net\nfetched: {}\nid: {}\n\nversion: STSv1\nmode: {}\nmx: mx.charlie.net\nmax_age: 86400\n"


def test_policies(work):
    """MTA-STS policies that come into the folder count without a restart, at SIGHUP too; one that cannot be read takes none away."""
    folder = tempfile.mkdtemp(dir=work)
    os.chmod(folder, 0o755)
    sender = Sender("a0")
    watch = Watch(work, "--dns", "off", "--evidence", os.path.join(folder, "evidence"), config=f"sts_cache: {folder}\n")

    def put(policy_id, mode):
        with open(os.path.join(folder, "new"), "w", encoding="utf-8") as f:
            f.write(POLICY.format(int(time.time()) - 1, policy_id, mode))
        os.rename(os.path.join(folder, "new"), os.path.join(folder, "charlie.net.sts"))

    def sts_of(number):
        sender.send(flow(number, "strip-no-dane"))
        got = wait_for(lambda: [s for s in watch.sessions() if s["source"]["port"] == 20000 + number])
        return got[0]["mxwitness"].get("sts", {}) if got else None

    check("policies, none yet", sts_of(1) == {}, watch.log())
    put(1, "enforce")
    check("policies, read", watch.said(": 1 MTA-STS policies", 30), watch.log())
    check("policies, it counts", (sts_of(2) or {}).get("mode") == "enforce", watch.events())
    put(2, "testing")
    words = len(watch.take_words())
    watch.process.send_signal(signal.SIGHUP)
    check("policies, reloaded", watch.word("READY=1", words), watch.take_words())
    check("policies, at SIGHUP", (sts_of(3) or {}).get("id") == "2", watch.events())
    with open(os.path.join(folder, "charlie.net.sts"), "w", encoding="utf-8") as f:
        f.write("<html>")
    check("policies, a broken one", watch.said("1 files are no policies; charlie.net.sts: ", 30), watch.log())
    check("policies, the one before", (sts_of(4) or {}).get("id") == "2", watch.events())
    status, _ = watch.end()
    sender.close()
    check("policies, end", status == 0, watch.log())
    told = [a["mxwitness"]["evidence"] for a in watch.alerts() if a["mxwitness"].get("sts", {}).get("mode") == "enforce"]
    check("policies, evidence", told and all(e.get("reproduced") is True for e in told), told)


def test_rotated(work):
    """logrotate: the file is moved, then SIGHUP; no session is missing in the two."""
    watch = Watch(work, "--dns", "off")
    load = Load()
    for k in range(3):
        time.sleep(1)
        os.rename(watch.out, f"{watch.out}.{k}")
        watch.process.send_signal(signal.SIGHUP)
        check("rotated, another", wait_for(lambda: os.path.exists(watch.out)), watch.log())
    time.sleep(1)
    ports = load.end()
    time.sleep(0.5)
    watch.end()
    paths = [f"{watch.out}.{k}" for k in range(3)] + [watch.out]
    check("rotated, all used", all(watch.events(p) for p in paths), [len(watch.events(p)) for p in paths])
    seen = sum((ports_of(watch.sessions(p)) for p in paths), collections.Counter())
    told = sum((ports_of(watch.alerts(p)) for p in paths), collections.Counter())
    check("rotated, sessions", set(seen) == set(ports), set(ports) ^ set(seen))
    check("rotated, alerts", set(told) == set(ports), set(ports) ^ set(told))
    notes.append(f"rotated 3 times: {len(ports)} sessions, {sum(seen.values()) - len(seen)} sessions and "
                 f"{sum(told.values()) - len(told)} alerts twice")


def test_full_disk(work):
    """A file system without room: one message, then everything that had waited."""
    disk = os.path.join(work, "disk")
    os.mkdir(disk)
    run("mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "mxw", disk)
    try:
        out = os.path.join(disk, "out.ndjson")
        watch = Watch(work, "--dns", "off", "-o", out, out=False)
        load = Load(rate=60)
        check("full disk, said", watch.said("cannot be written"), watch.log())
        time.sleep(2)
        check("full disk, alive", watch.log().count("cannot be written") == 1, watch.log())
        run("mount", "-o", "remount,size=64m", disk)
        check("full disk, written again", watch.said("is written again"), watch.log())
        time.sleep(1)
        ports = load.end()
        time.sleep(0.5)
        status, _ = watch.end()
        check("full disk, end", status == 0, watch.log())
        check("full disk, sessions", set(ports_of(watch.sessions(out))) == set(ports), "some are missing")
        told = ports_of(watch.alerts(out))
        check("full disk, alerts", set(told) == set(ports) and max(told.values()) == 1, told.most_common(3))
    finally:
        run("umount", disk)


def test_evidence_waits_for_its_report(work):
    """While an alert cannot be written, its evidence makes no room for the next one's."""
    disk, folder = os.path.join(work, "full"), os.path.join(work, "one")
    os.mkdir(disk)
    run("mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "mxw", disk)
    try:
        out, filler = os.path.join(disk, "out.ndjson"), os.path.join(disk, "filler")
        with open(filler, "wb") as f:
            f.write(bytes(64 * 1024))
        watch = Watch(work, "--dns", "off", "-o", out, "--evidence", folder, "--evidence-budget", "files=1", out=False)
        sender = Sender("a0")
        files = lambda: glob.glob(os.path.join(folder, "*.pcapng"))
        sender.send(flow(1))
        wait_for(files)
        first = files()
        check("report first, written", len(first) == 1 and watch.said("cannot be written"), (first, watch.log()))
        sender.send(flow(2))
        time.sleep(2)
        check("report first, kept", files() == first, (files(), first))
        os.unlink(filler)
        wait_for(lambda: len(ports_of(watch.alerts(out))) == 2)
        status, _ = watch.end()
        sender.close()
        check("report first, end", status == 0 and len(ports_of(watch.alerts(out))) == 2, (status, watch.alerts(out), watch.log()))
        check("report first, then the next", len(files()) == 1 and files() != first, (files(), first))
    finally:
        run("umount", disk)


def test_removed_folder(work):
    """The folder of the output goes away, with the file; later it is there again."""
    folder = os.path.join(work, "removed")
    os.mkdir(folder)
    out = os.path.join(folder, "out.ndjson")
    watch = Watch(work, "--dns", "off", "-o", out, out=False)
    sender = Sender("a0")
    sender.send(flow(1))
    wait_for(lambda: watch.alerts(out))
    os.rename(folder, folder + ".old")
    os.unlink(os.path.join(folder + ".old", "out.ndjson"))
    for n in range(2, 12):
        sender.send(flow(n))
    check("removed folder, said", watch.said("cannot write there"), watch.log())
    time.sleep(3)
    check("removed folder, one message", watch.log().count("cannot write there") == 1, watch.log())
    os.mkdir(folder)
    check("removed folder, back", wait_for(lambda: len(watch.alerts(out)) >= 10), (len(watch.alerts(out)), watch.log()))
    time.sleep(0.5)
    status, _ = watch.end()
    sender.close()
    told = ports_of(watch.alerts(out))
    check("removed folder, end", status == 0, watch.log())
    check("removed folder, alerts", set(told) == set(range(20002, 20012)), told)


def test_slow_reader(work):
    """Standard output into a pipe that nobody reads for a while: nothing is lost, no line is torn, nobody is killed."""
    pipe = os.path.join(work, "pipe")
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDWR)
    watch = Watch(work, "--dns", "off", "-o", pipe, out=False)
    load = Load(rate=60)
    time.sleep(34 if LONG else 4)
    ports = load.end()
    log = watch.log()
    check("slow reader, not killed", "ended" not in log and "life" not in log, log)
    text = bytearray()
    os.set_blocking(end, False)

    def reads():
        while not over:
            with contextlib.suppress(BlockingIOError):
                text.extend(os.read(end, 1 << 16))
                continue
            time.sleep(0.02)
    over = []
    reader = threading.Thread(target=reads)
    reader.start()
    status, _ = watch.end()
    time.sleep(0.5)
    over.append(True)
    reader.join()
    check("slow reader, end", status == 0, watch.log())
    lines = [json.loads(line) for line in text.decode().splitlines()]
    told = ports_of(e for e in lines if e["event"]["dataset"] == "mxwitness.alert")
    check("slow reader, alerts", set(told) == set(ports), f"{len(set(ports) - set(told))} of {len(ports)} missing; {watch.log()}")
    os.close(end)


def test_interfaces(work):
    """Down and up; deleted and made again."""
    veth("c")
    sender = Sender("c0")
    watch = Watch(work, "--dns", "off", interfaces="c1")
    sender.send(flow(1))
    wait_for(lambda: len(watch.alerts()) >= 1)
    inside("ip", "link", "set", "c1", "down")
    check("interface down, said", watch.said("down or gone"), watch.log())
    inside("ip", "link", "set", "c1", "up")
    time.sleep(1)
    sender.send(flow(2))
    check("interface up again", wait_for(lambda: len(watch.alerts()) >= 2), (watch.log(), ports_of(watch.alerts())))
    sender.close()
    inside("ip", "link", "del", "c0")
    time.sleep(2)
    veth("c")
    check("interface made again, said", watch.said("is back"), watch.log())
    time.sleep(1.5)
    sender = Sender("c0")
    sender.send(flow(3))
    check("interface made again", wait_for(lambda: len(watch.alerts()) >= 3), (watch.log(), ports_of(watch.alerts())))
    sender.close()
    status, _ = watch.end()
    check("interfaces, end", status == 0, watch.log())
    inside("ip", "link", "del", "c0")


def test_interface_workers(work):
    """The same with two workers, whose rings cannot move to another interface: they begin anew."""
    veth("c")
    watch = Watch(work, "--dns", "off", interfaces="c1", config="capture: {workers: 2}\n")
    inside("ip", "link", "del", "c0")
    time.sleep(2)
    veth("c")
    check("two workers, said", watch.said("is back"), watch.log())
    time.sleep(2.5)
    sender = Sender("c0")
    for n in range(20):
        sender.send(flow(n))
    check("two workers, made again", wait_for(lambda: len(watch.alerts()) >= 20), (watch.log(), ports_of(watch.alerts())))
    sender.close()
    status, _ = watch.end()
    check("two workers, end", status == 0, watch.log())
    inside("ip", "link", "del", "c0")


def test_two_taps(work):
    """Each direction of a link on an interface of its own."""
    a, b = Sender("a0"), Sender("b0")
    watch = Watch(work, "--dns", "off", interfaces="a1,b1")
    for n in range(30):
        for p in flow(n):
            (b if struct.unpack_from(">H", p, tcp_at(p))[0] == 25 else a).send([p])
            time.sleep(0.0005)
    wait_for(lambda: len(watch.alerts()) >= 30)
    status, _ = watch.end()
    told = ports_of(watch.alerts())
    check("two taps, end", status == 0, watch.log())
    check("two taps", set(told) == set(range(20000, 20030)) and max(told.values()) == 1, told)
    whole = [s for s in watch.sessions() if s["source"]["port"] in told]
    check("two taps, sessions", len(whole) == 30, len(whole))
    a.close()
    b.close()


def field(event, name):
    for part in name.split("."):
        event = event.get(part, {}) if isinstance(event, dict) else {}
    return event if event != {} else None


def test_one_way(work):
    """Only what the server sends."""
    name = "weak-tls10"
    watch = Watch(work, "--dns", "off")
    sender = Sender("a0")
    sender.send(from_server(template(name)))
    time.sleep(0.5)
    watch.end()
    sender.close()
    s = watch.sessions()
    check("one way, a session", len(s) == 1, watch.events())
    if s:
        for fact in ("mxwitness.smtp.banner", "mxwitness.smtp.starttls.offered", "tls.version", "tls.cipher",
                     "tls.server.x509.subject.distinguished_name"):
            check("one way, " + fact, field(s[0], fact) is not None, json.dumps(s[0]))


def chained(path):
    """Is each line of the manifest chained to the one before?"""
    before = b""
    for line in open(path, "rb").read().splitlines():
        chain, rest = line.split(b" ", 1)
        if hashlib.sha256(before + rest).hexdigest().encode() != chain:
            return False
        before = line
    return bool(before)


def test_evidence(work):
    """Evidence that watch writes is verified, and by `mxwitness verify` too; the manifest goes on in another output process."""
    folder = os.path.join(work, "evidence")
    watch = Watch(work, "--dns", "off", "--evidence", folder)
    sender = Sender("a0")
    for n in range(2):
        sender.send(flow(n))
    wait_for(lambda: len(watch.alerts()) >= 2, 30)
    pid = watch.pids()["output"]
    os.kill(pid, signal.SIGKILL)
    check("evidence, another output", again_after(watch, "output", pid), watch.log())
    for n in range(2, 4):
        sender.send(flow(n))
    wait_for(lambda: len({a["event"]["id"] for a in watch.alerts()}) >= 5, 30)
    status, _ = watch.end()
    sender.close()
    check("evidence, end", status == 0, watch.log())
    files = glob.glob(os.path.join(folder, "**", "*.pcapng"), recursive=True)
    check("evidence, files", len(files) == 4, (files, watch.log()))
    done = subprocess.run([PROGRAM, "verify", "--trust-anchor", ANCHOR, *files], capture_output=True, text=True, check=False)
    manifest = os.path.join(folder, "MANIFEST")
    check("evidence, manifest", chained(manifest), open(manifest).read())
    check("evidence, verifies", done.returncode == 0, done.stdout + done.stderr)
    named = [field(a, "mxwitness.evidence.file") or field(a, "mxwitness.evidence") for a in watch.alerts() if "source" in a]
    check("evidence, named", named and all(named), watch.alerts()[:1])
    own = [a for a in watch.alerts() if "source" not in a]  # another process was started anew: no packet shows that
    check("evidence, of the sensor", own and not any(field(a, "mxwitness.evidence") for a in own), own)


def test_watchdog(work):
    """WATCHDOG=1 while the packet loop turns, and not while it hangs; a loop that hangs is killed and begun anew."""
    watch = Watch(work, "--dns", "off", watchdog=4000000)
    check("watchdog", watch.word("WATCHDOG=1"), watch.take_words())
    pid = watch.pids()["capture0"]
    os.kill(pid, signal.SIGSTOP)
    time.sleep(6)
    words = len(watch.take_words())
    time.sleep(5)
    check("watchdog, hangs", not any("WATCHDOG" in w for _, w in watch.take_words()[words:]), watch.take_words()[words:])
    if LONG:
        check("watchdog, killed", watch.said("capture0: shows no life", 40), watch.log())
        check("watchdog, anew", again_after(watch, "capture0", pid), watch.pids())
        words = len(watch.take_words())
        check("watchdog, turns again", watch.word("WATCHDOG=1", words), watch.take_words())
    else:
        os.kill(pid, signal.SIGCONT)
        check("watchdog, turns again", watch.word("WATCHDOG=1", words), watch.take_words())
    words = len(watch.take_words())
    watch.process.send_signal(signal.SIGTERM)
    check("watchdog, stopping", watch.word("STOPPING=1", words), watch.take_words())
    watch.end()


def compare(folder):
    """FOLDER/NAME.watch.ndjson, made by tools/record --watch, with what read says of NAME.pcapng."""
    for path in sorted(glob.glob(os.path.join(folder, "**", "*.watch.ndjson"), recursive=True)):
        base = path[:-len(".watch.ndjson")]
        anchor = os.path.join(folder, "root.anchor")
        done = subprocess.run([PROGRAM, "read", "--other-ports", "off", "--format", "ndjson", "--trust-anchor", anchor, base + ".pcapng"], capture_output=True,
                              text=True, check=False)
        with open(path, encoding="utf-8") as f:
            n = same(os.path.basename(base), [json.loads(line) for line in f], [json.loads(line) for line in done.stdout.splitlines()],
                     ids=False)
        notes.append(f"{os.path.basename(base)}: {n[0]} sessions, {n[1]} alerts")


# What make live runs, and make check does not.
LONG_TESTS = ("test_killed_resolver", "test_killed_forwarder", "test_killed_verifier", "test_slow_reader", "test_interface_workers",
              "test_watchdog", "test_policies")


def main():
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    tests = [(k, v) for k, v in globals().items() if k.startswith("test_") and only in k and (LONG or only or k not in LONG_TESTS)]
    with tempfile.TemporaryDirectory(prefix="mxw-watch-") as work:
        os.chmod(work, 0o755)
        for name, test in tests:
            begin = time.monotonic()
            try:
                test(work)
            except (AssertionError, subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError, json.JSONDecodeError) as e:
                check(name, False, f"{type(e).__name__} {e} {getattr(e, 'stderr', '')}")
                traceback.print_exc()
            print(f"  {name}: {time.monotonic() - begin:.1f} s", flush=True)


if __name__ == "__main__":
    if "--compare" in sys.argv:
        compare(sys.argv[sys.argv.index("--compare") + 1])
        for note in notes:
            print("  " + note)
        print(f"watch beside servers: {passed} passed, {failed} failed")
        sys.exit(failed != 0 or not notes)
    tools = ("ip", "tcpdump", "editcap")
    missing = [t for t in tools if not shutil.which(t)]
    if missing or os.geteuid() != 0 or not os.access(PROGRAM, os.X_OK):
        print(f"watch: 0 passed, 0 failed, 1 skipped (needs root, mxwitness, {', '.join(missing or tools)})")
        sys.exit(0)
    try:
        run("ip", "netns", "add", NS)
    except subprocess.CalledProcessError as e:
        print(f"watch: 0 passed, 0 failed, 1 skipped ({e.stderr.strip()})")
        sys.exit(0)
    try:
        inside("ip", "link", "set", "lo", "up")
        for pair in "ab":
            veth(pair)
        main()
    finally:
        subprocess.run(("ip", "netns", "del", NS), check=False)
    for note in notes:
        print("  " + note)
    print(f"watch: {passed} passed, {failed} failed")
    sys.exit(failed != 0)
