#!/usr/bin/env python3
"""The resolver of `mxwitness watch`: sessions and DNS on a veth, nsd and unbound beside it, processes that are killed while
questions are open, name servers that are silent and come back.

usage: watch_dns.py MXWITNESS      Needs root, ip, nsd, unbound, ldns-keygen, ldns-signzone, tcpreplay, tshark, editcap.
Ends in "watch dns: N passed, N failed[, N skipped ...]"."""
import json
import os
import queue
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import live_dns as servers

PCAPS = os.path.join(HERE, "pcaps")
TLSA = 52
# the servers of the captures, as their own world had them
servers.CAPTURED = ("@ MX 10 mx\nmx AAAA 2001:db8:100::10\nmx A 198.51.100.10\n"
                    "_25._tcp.mx TLSA 3 1 1 33acbf14f2d8a6ca9b755affbf4bcb3e19d9726a7ac111aaa4d29146d22b2aad\n")
results = {"passed": 0, "failed": 0}


def check(what, holds, seen=""):
    results["passed" if holds else "failed"] += 1
    if not holds:
        print("FAILED: %s\n        %s" % (what, seen))


run = servers.run


# ---- on the wire ----

def only_mail(folder, name):
    path = os.path.join(folder, name + ".pcap")
    run("tshark", "-r", os.path.join(PCAPS, name + ".pcapng"), "-Y", "tcp.port==25", "-F", "pcap", "-w", path)
    return path


def whole(folder, name):
    path = os.path.join(folder, name + ".whole.pcap")
    run("editcap", "-F", "pcap", os.path.join(PCAPS, name + ".pcapng"), path)
    return path


def replay(path):
    """The session's event comes some ten seconds later: then nothing can follow it any more."""
    run("tcpreplay", "-q", "-i", "ta", path)


def checksum(b):
    b += b"\0" * (len(b) % 2)
    s = sum(struct.unpack("!%dH" % (len(b) // 2), b))
    while s >> 16:
        s = (s >> 16) + (s & 0xffff)
    return ~s & 0xffff


def packet(src, dst, proto, payload):
    s, d = socket.inet_aton(src), socket.inet_aton(dst)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, proto, 0) + s + d
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0" + head + payload


def udp(src, dst, sport, dport, payload):
    return packet(src, dst, 17, struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload)


def tcp(src, dst, sport, dport, seq, ack, flags, payload=b""):
    seg = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0) + payload
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 6, len(seg))
    return packet(src, dst, 6, seg[:16] + struct.pack("!H", checksum(pseudo + seg)) + seg[18:])


def dns(name, kind, ident, rcode=None, data=b"", do=True):
    """A question (rcode None), or an answer."""
    q = b"".join(bytes([len(l)]) + l.encode() for l in name.split(".")) + b"\0" + struct.pack("!HH", kind, 1)
    answer = b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(data)) + data if data else b""
    opt = b"\0\0\x29\x10\0\0\0\x80\0\0\0" if do else b""
    flags = 0x100 if rcode is None else 0x8180 | rcode
    return struct.pack("!HHHHHH", ident, flags, 1, bool(data), 0, do) + q + answer + opt


class Wire:
    client, resolver = "192.0.2.2", "192.0.2.53"

    def __init__(self):
        self.s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.s.bind(("ta", 0))
        self.ident = 1000

    def send(self, frame):
        self.s.send(frame)

    def ask(self, name, kind, ident=None):
        self.ident += 1
        self.send(udp(self.client, self.resolver, 4000, 53, dns(name, kind, ident or self.ident)))
        return ident or self.ident

    def answer(self, name, kind, ident, rcode, data=b"", do=True):
        self.send(udp(self.resolver, self.client, 53, 4000, dns(name, kind, ident, rcode, data, do)))

    def mail(self, client, port, domain, server="198.51.100.99"):
        """A session in clear to somebody at domain."""
        c, s = 1000, 5000
        def both(who, data, flags=0x18):
            nonlocal c, s
            if who:
                self.send(tcp(client, server, port, 25, c, s, flags, data))
                c += len(data) + (flags & 3 > 0)
            else:
                self.send(tcp(server, client, 25, port, s, c, flags, data))
                s += len(data) + (flags & 3 > 0)
        both(1, b"", 2), both(0, b"", 0x12), both(1, b"", 0x10)
        both(0, b"220 mx.%s ESMTP\r\n" % domain), both(1, b"EHLO c.example\r\n"), both(0, b"250-mx.%s\r\n250 SIZE\r\n" % domain)
        both(1, b"MAIL FROM:<a@c.example>\r\n"), both(0, b"250 ok\r\n")
        both(1, b"RCPT TO:<b@%s>\r\n" % domain), both(0, b"250 ok\r\n")
        both(1, b"QUIT\r\n"), both(0, b"221 bye\r\n"), both(1, b"", 0x11), both(0, b"", 0x11), both(1, b"", 0x10)


