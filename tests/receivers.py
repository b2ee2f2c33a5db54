#!/usr/bin/env python3
"""Real receivers of syslog, rsyslog and syslog-ng, with the files of contrib/ as they stand (but for paths and ports): messages over TLS
with client certificates, TCP and UDP; certificates that are wrong; receivers killed, stopped and begun again: every message at least once.

usage: receivers.py SEND [--long]    SEND is tests/deliver/send of the build folder
Needs rsyslog, rsyslog-gnutls and openssl. syslog-ng, which cannot be installed beside rsyslog, is unpacked from packages that apt-get downloads,
or found in the folder that SYSLOG_NG names. Ends in "receivers: N passed, N failed[, N skipped (why)]"."""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
CONTRIB = os.path.join(HERE, "..", "contrib")
NG_PACKAGES = ["syslog-ng-core", "libivykis0", "libnet1", "libwrap0", "libpcre3", "libjson-c5"]
results = {"passed": 0, "failed": 0}
skipped = []


def check(what, holds, seen=""):
    results["passed" if holds else "failed"] += 1
    if not holds:
        print("FAILED: %s\n        %s" % (what, seen))


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **more).stdout


def ports(n):
    """Free ones, for TCP and UDP both."""
    found = []
    while len(found) < n:
        with socket.socket() as t, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            t.bind(("127.0.0.1", 0))
            port = t.getsockname()[1]
            try:
                u.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def until(holds, seconds):
    end = time.time() + seconds
    while time.time() < end:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


# ---- certificates ----

def authority(folder, name):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out", name + ".pem",
        "-subj", "/CN=" + name, "-days", "30", cwd=folder)


def certificate(folder, name, by, subject, days=30):
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
        "-subj", "/CN=" + subject, cwd=folder)
    with open(os.path.join(folder, name + ".ext"), "w") as f:
        f.write("subjectAltName=DNS:%s\n" % subject)
    run("openssl", "x509", "-req", "-in", name + ".csr", "-CA", by + ".pem", "-CAkey", by + ".key", "-CAcreateserial", "-days", str(days), "-extfile",
        name + ".ext", "-out", name + ".pem", cwd=folder)


def certificates(folder):
    authority(folder, "ca")
    authority(folder, "other")
    certificate(folder, "receiver", "ca", "siem.example")
    certificate(folder, "old", "ca", "siem.example", days=-1)
    certificate(folder, "sensor", "ca", "egress.sensors.example")
    certificate(folder, "foreign", "other", "egress.sensors.example")
    certificate(folder, "expired", "ca", "egress.sensors.example", days=-1)


# ---- receivers ----

class Receiver:
    """A receiver of its own, in a folder of its own, with contrib's file."""

    def __init__(self, folder, certs, kind):
        self.folder, self.kind, self.process = folder, kind, None
        self.tls, self.tcp, self.udp = ports(3)
        self.received = os.path.join(folder, "received")
        os.makedirs(self.received)
        self.certs = os.path.join(folder, "certs")
        shutil.copytree(certs, self.certs)

    def config(self, text):
        for was, now in (("/etc/%s-mxwitness" % self.kind, self.certs), ("/var/log/mxwitness-received", self.received),
                         ("/var/spool/rsyslog", self.folder)):
            text = text.replace(was, now)
        for was, now in ((6514, self.tls), (601, self.tcp), (514, self.udp)):
            text = text.replace('port="%d"' % was, 'port="%d"' % now).replace("port(%d)" % was, "port(%d)" % now)
        return text

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w") as f:
            f.write(text)
        return path

    def up(self):
        out = open(os.path.join(self.folder, "log"), "a")
        self.process = subprocess.Popen(self.command(), stdout=out, stderr=out, env=self.environment())
        return until(lambda: self.listens(self.tls) and self.listens(self.tcp), 15)

    @staticmethod
    def listens(port):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", port)) == 0

    def end(self, how=signal.SIGTERM):
        if self.process:
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def lines(self, name="alerts.ndjson"):
        try:
            with open(os.path.join(self.received, name), encoding="utf-8", errors="replace") as f:
                return f.read().splitlines()
        except FileNotFoundError:
            return []

    def numbers(self):
        """event.sequence of what came; a line that was torn when the receiver was killed counts for nothing."""
        got = []
        for line in self.lines():
            try:
                got.append(json.loads(line)["event"]["sequence"])
            except (ValueError, KeyError, TypeError):
                pass
        return got

    def forget(self):
        for f in glob.glob(os.path.join(self.received, "*")):
            os.truncate(f, 0)

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as f:
            return f.read()[-1500:]


