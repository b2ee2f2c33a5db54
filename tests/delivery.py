#!/usr/bin/env python3
"""delivery.py MXWITNESS [--long]: what outputs owe to who waits for the alerts.

Whole      `read -c` brings every event of a capture to a file, a syslog receiver and a unix socket, once each and the same
Down       a receiver that is not there: said once, the run ends with 2; `watch` keeps what waits, over a restart, and brings it later
Bound      a spool that may not grow gives up sessions before alerts, and counts what it gave up
Chaos      alerts without end while the receiver is killed, the sensor killed -9 and the disk filled: every alert arrives,
           with its event.id; the summary says how many twice. --long: 50,000 alerts, 50 and 10 kills; else a part of that

Needs root, ip(8), mount(8), editcap(1); the live part is skipped without. Last line: "delivery: N passed, N failed"."""
import collections, glob, json, os, random, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.abspath(sys.argv[1])
LONG = "--long" in sys.argv
ANCHOR = os.path.join(HERE, "pcaps", "root.anchor")
DEMO = os.path.join(HERE, "pcaps", "demo")
ALERTS, RECEIVER_KILLS, SENSOR_KILLS, RATE = (50000, 50, 10, 1200) if LONG else (2500, 6, 2, 600)
sys.path[:0] = [os.path.join(HERE, "load"), HERE]
import live_capture, sensor

passed = failed = skipped = 0


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAILED {what}: {str(detail)[:3000]}", flush=True)


# ---- receivers ----

# A program of its own, so that it can be killed: whatever comes by one connection is one file; argv: kind, where, folder.
RECEIVER = """
import os, socket, sys, threading
kind, where, folder = sys.argv[1:4]
if kind == "unix":
    if os.path.exists(where): os.unlink(where)
    s = socket.socket(socket.AF_UNIX); s.bind(where); os.chmod(where, 0o777)
else:
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", int(where)))
s.listen(8)
def take(c, n):
    fd = os.open("%s/%d.%d" % (folder, os.getpid(), n), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    while True:
        d = c.recv(16384)
        if not d: return
        os.write(fd, d)
n = 0
print("ready", flush=True)
while True:
    c, _ = s.accept(); n += 1
    threading.Thread(target=take, args=(c, n), daemon=True).start()
"""


