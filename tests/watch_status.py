#!/usr/bin/env python3
"""What `mxwitness watch` says of itself: stats events, `mxwitness status`, metrics, and alerts about the sensor.

usage: watch_status.py MXWITNESS

Several sensors side by side in one network namespace, each on a veth pair of its own with another trouble. Needs root and
ip(8); skipped without. promtool(1) judges the metrics where it is installed. Last line: "watch status: N passed, N failed"."""
import json
import os
import pty
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
NS = f"mxwstatus{os.getpid()}"
passed = failed = 0
notes = []


def check(what, good, detail=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print(f"{what}: {str(detail)[:1500]}", flush=True)


def run(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout


def until(what, test, seconds):
    """The first true value of test(), or None."""
    end = time.time() + seconds
    while time.time() < end:
        got = test()
        if got:
            return got
        time.sleep(0.25)
    return None


# ---- packets ----

SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8
CLIENT, SERVER = b"\xc0\x00\x02\x0a", b"\xc6\x33\x64\x19"


def checksum(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(f">{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def packet(sport, dport, seq, ack, flags, body, from_client):
    src, dst = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
    tcp = struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65000, 0, 0)
    pseudo = src + dst + struct.pack(">BBH", 0, 6, len(tcp) + len(body))
    tcp = tcp[:16] + struct.pack(">H", checksum(pseudo + tcp + body)) + tcp[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(body), 1, 0, 64, 6, 0) + src + dst
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\x00" + ip + tcp + body


TALK = [(False, b"220 mx.example.net ESMTP\r\n"), (True, b"EHLO out.example.org\r\n"),
        (False, b"250-mx.example.net\r\n250 SIZE 1000000\r\n"), (True, b"QUIT\r\n"), (False, b"221 bye\r\n")]


def session(port, talk=TALK, sides=(True, False), reset=False):
    """One connection on port 25 as packets; sides: whose packets the sensor is given."""
    seq = {True: 1000, False: 5000}
    out = []

    def say(client, flags, body=b""):
        ports = (port, 25) if client else (25, port)
        ack = seq[not client] if flags & ACK else 0
        out.append((client, packet(*ports, seq[client], ack, flags, body, client)))
        seq[client] += len(body) + bool(flags & (SYN | FIN))

    say(True, SYN)
    say(False, SYN | ACK)
    say(True, ACK)
    for client, body in talk:
        say(client, ACK | PSH, body)
    if reset:
        say(True, RST | ACK)
        say(False, RST | ACK)
    else:
        say(False, FIN | ACK)
        say(True, FIN | ACK)
        say(False, ACK)
    return [p for client, p in out if client in sides]


def handshake():
    """A whole handshake of TLS, as both sides say it."""
    key, cert = os.path.join(TMP, "key.pem"), os.path.join(TMP, "cert.pem")
    if not os.path.exists(cert):
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=mx.example.net")
    contexts = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    contexts[0].check_hostname, contexts[0].verify_mode = False, ssl.CERT_NONE
    contexts[1].load_cert_chain(cert, key)
    to_client, to_server, talk = ssl.MemoryBIO(), ssl.MemoryBIO(), []
    sides = ((True, contexts[0].wrap_bio(to_client, to_server), to_server),
             (False, contexts[1].wrap_bio(to_server, to_client, server_side=True), to_client))
    for _ in range(4):
        for is_client, side, to in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            said = to.read()
            to.write(said)
            talk += [(is_client, said[i:i + 1400]) for i in range(0, len(said), 1400)]
    return talk


# ---- a sensor ----

class Sensor:
    number = 0

    def __init__(self, name, config=""):
        Sensor.number += 1
        self.dir = os.path.join(TMP, name)
        os.mkdir(self.dir)
        os.chmod(self.dir, 0o777)
        self.there, self.here = f"st{Sensor.number}a", f"st{Sensor.number}b"
        run("ip", "link", "add", "name", self.there, "type", "veth", "peer", "name", self.here)
        for i in (self.there, self.here):
            with open(f"/proc/sys/net/ipv6/conf/{i}/disable_ipv6", "w") as f:
                f.write("1")
            run("ip", "link", "set", i, "up")
        self.socket, self.file = self.path("s.sock"), self.path("m.prom")
        with open(self.path("c.yaml"), "w") as f:
            f.write(f"status: {{socket: {self.socket}}}\nstats: {{interval: 2s}}\nstate: none\n"
                    + config.replace("DIR", self.dir))
        self.process = subprocess.Popen(
            (PROGRAM, "watch", "-i", self.here, "-c", self.path("c.yaml"), "--dns", "off", "--rules",
             os.path.join(HERE, "..", "rules"), "-o", self.path("out")), stderr=open(self.path("err"), "w"))
        self.raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.raw.bind((self.there, 0))
        self.sent = self.octets = 0

    def path(self, name):
        return os.path.join(self.dir, name)

    def send(self, packets):
        for p in packets:
            self.raw.send(p)
            self.sent += 1
            self.octets += len(p)

    def ask(self, *more):
        return subprocess.run((PROGRAM, "status", "--socket", self.socket) + more, capture_output=True, text=True)

    def now(self):
        got = self.ask()
        try:
            return json.loads(got.stdout)["mxwitness"]["stats"]
        except (ValueError, KeyError):
            return {}

    def ready(self):
        return bool(until("ready", lambda: self.now().get("interfaces"), 15))

    def events(self, dataset):
        if not os.path.exists(self.path("out")):
            return []
        with open(self.path("out")) as f:
            lines = [json.loads(line) for line in f.read().split("\n")[:-1]]
        return [e for e in lines if e["event"]["dataset"] == "mxwitness." + dataset]

    def alerts(self, finding, state=None):
        return [a for a in self.events("alert") if a["rule"]["id"] == finding and
                (state is None or a["mxwitness"]["alert"]["state"] == state)]

    def pid(self, job):
        for p in os.listdir("/proc"):
            try:
                if p.isdigit() and open(f"/proc/{p}/comm").read() == f"mxw-{job}\n" and \
                   f"\nPPid:\t{self.process.pid}\n" in open(f"/proc/{p}/status").read():
                    return int(p)
            except OSError:
                continue
        return 0

    def err(self):
        return open(self.path("err")).read()

    def end(self):
        self.raw.close()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


def by_name(stats, what, name):
    return next((o for o in stats.get(what, []) if o["name"] == name), {})


# ---- tests ----

def nobody():
    got = subprocess.run((PROGRAM, "status", "--socket", os.path.join(TMP, "nobody")), capture_output=True, text=True)
    check("nobody listens", got.returncode == 2 and "nobody listens at" in got.stderr and not got.stdout, got)
    for bad in (("status", "x"), ("status", "--dns", "off"), ("read", "--once", "x"), ("status", "--format", "xml")):
        got = subprocess.run((PROGRAM,) + bad, capture_output=True, text=True)
        check(f"refused {bad}", got.returncode == 2, got)


def numbers(s, sessions):
    """What was sent is what is counted, everywhere."""
    got = until("sessions", lambda: (n := s.now()).get("sessions") == sessions and n.get("flows_active") == 0 and n, 25) or s.now()
    check("sessions", got.get("sessions") == sessions, got)
    check("packets", got.get("packets") == s.sent and got.get("octets") == s.octets, (s.sent, s.octets, got))
    i = by_name(got, "interfaces", s.here)
    check("interface", i.get("packets") == s.sent and i.get("link") == "up" and i.get("received", 0) >= s.sent, i)
    check("flows", got.get("flows") == sessions and got.get("flows_active") == 0, got)
    check("segments", got.get("segments") == sessions * len(TALK) and got.get("checksums_bad") == 0, got)
    check("verdicts", sum(v["sessions"] for v in got.get("verdicts", [])) == sessions, got.get("verdicts"))
    check("nothing wrong", not got.get("degraded") and not got.get("silent"), got)
    names = [p["name"] for p in got.get("processes", [])]
    check("processes", names == ["output", "judge", "resolver", "forwarder", "verifier", "deliver", "capture0", "supervisor"], names)
    check("memory and time", all(p["memory"] > 0 for p in got.get("processes", [])), got.get("processes"))
    check("queues", {q["name"] for q in got.get("queues", [])} == {"judge-output", "capture0-judge"}, got.get("queues"))
    check("rules", got.get("rules", {}).get("loaded", 0) > 100, got.get("rules"))
    out = until("stats event", lambda: (e := s.events("stats")) and e[-1]["mxwitness"]["stats"].get("sessions") == sessions and e, 10)
    check("stats event", out and out[-1]["mxwitness"]["stats"]["packets"] == s.sent, out and out[-1])
    intervals = [e["mxwitness"]["stats"]["interval"] for e in s.events("stats")]
    check("interval", all(1.5e9 < i < 4e9 for i in intervals), intervals)
    check("session events", len(s.events("session")) == sessions, len(s.events("session")))
    disk = by_name(got, "disks", s.dir)
    check("disk", disk.get("size", 0) > 0 and disk.get("free", 0) > 0, got.get("disks"))
    written = until("output", lambda: by_name(s.now(), "outputs", s.path("out")[:32]).get("written", 0) >= sessions, 5)
    check("output", written, got.get("outputs"))


def table(s):
    got = s.ask("--format", "table")
    check("table", got.returncode == 0 and "sensor        well" in got.stdout and "\033" not in got.stdout and s.here in got.stdout, got)
    got = s.ask("--once")
    check("ndjson elsewhere", got.returncode == 0 and got.stdout.startswith("{") and got.stdout.count("\n") == 1, got)


def terminal(s):
    """Drawn anew until q."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(PROGRAM, (PROGRAM, "status", "--socket", s.socket))
    shown, end, pressed = b"", time.time() + 10, False
    while time.time() < end:
        try:
            if select.select([fd], [], [], 0.2)[0]:
                shown += os.read(fd, 65536)
        except OSError:
            break
        if shown.count(b"\033[2J") >= 3 and not pressed:
            os.write(fd, b"q")
            pressed = True
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    os.close(fd)
    check("terminal", pressed and status == 0 and shown.count(b"INTERFACE") >= 3, (status, shown[-300:]))


def greedy(s):
    """Those who connect and do not read hold up nobody."""
    held = []
    for _ in range(40):
        c = socket.socket(socket.AF_UNIX)
        c.settimeout(0.2)
        try:
            c.connect(s.socket)
            c.send(b"x" * 100)
        except OSError:
            pass
        held.append(c)
    start = time.time()
    got = s.ask()
    check("greedy clients", got.returncode == 0 and time.time() - start < 4, (time.time() - start, got.stderr))
    for c in held:
        c.close()


def promtool(what, text):
    if not shutil.which("promtool"):
        notes.append("promtool")
        return
    got = subprocess.run(("promtool", "check", "metrics"), input=text, capture_output=True, text=True)
    check(f"promtool: {what}", got.returncode == 0 and not got.stderr, got)


def over_unix(path, request):
    with socket.socket(socket.AF_UNIX) as c:
        c.settimeout(5)
        c.connect(path)
        c.sendall(request)
        answer = b""
        while True:
            more = c.recv(65536)
            if not more:
                return answer.decode()
            answer += more


def metrics(s, other):
    with urllib.request.urlopen("http://127.0.0.1:9464/metrics", timeout=5) as r:
        kind, text = r.headers["Content-Type"], r.read().decode()
    check("over HTTP", "version=0.0.4" in kind and f'mxwitness_packets_total{{iface="{s.here}"}} {s.sent}\n' in text, (kind, text[:600]))
    promtool("HTTP", text)
    for path, code in (("/", 404), ("/metrics/..", 404)):
        try:
            urllib.request.urlopen("http://127.0.0.1:9464" + path, timeout=5)
            got = 200
        except urllib.error.HTTPError as e:
            got = e.code
        check(f"GET {path}", got == code, got)
    try:
        urllib.request.urlopen("http://127.0.0.1:9464/metrics", data=b"x" * 50000, timeout=5)
        got = 200
    except (OSError, urllib.error.HTTPError) as e:
        got = getattr(e, "code", 0)
    check("POST", got in (405, 0), got)
    text = until("file", lambda: os.path.exists(s.file) and f" {s.sent}\n" in (t := open(s.file).read()) and t, 6) or ""
    check("as a file", "mxwitness_uptime_seconds" in text and not os.path.exists(s.file + ".new"), text[:300])
    promtool("file", text)
    text = over_unix(other.path("m.sock"), b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    check("over a unix socket", text.startswith("HTTP/1.1 200") and "mxwitness_uptime_seconds" in text, text[:300])
    promtool("unix", text.split("\r\n\r\n", 1)[-1])


def reloaded(s, sessions):
    """Other processes, the same numbers."""
    was = s.pid("output"), s.pid("judge")
    os.kill(s.process.pid, signal.SIGHUP)
    check("reload", until("new", lambda: 0 not in (now := (s.pid("output"), s.pid("judge"))) and not set(now) & set(was), 20), was)
    time.sleep(3)                                      # for the new judge has numbers of everybody then
    got = s.now()
    check("reload: numbers stay", got.get("sessions") == sessions and got.get("packets") == s.sent and not got.get("degraded"), got)
    check("reload: no restart counted", all(p["restarts"] == 0 for p in got.get("processes", [])), got.get("processes"))
    try:
        with urllib.request.urlopen("http://127.0.0.1:9464/metrics", timeout=5) as r:
            text = r.read().decode()
    except OSError as e:
        text = str(e)
    check("reload: metrics", f"}} {s.sent}\n" in text, text[:300])


def killed(s, sessions):
    """Processes that die are counted and told of, and take no number with them."""
    for job in ("capture0", "judge", "output"):
        pid = s.pid(job)
        check(f"{job} runs", pid, s.err())
        os.kill(pid, signal.SIGKILL)
        again = until("again", lambda: by_name(s.now(), "processes", job).get("restarts") == 1, 15)
        check(f"{job}: restart counted", again, s.now().get("processes"))
    until("all", lambda: all(s.pid(job) for job in ("capture0", "judge", "output")), 15)
    time.sleep(1)
    s.send(p for i in range(9) for p in session(50000 + i))
    got = until("sessions", lambda: (n := s.now()).get("sessions") == sessions + 9 and n, 25) or s.now()
    check("numbers go on", got.get("sessions") == sessions + 9 and got.get("packets") == s.sent,
          (sessions + 9, s.sent, got.get("sessions"), got.get("packets")))


def ended_alert(s):
    got = s.alerts("sensor-degraded")
    ended = [a for a in got if a["mxwitness"].get("variant") == "process-ended" or "process-ended" in json.dumps(a)]
    check("process-ended: one alert", len(ended) == 1 and ended[0]["mxwitness"]["alert"]["state"] == "open", got)


def interface(s):
    run("ip", "link", "set", s.there, "down")
    got = until("alert", lambda: [a for a in s.alerts("sensor-degraded") if "interface-lost" in json.dumps(a)], 12)
    check("interface down: alert", got and s.here in json.dumps(got[0]), s.now())
    check("interface down: shown", by_name(s.now(), "interfaces", s.here).get("link") == "down", s.now().get("interfaces"))
    run("ip", "link", "set", s.there, "up")
    check("interface up again", until("up", lambda: by_name(s.now(), "interfaces", s.here).get("link") == "up", 10), s.now())


def silent(s):
    got = until("silent", lambda: s.alerts("sensor-silent"), 25)
    check("silent: alert", got and len(got) == 1 and got[0]["mxwitness"]["alert"]["state"] == "open", got)
    time.sleep(2)
    check("silent: once", len(s.alerts("sensor-silent")) == 1, len(s.alerts("sensor-silent")))
    s.send(session(41000))
    closed = until("closed", lambda: s.alerts("sensor-silent", "closed"), 10)
    check("silent: its end", closed and closed[0]["mxwitness"]["alert"]["incident"] == got[0]["mxwitness"]["alert"]["incident"],
          closed)


def blind(s, why):
    got = until(why, lambda: s.now().get("blind") == why, 25)
    check(f"diagnosis {why}", got, s.now())
    told = until(why, lambda: [a for a in s.alerts("sensor-silent") if why in json.dumps(a)], 5)
    check(f"diagnosis {why}: told", told, s.alerts("sensor-silent"))


def lossy(s):
    pid = s.pid("capture0")
    os.kill(pid, signal.SIGSTOP)
    open_one = session(42000)
    s.send(open_one[:6])
    s.send([packet(42001, 25, 1 + 1400 * i, 1, ACK, b"x" * 1400, True) for i in range(3000)])
    os.kill(pid, signal.SIGCONT)
    got = until("drops", lambda: by_name(n := s.now(), "interfaces", s.here).get("dropped_kernel", 0) > 0 and n, 10) or s.now()
    i = by_name(got, "interfaces", s.here)
    check("drops counted", i.get("dropped_kernel", 0) > 0, i)
    check("drops: all packets accounted for", until("all", lambda: (lambda i: i.get("packets", 0) + i.get("dropped_kernel", 0) == s.sent)
          (by_name(s.now(), "interfaces", s.here)), 10), (s.sent, by_name(s.now(), "interfaces", s.here)))
    alert = until("alert", lambda: [a for a in s.alerts("sensor-degraded") if "packets-dropped" in json.dumps(a)], 10)
    check("drops: alert", alert, s.alerts("sensor-degraded"))
    s.send(session(42002))
    done = until("session", lambda: [e for e in s.events("session") if e["source"]["port"] == 42002], 20)
    check("drops: sessions lossy", done and done[0]["mxwitness"]["capture"].get("lossy") is True,
          done and done[0]["mxwitness"].get("capture"))
    ppm = [e["mxwitness"]["stats"].get("dropped_per_million", 0) for e in s.events("stats")]
    check("drops: in a stats event", max(ppm or [0]) > 1000, ppm)


def test():
    nobody()
    main = Sensor("main", "metrics: {listen: \"127.0.0.1:9464\", textfile: DIR/m.prom}\nsilence: {packets: 10m}\n")
    quiet = Sensor("quiet", "silence: {packets: 10s}\nmetrics: {listen: \"unix:DIR/m.sock\"}\n")
    mirror = Sensor("mirror", "silence: {packets: 10s}\n")
    port = Sensor("port", "silence: {packets: 10s}\n")
    tls = Sensor("tls", "silence: {packets: 10s}\n")
    tiny = Sensor("tiny", "silence: {packets: 10m}\ncapture: {buffer: 1MiB}\n")
    sensors = (main, quiet, mirror, port, tls, tiny)
    try:
        for s in sensors:
            check(f"{os.path.basename(s.dir)} is there", s.ready(), s.err())
        main.send(p for i in range(12) for p in session(40000 + i))
        quiet.send(session(40000))
        mirror.send(p for i in range(6) for p in session(40000 + i, sides=(False,), reset=True))
        port.send([packet(40000 + i, 25, 1, 1, ACK, b"", True) for i in range(10)])
        tls.send(p for i in range(8) for p in session(40000 + i, talk=handshake(), reset=True))
        table(main)
        terminal(main)
        greedy(main)
        numbers(main, 12)
        metrics(main, quiet)
        lossy(tiny)
        blind(mirror, "one-way-mirror")
        blind(port, "wrong-port")
        blind(tls, "encrypted-at-once")
        now = tls.now()
        check("TLS at once", now.get("flows_tls_at_once") == now.get("sessions_tls_at_once") == now.get("sessions") == 8, now)
        silent(quiet)
        for _ in range(4):
            reloaded(main, 12)
        killed(main, 12)
        ended_alert(main)
        interface(main)
    finally:
        for s in sensors:
            s.process.terminate()
        for s in sensors:
            check(f"{os.path.basename(s.dir)} ends", s.end() == 0, s.err())
            check("no socket is left", not os.path.exists(s.socket), s.socket)
    last = main.events("stats")[-1]["mxwitness"]["stats"]
    check("the last stats event", last["sessions"] == 21 and last["packets"] == main.sent, last)


def result():
    left = f", {len(notes)} skipped ({', '.join(sorted(set(notes)))} not found)" if notes else ""
    print(f"watch status: {passed} passed, {failed} failed{left}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    if os.environ.get("MXW_INSIDE") != "1":
        if os.geteuid() != 0 or not shutil.which("ip"):
            print("watch status: 0 passed, 0 failed, 1 skipped (needs root and ip)")
            sys.exit(0)
        if subprocess.run(("ip", "netns", "add", NS), capture_output=True).returncode != 0:
            print("watch status: 0 passed, 0 failed, 1 skipped (no network namespaces here)")
            sys.exit(0)
        try:
            run("ip", "-n", NS, "link", "set", "lo", "up")
            sys.exit(subprocess.run(("ip", "netns", "exec", NS, sys.executable) + tuple(sys.argv), env=dict(os.environ, MXW_INSIDE="1")).returncode)
        finally:
            subprocess.run(("ip", "netns", "del", NS))
    TMP = tempfile.mkdtemp(prefix="mxwstatus")
    os.chmod(TMP, 0o755)
    try:
        test()
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
    result()