class Rsyslog(Receiver):
    def __init__(self, folder, certs):
        super().__init__(folder, certs, "rsyslog")
        with open(os.path.join(CONTRIB, "rsyslog", "mxwitness.conf")) as f:
            self.path = self.write("rsyslog.conf", self.config(f.read()))

    def command(self):
        return ["rsyslogd", "-n", "-f", self.path, "-i", os.path.join(self.folder, "pid")]

    def environment(self):
        return None


class SyslogNg(Receiver):
    def __init__(self, folder, certs, root):
        super().__init__(folder, certs, "syslog-ng")
        self.root = root
        with open(os.path.join(CONTRIB, "syslog-ng", "mxwitness.conf")) as f:
            self.path = self.write("syslog-ng.conf", "@version: 3.38\n" + self.config(f.read()))

    def command(self):
        modules = glob.glob(os.path.join(self.root, "usr/lib/syslog-ng/3.*"))[0]
        at = lambda name: os.path.join(self.folder, name)
        return [os.path.join(self.root, "usr/sbin/syslog-ng"), "-F", "--no-caps", "--module-path", modules, "-f", self.path, "-R", at("persist"), "-p", at("pid"),
                "-c", at("control")]

    def environment(self):
        return dict(os.environ, LD_LIBRARY_PATH=":".join(glob.glob(os.path.join(self.root, "lib/*-linux-gnu")) + glob.glob(os.path.join(self.root, "usr/lib/*-linux-gnu")) +
                                                          [os.path.join(self.root, "usr/lib/syslog-ng")]))


def syslog_ng_root(folder):
    """None: it cannot be had here."""
    root = os.environ.get("SYSLOG_NG") or os.path.join(folder, "ng")
    if os.path.exists(os.path.join(root, "usr/sbin/syslog-ng")):
        return root
    try:
        os.makedirs(root)
        run("apt-get", "-qq", "download", *NG_PACKAGES, cwd=root)
        for p in glob.glob(os.path.join(root, "*.deb")):
            run("dpkg", "-x", p, root)
        return root
    except (OSError, subprocess.CalledProcessError):
        return None


# ---- messages ----

def message(i, size=600, kind="alert"):
    """As format_event makes them; letters beyond ASCII, and all that RFC 5424 6.3.3 has escaped."""
    body = json.dumps({"@timestamp": "2026-03-01T12:00:00.000001Z", "event": {"kind": kind, "id": "id%d" % i, "sequence": i}, "rule": {"id": "MXW-1001"},
                       "message": "Stra\u00dfe \\ ] \" " + "x" * size}, ensure_ascii=False)
    return ("<170>1 2026-03-01T12:00:00.000001Z egress-1 mxwitness - %s [mxwitness@32473 rule=\"MXW-1001\" note=\"a\\]b\\\"c\"] %s" % (kind, body))


class Sender:
    def __init__(self, send, where, *settings):
        self.out = os.path.join(where, "send.out")
        with open(self.out, "w") as out:
            self.process = subprocess.Popen([send, "syslog"] + list(settings), stdin=subprocess.PIPE, stdout=out, universal_newlines=True, encoding="utf-8")

    def give(self, lines):
        self.process.stdin.write("".join(l + "\n" for l in lines))
        self.process.stdin.close()
        return self

    def said(self):
        with open(self.out) as f:
            return f.read().splitlines()

    def done(self):
        return max([int(l.split()[1]) for l in self.said() if l.startswith("done ")] or [0])

    def failed(self):
        return [l for l in self.said() if not l.startswith("done ")]

    def end(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self):
        self.process.kill()
        self.process.wait()
        return -1


