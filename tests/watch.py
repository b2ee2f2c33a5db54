#!/usr/bin/env python3
"""`mxwitness watch` on a wire: what it says equals what `read` says of a capture of the same packets, and no death, full disk
or lost interface takes an alert away.

usage: watch.py MXWITNESS [--long] [--only WORD]    --long: also what takes minutes, with more load

A veth pair in a network namespace of its own: packets go in at one end (AF_PACKET), the sensor listens at the other.
Needs root, ip(8), tcpdump(1), editcap(1); skipped without. Last line: "watch: N passed, N failed"."""
import collections
import contextlib
import ctypes
import glob
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PCAPS = os.path.join(HERE, "pcaps")
ANCHOR = os.path.join(PCAPS, "root.anchor")
PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
LONG = "--long" in sys.argv
NS = f"mxwwatch{os.getpid()}"
CLEAR = "masked-keyword"        # one session in clear, one alert (starttls-keyword-masked, medium), without any DNS
CLEAR_RULE = "starttls-keyword-masked"
JOBS = ("output", "judge", "resolver", "forwarder", "verifier", "capture0")
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
    """The packets of the one TCP connection of a capture, as client number (its address and port are made of it)."""
    out = []
    for p in template(name):
        t = tcp_at(p)
        client = struct.unpack_from(">H", p, t + 2)[0] == port
        q = bytearray(p)
        struct.pack_into(">H", q, t + (0 if client else 2), 20000 + number % 40000)
        q[(28 if client else 32)] = 1 + number // 40000
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
    done = subprocess.run([PROGRAM, "read", "--format", "ndjson", "--trust-anchor", ANCHOR, *args], capture_output=True, text=True,
                          check=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- what is compared ----

def ends_of(event):
    return tuple(str(event.get(side, {}).get(key)) for side in ("source", "destination") for key in ("ip", "port"))


def said_of(event):
    """All that an alert says that matters, without times."""
    m = event["mxwitness"]
    return (event["rule"]["id"], m.get("variant"), m["alert"]["level"], m.get("certainty"), ends_of(event))


def last_revisions(alerts):
    """Each incident's last word."""
    last = {}
    for a in alerts:
        known = last.get(a["mxwitness"]["alert"]["incident"])
        if not known or a["mxwitness"]["alert"]["revision"] >= known["mxwitness"]["alert"]["revision"]:
            last[a["mxwitness"]["alert"]["incident"]] = a
    return list(last.values())


def judged(event):
    m = event["mxwitness"]
    return (ends_of(event), m.get("verdict"), tuple(sorted((f["id"], f.get("variant"), f["level"], f.get("certainty"))
                                                            for f in m.get("finding", []))))


def difference(a, b):
    a, b = collections.Counter(a), collections.Counter(b)
    return list((a - b).elements())[:4], list((b - a).elements())[:4]


def same(what, watched, read_events):
    """Sessions and alerts of the one and the other."""
    of = lambda events, kind: [e for e in events if e["event"]["dataset"] == "mxwitness." + kind]
    s = difference(map(judged, of(watched, "session")), map(judged, of(read_events, "session")))
    a = difference(map(said_of, last_revisions(of(watched, "alert"))), map(said_of, of(read_events, "alert")))
    check(what + ", sessions", s == ([], []), f"only watch: {s[0]}\n   only read: {s[1]}")
    check(what + ", alerts", a == ([], []), f"only watch: {a[0]}\n   only read: {a[1]}")
    i = difference({e["event"]["id"] for e in of(watched, "session")}, {e["event"]["id"] for e in of(read_events, "session")})
    check(what + ", ids", i == ([], []), i)
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
        check("latency, the session goes on", len(watch.sessions()) == number, len(watch.sessions()))
        sender.send(packets[n:])
        wait_for(lambda: len(watch.sessions()) > number, 30)
    watch.end()
    sender.close()
    check("latency, told once", len(watch.alerts()) == 5 and len(watch.sessions()) == 5, (len(watch.alerts()), len(watch.sessions())))
    check("latency, time", max(took) < 1.5, took)
    notes.append(f"alert after the decisive packet: {min(took) * 1000:.0f} to {max(took) * 1000:.0f} ms")


def main():
    only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
    tests = [(k, v) for k, v in globals().items() if k.startswith("test_") and only in k]
    with tempfile.TemporaryDirectory(prefix="mxw-watch-") as work:
        os.chmod(work, 0o755)
        for name, test in tests:
            begin = time.monotonic()
            try:
                test(work)
            except (AssertionError, subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError, json.JSONDecodeError) as e:
                check(name, False, f"{type(e).__name__} {e} {getattr(e, 'stderr', '')}")
                import traceback
                traceback.print_exc()
            print(f"  {name}: {time.monotonic() - begin:.1f} s", flush=True)


if __name__ == "__main__":
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