# ---- the sensor ----

class Watch:
    def __init__(self, program, folder, resolver, *more):
        self.log = open(os.path.join(folder, "log"), "a+")
        self.from_here = self.log.tell()
        config = os.path.join(folder, "mxwitness.yaml")
        with open(config, "w", encoding="ascii") as f:
            f.write("state: none\n")
        self.p = subprocess.Popen(os.environ.get("PREFIX", "").split() + [program, "watch", "-i", "tb", "--all", "--format", "ndjson", "-c", config, "--trust-anchor", os.path.join(folder, "anchor")] +
                                  (["--resolver", str(resolver)] if resolver else []) + list(more), stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.q, self.seen = queue.Queue(), []
        threading.Thread(target=self.read, daemon=True).start()
        while not self.pids("resolver") or not self.pids("capture0"):
            time.sleep(0.1)
        time.sleep(3)

    def read(self):
        for line in self.p.stdout:
            self.q.put(json.loads(line))

    def text(self):
        self.log.seek(self.from_here)
        return self.log.read()

    def event(self, dataset, wanted, seconds=25):
        """The next event that is wanted; {} if none comes."""
        end = time.time() + seconds
        while time.time() < end:
            try:
                e = self.q.get(timeout=max(0.05, end - time.time()))
            except queue.Empty:
                break
            self.seen.append(e)
            if e["event"]["dataset"] == "mxwitness." + dataset and wanted(e["mxwitness"], e):
                return e
        return {}

    def session(self, wanted=lambda m, e: True, seconds=25):
        return self.event("session", wanted, seconds).get("mxwitness", {})

    def pids(self, name):
        out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.p.pid)], stdout=subprocess.PIPE, text=True).stdout
        return [int(l.split()[0]) for l in out.splitlines() if l.split()[1] == "mxw-" + name]

    def kill(self, name):
        for pid in self.pids(name):
            os.kill(pid, signal.SIGKILL)

    def rss(self, name):
        return sum(int(l.split()[1]) for pid in self.pids(name) for l in open("/proc/%d/status" % pid) if l.startswith("VmRSS"))

    def end(self):
        self.p.send_signal(signal.SIGTERM)
        try:
            self.p.wait(60)
        except subprocess.TimeoutExpired:
            self.p.kill()
        return self.p.returncode


class Gate(servers.Resolver):
    """A resolver that says nothing while it is shut."""
    def __init__(self):
        self.shut = False
        super().__init__(lambda q, tcp, r: None if r.shut else servers.good(q, tcp, r))


def dane(s):
    return (s.get("dane") or {}).get("verdict")