class Bench:
    """A receiver, and what is sent to it."""

    def __init__(self, send, receiver, name):
        self.send, self.r, self.name = send, receiver, name
        self.certs = receiver.certs

    def tls(self, ca="ca", cert="sensor", server_name="siem.example"):
        at = lambda n: os.path.join(self.certs, n)
        s = ["transport=tls", "address=127.0.0.1:%d" % self.r.tls, "ca=" + at(ca + ".pem"), "server_name=" + server_name]
        return s + (["cert=" + at(cert + ".pem"), "key=" + at(cert + ".key")] if cert else [])

    def tcp(self):
        return ["transport=tcp", "address=127.0.0.1:%d" % self.r.tcp]

    def udp(self):
        return ["transport=udp", "address=127.0.0.1:%d" % self.r.udp]

    def sender(self, settings, lines):
        return Sender(self.send, self.r.folder, *settings).give(lines)

    def ways(self, n):
        for way, settings in (("tcp", self.tcp()), ("tls", self.tls()), ("udp", self.udp())):
            self.r.forget()
            lines = [message(i) for i in range(1, n + 1)]
            if way != "udp":
                lines[n // 2] = message(n // 2 + 1, 40000)
            s = self.sender(settings, lines)
            rc = s.end(30)
            until(lambda: len(self.r.numbers()) >= n, 5)
            check("%s, %s: all %d come, each once, in order, one of 40 kB among them" % (self.name, way, n),
                  rc == 0 and self.r.numbers() == list(range(1, n + 1)), (rc, len(self.r.numbers()), s.said()[-3:], self.r.log()))
            want = [l.split("] ", 1)[1] for l in lines]
            check("%s, %s: the JSON arrives as it was sent" % (self.name, way), self.r.lines() == want, self.r.lines()[:1])

    def cut(self):
        self.r.forget()
        s = self.sender(self.udp(), [message(1, 1600) [:-3] + "\u20ac" * 400 + '"}', message(2)])
        rc = s.end(20)
        until(lambda: self.r.lines("plain.log") and self.r.numbers() == [2], 5)
        plain = self.r.lines("plain.log")
        check("%s, udp: a message of 3 kB is cut, not within a letter, and the next is whole" % self.name,
              rc == 0 and len(plain) == 1 and plain[0].endswith("\u20ac") and "\ufffd" not in plain[0] and self.r.numbers() == [2],
              (rc, [p[-80:] for p in plain], self.r.numbers()))

    def others(self):
        self.r.forget()
        s = self.sender(self.tcp(), [message(1, kind="event"), message(2), message(3, kind="state")])
        s.end(20)
        until(lambda: len(self.r.lines("events.ndjson")) == 2, 5)
        check("%s: alerts in one file, other events in another" % self.name, self.r.numbers() == [2] and len(self.r.lines("events.ndjson")) == 2,
              (self.r.lines(), self.r.lines("events.ndjson")))

    def refused(self, what, settings, word, seconds=8):
        """The sentence comes, the same each time, and no message."""
        self.r.forget()
        s = self.sender(settings, [message(1)])
        until(lambda: len(s.failed()) >= 2 or s.process.poll() is not None, seconds)
        said = s.failed()
        s.kill()
        check("%s: %s: the sentence says so" % (self.name, what), said and word in said[0] and len(set(said)) == 1, said[:4])
        check("%s: %s: nothing is done, nothing arrives" % (self.name, what), s.done() == 0 and not self.r.numbers(), (s.done(), self.r.numbers()))

    def certificates(self):
        self.r.forget()
        self.refused("the receiver's certificate is for another name", self.tls(server_name="other.example"), "not for other.example: see server_name")
        self.refused("the receiver's certificate is of an authority that is not ours", self.tls(ca="other"), "not trusted")
        self.refused("no client certificate", self.tls(cert=None), "")
        self.refused("a client certificate of another authority", self.tls(cert="foreign"), "")
        self.refused("our certificate has expired", self.tls(cert="expired"), "the certificate expired on ")
        self.refused("TLS on a port without it", [w.replace(str(self.r.tls), str(self.r.tcp)) for w in self.tls()], "", 12)

    def expired(self):
        """The receiver's certificate expires, and is replaced: what waited arrives."""
        self.r.forget()
        at = lambda n: os.path.join(self.certs, n)
        self.r.end()
        for end in ("pem", "key"):
            os.rename(at("receiver." + end), at("good." + end))
            shutil.copy(at("old." + end), at("receiver." + end))
        self.r.up()
        s = self.sender(self.tls(), [message(i) for i in range(1, 51)])
        until(lambda: s.failed(), 8)
        said = s.failed()
        self.r.end()
        for end in ("pem", "key"):
            os.replace(at("good." + end), at("receiver." + end))
        self.r.up()
        rc = s.end(30)
        until(lambda: len(self.r.numbers()) >= 50, 5)
        check("%s: its certificate has expired: one sentence, and with a new one all arrives" % self.name,
              said and "has expired" in said[0] and rc == 0 and set(self.r.numbers()) == set(range(1, 51)), (rc, said[:3], len(self.r.numbers())))

    def broken(self, way, settings, how, n, pause=1.0, stopped=0.0, size=900):
        """Ended in the middle, and begun again."""
        self.r.forget()
        s = self.sender(settings, [message(i, size) for i in range(1, n + 1)])
        until(lambda: len(self.r.lines()) > n // 20, 20)
        before = len(self.r.lines())
        if stopped:
            self.r.process.send_signal(signal.SIGSTOP)
            time.sleep(stopped)
        self.r.end(how)
        done_then = s.done()
        time.sleep(pause)
        self.r.up()
        rc = s.end(120)
        until(lambda: set(self.r.numbers()) >= set(range(1, n + 1)), 10)
        got = self.r.numbers()
        missing = sorted(set(range(1, n + 1)) - set(got))
        check("%s, %s: %s after %d of %d%s: every message arrives" % (self.name, way, how.name, before, n, ", stopped before" if stopped else ""),
              rc == 0 and not missing and before < n, (rc, "done then", done_then, "missing", len(missing), missing[:5], s.failed()[:3], self.r.log()[-300:]))
        check("%s, %s: the sentence of the failure" % (self.name, way), s.failed() and all(f.startswith("failed: 127.0.0.1:") for f in s.failed()), s.failed()[:3])

    def down(self):
        """A receiver that is not there when the first message comes."""
        self.r.end()
        self.r.forget()
        s = self.sender(self.tcp(), [message(i) for i in range(1, 21)])
        until(lambda: len(s.failed()) >= 3, 5)
        said = s.failed()
        self.r.up()
        rc = s.end(20)
        until(lambda: len(self.r.numbers()) >= 20, 5)
        check("%s: down at first: the same sentence, and all arrives" % self.name,
              len(set(said)) == 1 and "connection refused" in said[0] and rc == 0 and set(self.r.numbers()) == set(range(1, 21)), (rc, said[:3]))


def rounds(b, full):
    if not b.r.up():
        check("%s comes up with contrib's file" % b.name, False, b.r.log())
        return
    check("%s comes up with contrib's file" % b.name, True)
    b.ways(60)
    b.cut()
    b.others()
    b.certificates() if full else b.refused("no client certificate", b.tls(cert=None), "")
    b.down() if full else None
    b.broken("tcp", b.tcp(), signal.SIGKILL, 20000)
    if full:
        b.expired()
        b.broken("tls", b.tls(), signal.SIGKILL, 20000)
        b.broken("tcp", b.tcp(), signal.SIGTERM, 20000)
        b.broken("tls", b.tls(), signal.SIGTERM, 20000)
        if b.name == "rsyslog":     # syslog-ng has a queue in memory: what is in it is lost then, see mxwitness.conf(5)
            b.broken("tcp", b.tcp(), signal.SIGKILL, 20000, stopped=4)
            b.broken("tls", b.tls(), signal.SIGKILL, 20000, stopped=4)


def main():
    send, full = os.path.abspath(sys.argv[1]), "--long" in sys.argv
    if not shutil.which("rsyslogd") and not full:
        print("receivers: 0 passed, 0 failed, 1 skipped (rsyslogd is not installed)")
        return 0
    folder = tempfile.mkdtemp(prefix="mxwitness-receivers-")
    os.chmod(folder, 0o755)
    started = []
    try:
        certs = os.path.join(folder, "made")
        os.makedirs(certs)
        certificates(certs)
        if shutil.which("rsyslogd"):
            started.append(Rsyslog(os.path.join(folder, "rsyslog"), certs))
            rounds(Bench(send, started[-1], "rsyslog"), full)
        else:
            skipped.append("rsyslogd is not installed")
        root = syslog_ng_root(folder) if full or os.environ.get("SYSLOG_NG") else None
        if root:
            started.append(SyslogNg(os.path.join(folder, "syslog-ng"), certs, root))
            rounds(Bench(send, started[-1], "syslog-ng"), full)
        elif full:
            skipped.append("syslog-ng cannot be downloaded")
    finally:
        for r in started:
            r.end(signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
    print("receivers: %d passed, %d failed%s" % (results["passed"], results["failed"],
                                                 ", %d skipped (%s)" % (len(skipped), "; ".join(skipped)) if skipped else ""))
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