class Receiver:
    def __init__(self, folder, kind, where, inside=()):
        self.folder, self.command = folder, [*inside, sys.executable, "-c", RECEIVER, kind, str(where), folder]
        self.kind = kind
        os.makedirs(folder, exist_ok=True)
        self.process = None

    def up(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE)
        self.process.stdout.readline()
        return self

    def down(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
        self.process = None

    def messages(self):
        """Whole ones; a killed receiver's last one may be torn."""
        out = []
        for path in sorted(glob.glob(self.folder + "/*.*"), key=os.path.getmtime):
            with open(path, "rb") as f:
                data = f.read()
            out += data.split(b"\n")[:-1] if self.kind == "unix" else self.counted(data)
        return out

    @staticmethod
    def counted(data):
        at = 0
        while m := re.match(rb"(\d+) ", data[at:at + 12]):
            begin, at = at + m.end(), at + m.end() + int(m[1])
            if at <= len(data):
                yield data[begin:at]

    def events(self):
        return [json.loads(m[m.index(b"{"):]) for m in self.messages()]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def config(path, *outputs, more=""):
    with open(path, "w", encoding="ascii") as f:
        f.write(more + "outputs:\n" + "".join(f"  - {json.dumps(o)}\n" for o in outputs))
    return path


def lines_of(path):
    with open(path, "rb") as f:
        return [json.loads(line) for line in f.read().split(b"\n")[:-1]]


def until(holds, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not holds():
        time.sleep(0.05)
    return holds()


def ids(events):
    return collections.Counter(e["event"]["id"] for e in events)


# ---- read ----

def read(work, *outputs):
    path = config(os.path.join(work, "read.yaml"), *outputs)
    return subprocess.run([PROGRAM, "read", "--trust-anchor", ANCHOR, "-c", path, DEMO], capture_output=True, text=True, timeout=120,
                          env=dict(os.environ, TMPDIR=work))


def whole(work):
    port, path = free_port(), os.path.join(work, "whole.ndjson")
    open(path, "w").close()
    os.chmod(path, 0o666)
    tcp = Receiver(os.path.join(work, "tcp"), "tcp", port).up()
    unix = Receiver(os.path.join(work, "unix"), "unix", os.path.join(work, "unix.sock")).up()
    r = read(work, {"type": "file", "path": path}, {"type": "syslog", "transport": "tcp", "address": f"127.0.0.1:{port}"},
             {"type": "unix", "path": os.path.join(work, "unix.sock"), "datasets": ["alert"], "minimum_level": "critical"})
    tcp.down(), unix.down()
    file, syslog, alerts = lines_of(path), tcp.events(), unix.events()
    plain = subprocess.run([PROGRAM, "read", "--trust-anchor", ANCHOR, "--format", "ndjson", DEMO], capture_output=True, text=True, timeout=60)
    check("read: exit status is that of the alerts", r.returncode == 1 == plain.returncode, (r.returncode, r.stderr))
    check("read: the same events as without outputs", [json.loads(x) for x in plain.stdout.splitlines()] == file, r.stderr)
    check("read: every event came by syslog, once, in order, the same", syslog == file, f"{len(syslog)} of {len(file)}")
    check("read: the numbers have no hole", [e["event"]["sequence"] for e in syslog] == list(range(1, len(syslog) + 1)))
    want = [e for e in file if e["event"]["dataset"] == "mxwitness.alert" and e["mxwitness"]["alert"]["level"] == "critical"]
    check("read: datasets and minimum_level", want and ids(alerts) == ids(want), (len(alerts), len(want)))
    check("read: numbered for itself", [e["event"]["sequence"] for e in alerts] == list(range(1, len(alerts) + 1)))
    check("read: nothing is left behind", not glob.glob(work + "/mxwitness-spool*"), os.listdir(work))


def away(work):
    begin = time.monotonic()
    r = read(work, {"type": "syslog", "name": "siem", "transport": "tcp", "address": f"127.0.0.1:{free_port()}"})
    said = [line for line in r.stderr.splitlines() if "siem" in line]
    check("read, nobody there: ends with 2 in a while", r.returncode == 2 and time.monotonic() - begin < 60, (r.returncode, r.stderr))
    check("read, nobody there: says so, and how many did not arrive",
          len(said) == 2 and "wait" in said[0] and "did not arrive" in said[1], r.stderr)


# ---- watch ----

TEMPLATE = [p for _, _, p in live_capture.read_pcap(os.path.join(HERE, "pcaps", "masked-keyword.pcapng")) if live_capture.tcp_at(p)] \
    if shutil.which("editcap") else []

# Sessions, each with an alert, to a server of its own each; on standard input: how many from which number on at what rate.
MAIL = """
import socket, struct, sys, time
packets = eval(sys.stdin.readline())
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("f1", 0))
for line in sys.stdin:
    first, n, rate = (int(w) for w in line.split())
    begin = time.monotonic()
    for i in range(first, first + n):
        for p, t, says in packets:
            q = bytearray(p)
            struct.pack_into(">H", q, t + (2 if says else 0), 20000 + i % 40000)
            struct.pack_into(">I", q, 26 if says else 30, 0xC6120000 + i)
            s.send(q)
        if i % 8 == 0:
            late = (i - first) / rate - (time.monotonic() - begin)
            if late > 0: time.sleep(late)
    print("sent", flush=True)
"""


class Mail:
    """Puts sessions in at f1, in a process that stays."""

    def __init__(self, wire):
        packets = [(p, t := live_capture.tcp_at(p), p[t] * 256 + p[t + 1] == 25) for p in TEMPLATE]
        self.process = subprocess.Popen(wire.inside(sys.executable, "-c", MAIL), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.process.stdin.write(repr(packets) + "\n")
        self.next = 0

    def send(self, n, rate=RATE):
        self.process.stdin.write(f"{self.next} {n} {rate}\n")
        self.process.stdin.flush()
        self.process.stdout.readline()
        self.next += n

    def end(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Watch:
    """`mxwitness watch` that can be killed with all its processes, and begun again."""

    def __init__(self, wire, work, path):
        self.command = wire.inside(PROGRAM, "watch", "-i", "f0", "--dns", "off", "-c", path)
        self.log_path, self.process = os.path.join(work, "log"), None

    def up(self):
        with open(self.log_path, "ab") as log:
            at = log.tell()
            ready = os.path.join(os.path.dirname(self.log_path), "notify")
            if os.path.exists(ready):
                os.unlink(ready)
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.bind(ready)
                os.chmod(ready, 0o777)
                s.settimeout(30)
                self.process = subprocess.Popen(self.command, stderr=log, env=dict(os.environ, NOTIFY_SOCKET=ready))
                while b"READY=1" not in s.recv(256):
                    pass
        time.sleep(0.3)
        return at

    def below(self, pid):
        found = [pid]
        try:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
                for child in f.read().split():
                    found += self.below(int(child))
        except OSError:
            pass
        return found

    def kill(self):
        for pid in self.below(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=90)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()


def spool_of(work, name="siem"):
    return os.path.join(work, "spool", name)


def base(work, port, **more):
    """A file as a witness, and a receiver."""
    path = os.path.join(work, "witness.ndjson")
    siem = dict({"type": "syslog", "name": "siem", "transport": "tcp", "address": f"127.0.0.1:{port}", "datasets": ["alert"]}, **more)
    return path, config(os.path.join(work, "watch.yaml"), {"type": "file", "path": path, "datasets": ["alert"]}, siem,
                        more=f"state: none\nstatus: {{socket: none}}\nspool: {work}/spool\nlimits: {{flows: 20000}}\n")


def arrived(receiver, n):
    return len({e["event"]["sequence"] for e in receiver.events()}) >= n


def down_for_long(wire, work):
    port = free_port()
    witness, path = base(work, port)
    receiver = Receiver(os.path.join(work, "late"), "tcp", port, wire.inside())
    watch, mail = Watch(wire, work, path), Mail(wire)
    watch.up()
    mail.send(40)
    check("watch: alerts are written though the receiver is away", until(lambda: os.path.exists(witness) and len(lines_of(witness)) >= 40, 20),
          watch.log())
    time.sleep(2)
    check("watch: says once that its events wait", watch.log().count("events wait") == 1, watch.log())
    check("watch: ends cleanly all the same", watch.end() == 0, watch.log())
    receiver.up()
    watch.up()
    check("watch: what waited comes after the restart", until(lambda: arrived(receiver, 40), 20), (len(receiver.events()), watch.log()))
    mail.send(10)
    check("watch: and what follows", until(lambda: arrived(receiver, 50), 20), (len(receiver.events()), watch.log()))
    time.sleep(0.3)
    check("watch: ends cleanly", watch.end() == 0, watch.log())
    receiver.down()
    mail.end()
    events = receiver.events()
    check("watch: each arrived once, in order", [e["event"]["sequence"] for e in events] == list(range(1, len(events) + 1)),
          [e["event"]["sequence"] for e in events])
    check("watch: the same alerts as in the file", ids(events) == ids(lines_of(witness)))


def chaos(wire, work):
    port = free_port()
    disk = os.path.join(work, "spool")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=1777", "tmpfs", disk], check=True)
    try:
        in_chaos(wire, work, port, disk)
    finally:
        subprocess.run(["umount", "-l", disk], check=False)


def fill(disk):
    path = os.path.join(disk, "fill")
    with open(path, "wb") as f:
        try:
            while True:
                f.write(b"\0" * 65536)
                f.flush()
        except OSError:
            return path


def in_chaos(wire, work, port, disk):
    chance = random.Random(8)
    witness, path = base(work, port, spool="1GiB")
    receiver = Receiver(os.path.join(work, "chaos"), "tcp", port, wire.inside()).up()
    watch, mail, over = Watch(wire, work, path), Mail(wire), threading.Event()
    watch.up()
    kills = 0

    def killer():
        nonlocal kills
        pause = 0.9 * ALERTS / RATE / RECEIVER_KILLS
        while kills < RECEIVER_KILLS and not over.is_set():
            time.sleep(pause * (0.5 + chance.random()))
            receiver.down()
            time.sleep(0.3 * chance.random())
            receiver.up()
            kills += 1

    thread = threading.Thread(target=killer)
    thread.start()
    share = ALERTS // (SENSOR_KILLS + 1)
    for i in range(SENSOR_KILLS + 1):
        if i == 1:
            filled = fill(disk)
            mail.send(max(share // 8, 200), RATE)
            full = until(lambda: "cannot be written" in watch.log(), 20)
            check("chaos: the disk was full, and it was said", full, watch.log()[-2000:])
            os.unlink(filled)
            check("chaos: and that it is written again", until(lambda: "spool is written again" in watch.log(), 20), watch.log()[-2000:])
        mail.send(share)
        if i < SENSOR_KILLS:
            watch.kill()
            watch.up()
    thread.join()

    def raised():
        return len(lines_of(witness))
    count = -1
    while count != raised():  # until the sensor has judged all that it took
        count = raised()
        time.sleep(1.5)
    if LONG:
        while raised() < ALERTS:  # what a killed sensor had not judged is no alert: others take its place
            mail.send(ALERTS - raised() + 50)
            time.sleep(3)
    want = ids(lines_of(witness))
    check("chaos: all that was raised arrives", until(lambda: not (want.keys() - ids(receiver.events()).keys()), 60 if LONG else 30),
          (len(want), len(ids(receiver.events())), watch.log()[-2000:]))
    time.sleep(2.5)
    check("chaos: the sensor ends cleanly", watch.end() == 0, watch.log()[-2000:])
    over.set()
    receiver.down()
    mail.end()
    got = receiver.events()
    numbers = collections.Counter(e["event"]["sequence"] for e in got)
    check("chaos: the numbers have no hole", set(numbers) == set(range(1, max(numbers) + 1)), sorted(set(range(1, max(numbers))) - set(numbers))[:20])
    check("chaos: as many alerts as there should be", len(want) >= 0.8 * ALERTS, (len(want), ALERTS))
    pairs = {(e["event"]["sequence"], e["event"]["id"]) for e in got}
    check("chaos: what comes again comes with its number and its event.id", len(pairs) == len(numbers), (len(pairs), len(numbers)))
    check("chaos: kills", kills == RECEIVER_KILLS, kills)
    check("chaos: nothing waits in the spool", sum(os.path.getsize(f) for f in glob.glob(spool_of(work) + "/*")) < 18 << 20, os.listdir(disk))
    again = sum(n - 1 for n in numbers.values())
    missing = len(want.keys() - ids(got).keys())
    print(f"chaos: {len(want)} alerts raised, receiver killed {kills} times, sensor {SENSOR_KILLS} times, disk full once: {len(numbers)} arrived, "
          f"{missing} did not, {sum(n > 1 for n in numbers.values())} of them twice or more ({again} messages too many)")
    check("chaos: no alert was given up", "given up" not in watch.log(), watch.log()[-2000:])


def main():
    global skipped
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o777)
        whole(work)
        if LONG:
            away(work)
        why = sensor.usable() or ("" if TEMPLATE else "editcap is missing")
        if why:
            skipped = 1
            print("the live part is skipped: " + why)
        else:
            for part in (down_for_long, chaos):
                with sensor.Wire(part.__name__[:5]) as wire, tempfile.TemporaryDirectory() as place:
                    os.chmod(place, 0o777)
                    sensor.run(*wire.inside("ip", "link", "set", "lo", "up"))
                    part(wire, place)
    print(f"delivery: {passed} passed, {failed} failed" + (f", {skipped} skipped ({why})" if skipped else ""))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