def tests_live(program, folder, wire, files):
    evidence = os.path.join(folder, "evidence")
    gate = Gate()
    w = Watch(program, folder, gate, "--evidence", evidence)
    match, strip, forged = (only_mail(folder, n) for n in ("dane-match-tls12-ipv6", "strip-dane-clear-ipv6", "intercept-tls12-refused"))

    replay(match)
    s = w.session()
    check("live: match", dane(s) == "match" and s["dane"]["source"] == "live", (s, w.text()))
    replay(strip)
    a = w.event("alert", lambda m, e: e["rule"]["id"] == "starttls-not-offered")
    check("live: stripped", a, [e.get("rule") for e in w.seen])
    files.append((((a.get("mxwitness") or {}).get("evidence") or {}).get("file")))
    replay(forged)
    s = w.session(lambda m, e: e["destination"]["ip"] == "198.51.100.10")
    check("live: mismatch", dane(s) == "mismatch", s.get("dane"))

    # who names nothing is known by the link's DNS
    bare = only_mail(folder, "strip-dane-refused")
    replay(bare)
    s = w.session(lambda m, e: e["destination"]["ip"] == "198.51.100.10" and "rcpt" not in m.get("identity", {}).get("sources", []))
    check("live: without DNS on the link nobody knows whose server it is", dane(s) == "identity-unknown", s)
    i = wire.ask("mx.alpha.net", 1)
    wire.answer("mx.alpha.net", 1, i, 0, socket.inet_aton("198.51.100.10"))
    time.sleep(0.3)
    replay(bare)
    s = w.session(lambda m, e: e["destination"]["ip"] == "198.51.100.10" and "rcpt" not in m.get("identity", {}).get("sources", []))
    check("live: hints of the link", (s.get("identity") or {}).get("host") == "mx.alpha.net" and s["dane"]["source"] == "live", s)

    # what the link says against it
    name = "_25._tcp.mx.alpha.net"
    def conflict():
        return (w.session(lambda m, e: "dane" in m).get("dns") or {}).get("conflict") or {}
    replay(match)
    check("live: no conflict", not conflict())
    i = wire.ask(name, TLSA)
    wire.answer(name, TLSA, i, 3)
    time.sleep(0.3)
    replay(match)
    c = conflict()
    check("live: a denial that a cache may have held says nothing", not c, c)
    i = wire.ask(name, TLSA)
    wire.answer(name, TLSA, i, 5)
    time.sleep(0.3)
    replay(match)
    c = conflict()
    check("live: TLSA refused", c.get("kind") == "tlsa-suppressed" and c.get("how") == "refused", (c, w.seen[-1]))
    i = wire.ask("mx.alpha.net", 28)
    for k in (1, 2):
        wire.answer("mx.alpha.net", 28, i, 0, socket.inet_pton(socket.AF_INET6, "2001:db8::%d" % k))
    time.sleep(0.3)
    replay(match)
    kinds = [e["mxwitness"].get("dns", {}).get("conflict", {}).get("kind") for e in [{"mxwitness": w.session(lambda m, e: "dane" in m)}]]
    check("live: of two answers to one question one is another's", kinds[0] in ("race", "tlsa-suppressed"), kinds)
    a = w.event("alert", lambda m, e: e["rule"]["id"] == "dns-answer-conflict", 5) or \
        next((e for e in w.seen if e["event"]["dataset"] == "mxwitness.alert" and e["rule"]["id"] == "dns-answer-conflict"), {})
    check("live: an alert of it", a, [e.get("rule", {}).get("name") for e in w.seen])
    files.append((((a.get("mxwitness") or {}).get("evidence") or {}).get("file")))

    check("live: ends well", w.end() == 0, w.text()[-800:])


def tests_kill(program, folder, wire, match):
    gate = Gate()
    w = Watch(program, folder, gate)
    # processes that end while questions are open
    for who, n in (("forwarder", 1), ("resolver", 1), ("judge", 1)):
        time.sleep(2)
        gate.shut, before = True, len(gate.seen)
        w.kill("resolver")              # nothing is cached
        time.sleep(2)
        replay(match)
        end = time.time() + 8
        while len(gate.seen) == before and time.time() < end:
            time.sleep(0.1)
        check("%s: a question is open" % who, len(gate.seen) > before)
        if who != "resolver":
            w.kill(who)
        else:
            w.kill("resolver")
        gate.shut = False
        begun = time.time()
        if os.environ.get("DEBUG"):
            print(time.time(), who, w.pids("resolver"), len(gate.seen), [e["event"]["dataset"] for e in w.seen])
        s = w.session(lambda m, e: e["destination"]["ip"] == "2001:db8:100::10", 30)
        check("%s killed while questions are open: nothing is lost" % who, dane(s) == "match", (s.get("dane"), w.text()[-1500:]))
        print("        %s: answered %.1f s after it was killed" % (who, time.time() - begun))

    # nobody answers: our own fault, said once; and back
    time.sleep(2)
    gate.shut = True
    w.kill("resolver")
    time.sleep(2)
    begun = len(w.text())
    for _ in range(3):
        replay(match)
    for i in range(3):
        s = w.session(lambda m, e: e["destination"]["ip"] == "2001:db8:100::10", 60)
    check("unreachable: the lookup failed, and it is ours", dane(s) == "lookup-failed" and s["resolver"]["fault"] == "unreachable", (s.get("dane"), s.get("resolver")))
    check("unreachable: one note", w.text()[begun:].count("no resolver answers") == 1, w.text()[begun:])
    gate.shut = False
    deadline, s = time.time() + 60, {}
    while dane(s) != "match" and time.time() < deadline:
        replay(match)
        s = w.session(lambda m, e: e["destination"]["ip"] == "2001:db8:100::10", 30)
    check("back again: match", dane(s) == "match" and s["resolver"]["fault"] == "none", s.get("dane"))

    check("kill: ends well", w.end() == 0, w.text()[-800:])


def tests_flood(program, folder, wire, match):
    """Names that one network invents, and whose servers say nothing."""
    hole = servers.Resolver(servers.dead_plain)
    w = Watch(program, folder, hole)
    replay(match)
    check("flood: before it", dane(w.session()) == "match")
    for i in range(200):
        wire.mail("10.9.9.%d" % (i % 200 + 1), 20000 + i, b"x%d.plain.test" % i)
    time.sleep(1)
    begun = time.time()
    replay(match)
    s = w.session(lambda m, e: e["destination"]["ip"] == "2001:db8:100::10", 40)
    check("flood: others are judged", dane(s) == "match" and time.time() - begun < 20, (s.get("dane"), time.time() - begun))
    print("        flood: judged after %.1f s" % (time.time() - begun))
    w.end()


def tests_modes(program, folder, wire, match):
    name = whole(folder, "dns-forward")
    w = Watch(program, folder, "%s@5301" % servers.NET, "--dns", "off")
    replay(match)
    s = w.session()
    check("off: a session, and no verdict", s and dane(s) not in ("match", "mismatch"), s)
    w.end()
    anchor = os.path.join(PCAPS, "root.anchor")
    w = Watch(program, folder, None, "--dns", "capture", "--trust-anchor", anchor)
    replay(match)
    s = w.session()
    check("capture: without DNS incomplete", dane(s) not in ("match", "mismatch"), s.get("dane"))
    w.end()


def tests_memory(program, folder, wire):
    """Thousands of DNS messages: more than all that is kept."""
    w = Watch(program, folder, "%s@5301" % servers.NET)
    sizes, n = [], 0
    ends = time.time() + float(os.environ.get("SECONDS_OF_DNS", "20"))
    while time.time() < ends:
        for _ in range(20000):
            n += 1
            name = "h%d.example" % n
            wire.send(udp(wire.client, wire.resolver, 4000, 53, dns(name, 1, n & 0xffff)))
            wire.answer(name, 1, n & 0xffff, 0, struct.pack("!I", n))
        time.sleep(0.2)
        sizes.append(w.rss("resolver"))
    print("        memory of the resolver, kB: %s after %d messages" % (" ".join(str(s) for s in sizes), 2 * n))
    check("memory: bounded", sizes and max(sizes) < 260000, sizes)
    w.end()


def verify(program, folder, files):
    for f in files:
        f = f and os.path.join(folder, "evidence", f)
        p = subprocess.run([program, "verify", "--trust-anchor", os.path.join(folder, "anchor"), f or "missing"], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
        check("evidence is verified without the servers: %s" % os.path.basename(f or "none"), f and p.returncode == 0 and "reproduced" in p.stdout, p.stdout)


def inside(program, parts):
    for c in ("ip link set lo up", "ip link add name ta type veth peer name tb", "ip link set ta up", "ip link set tb up"):
        run(*c.split())
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        children = [servers.nsd(folder, servers.world(folder))]
        try:
            servers.certificates(folder)
            children.append(servers.unbound(folder))
            time.sleep(1)
            wire, files = Wire(), []
            match = only_mail(folder, "dane-match-tls12-ipv6")
            if "live" in parts:
                tests_live(program, folder, wire, files)
            if "kill" in parts:
                tests_kill(program, folder, wire, match)
            if "flood" in parts:
                tests_flood(program, folder, wire, match)
            if "modes" in parts:
                tests_modes(program, folder, wire, match)
            if "memory" in parts:
                tests_memory(program, folder, wire)
        finally:
            for c in children:
                c.kill()
                c.wait()
        verify(program, folder, files)
    print("watch dns: %d passed, %d failed" % (results["passed"], results["failed"]))
    return 1 if results["failed"] else 0


def main():
    program = os.path.abspath(sys.argv[1])
    parts = [a for a in sys.argv[2:] if a != "inside"] or ["live", "kill", "flood", "modes", "memory"]
    if "inside" in sys.argv:
        return inside(program, parts)
    needed = [t for t in ("ip", "nsd", "unbound", "ldns-keygen", "ldns-signzone", "openssl", "tcpreplay", "tshark", "editcap", "ps") if not shutil.which(t)]
    if os.geteuid() or needed:
        print("watch dns: 0 passed, 0 failed, 1 skipped (it needs root%s)" % "".join(", " + t for t in needed))
        return 0
    ns = "mxwroll%d" % os.getpid()
    if subprocess.run(["ip", "netns", "add", ns], stderr=subprocess.DEVNULL).returncode:
        print("watch dns: 0 passed, 0 failed, 1 skipped (no network namespaces can be made here)")
        return 0
    try:
        return subprocess.run(["ip", "netns", "exec", ns, sys.executable, os.path.abspath(__file__), program, "inside"] + parts).returncode
    finally:
        subprocess.run(["ip", "netns", "del", ns])


if __name__ == "__main__":
    sys.exit(main())
