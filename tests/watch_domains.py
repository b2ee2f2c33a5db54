#!/usr/bin/env python3
"""Watched domains against real name servers: nsd with a signed world, unbound as resolver, and a domain that walks through the states of
a move to DANE at Microsoft 365 while `mxwitness watch` looks on; others that lose what they had, and get it back.

usage: watch_domains.py MXWITNESS      Needs root, ip, nsd, unbound, ldns-keygen, ldns-signzone, ldns-key2ds, editcap.
Ends in "watch domains: N passed, N failed[, N skipped ...]"."""
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import live_dns as servers
import watch_dns

NET, run = servers.NET, servers.run
OLD, NEW = "shop-test.mail.protection.outlook.com", "shop-test.a-v1.mx.microsoft"
KEYS = ["3 1 1 " + c * 64 for c in "abcdef"]
results = {"passed": 0, "failed": 0}


def check(what, holds, seen=""):
    results["passed" if holds else "failed"] += 1
    if not holds:
        print("FAILED: %s\n        %s" % (what, str(seen)[:2500]))


# ---- the world ----

class World:
    """Zones with their keys; each can be written anew while nsd serves it."""
    def __init__(self, folder):
        self.folder, self.keys, self.served, self.ds, self.serial = folder, {}, {}, {}, 1
        self.fixed = {}

    def key(self, zone, algorithm="ECDSAP256SHA256"):
        if zone not in self.keys:
            self.keys[zone] = run("ldns-keygen", "-a", algorithm, "-k", zone, cwd=self.folder).strip()
        return self.keys[zone]

    def text(self, zone, body, minimum=1):
        name = zone if zone != "." else ""
        self.serial += 1
        return ("$ORIGIN %s\n$TTL 1\n@ IN SOA ns.%s host.%s %d 3600 600 86400 %d\n@ 300 NS ns.%s\nns.%s 300 A %s\n" %
                (zone, name, name, self.serial, minimum, name, name, NET) + body)

    def plain(self, zone, body):
        path = os.path.join(self.folder, "zone." + zone)
        with open(path, "w") as f:
            f.write(self.text(zone, body))
        self.served[zone] = path

    def sign(self, zone, body, hours=(-48, 720), algorithm="ECDSAP256SHA256", more=(), minimum=1):
        path = os.path.join(self.folder, "zone." + zone)
        with open(path, "w") as f:
            f.write(self.text(zone, body, minimum))
        stamp = [time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + h * 3600)) for h in hours]
        key = self.key(zone, algorithm)
        run("ldns-signzone", "-i", stamp[0], "-e", stamp[1], *more, "-f", path + ".new", "-o", zone, path, key, cwd=self.folder)
        os.replace(path + ".new", path + ".signed")
        self.served[zone] = path + ".signed"
        self.ds[zone] = open(os.path.join(self.folder, key + ".ds")).read()

    def sha1_ds(self, zone):
        self.ds[zone] = run("ldns-key2ds", "-n", "-1", os.path.join(self.folder, self.keys[zone] + ".key"))

    def delegate(self, zone, body=""):
        """Of all zones directly below: NS, and DS where there is one."""
        for child in self.served:
            labels = child.rstrip(".").split(".")
            above = ".".join(labels[1:]) + "." if len(labels) > 1 else "."
            if child != "." and above == zone:
                body += "%s 300 NS ns.%s\nns.%s 300 A %s\n%s" % (child, child, child, NET, self.ds.get(child, ""))
        self.sign(zone, body)


def shop(w, mx, ttl=1):
    w.sign("shop.test.", "".join("@ %d MX %d %s.\n" % (ttl, p, h) for p, h in mx) + "_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:r@shop.test\"\n")


def microsoft(w, tlsa):
    w.sign("microsoft.", "%s. A 192.0.2.20\n" % NEW + ("_25._tcp.%s. TLSA %s\n" % (NEW, KEYS[0]) if tlsa else ""))


def partner(w, mx=(("mx1", 10, KEYS[0]), ("mx2", 20, KEYS[1]))):
    w.sign("partner.test.", "".join("@ MX %d %s\n%s A 192.0.2.%d\n%s" % (p, h, h, 30 if h == "mx1" else 31, "_25._tcp.%s 5 TLSA %s\n" % (h, k) if k else "")
                                    for h, p, k in mx))


def build(folder):
    w = World(folder)
    one = "@ MX 10 mx\nmx A 192.0.2.10\n_25._tcp.mx TLSA %s\n" % KEYS[0]
    shop(w, [(0, OLD)])
    partner(w)
    microsoft(w, False)
    w.plain("com.", "%s. A 192.0.2.21\n" % OLD)
    w.sign("well.test.", one + "_mta-sts TXT \"v=STSv1; id=1;\"\n_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:r@well.test\"\n")
    w.sign("expired.test.", one, (-900, -2))
    w.sign("expiring.test.", one, (-300, 30))
    w.sign("wrongds.test.", one)
    w.ds["wrongds.test."] = w.ds["well.test."].replace("well.test.", "wrongds.test.")
    w.sign("island.test.", one)
    del w.ds["island.test."]
    w.sign("sha1.test.", one)
    w.sha1_ds("sha1.test.")
    w.sign("heavy.test.", "@ MX 10 mx\nmx A 192.0.2.10\n", more=("-n", "-t", "100"))
    w.plain("hostonly.test.", "@ MX 10 mx1.partner.test.\n")
    w.sign("odd.test.", "@ MX 10 alias\n@ MX 20 old\nalias CNAME real\nreal A 192.0.2.11\n_25._tcp.real TLSA 3 0 0 30\nold A 192.0.2.12\n"
           "_25._tcp.old TLSA 1 1 1 %s\n_25._tcp TLSA %s\n" % ("ab" * 32, KEYS[0]))
    w.delegate("test.")
    w.delegate(".")
    with open(os.path.join(folder, "anchor"), "w") as f:
        f.write(w.ds["."])
    return w


CONFIG = """
watch_interval: 10s
watch_domains:
  - {domain: shop.test, role: own, expect_mx: [%s], dane_from: 2026-01-01}
  - partner.test
  - {domain: well.test, role: own}
  - expired.test
  - expiring.test
  - wrongds.test
  - island.test
  - sha1.test
  - heavy.test
  - hostonly.test
  - {domain: odd.test, role: own}
  - nothing.test
stats: {interval: off}
status: {socket: none}
state: STATE
""" % NEW

# what the first look at each of them raises, and nothing else
FIRST = {
    "shop.test": {"mx-secure-hosts-insecure", "expected-mx-missing/missing"},
    "partner.test": set(),
    "well.test": set(),
    "expired.test": {"rrsig-expired"},
    "expiring.test": {"rrsig-expiring/soon"},
    "wrongds.test": {"ds-mismatch/bogus"},
    "island.test": {"ds-mismatch/island"},
    "sha1.test": {"dnssec-sha1"},
    "heavy.test": {"nsec3-heavy"},
    "hostonly.test": {"mx-insecure-hosts-secure"},
    "odd.test": {"mx-is-cname", "tlsa-full-0", "tlsa-usage-unusable", "tlsa-wrong-base", "tlsrpt-missing"},
    "nothing.test": set(),
}


def finding(e):
    variant = e["mxwitness"].get("variant")
    return e["rule"]["id"] + ("/" + variant if variant else "")


class Watch:
    """The sensor; what is open of each domain's alerts, and its events."""
    def __init__(self, program, folder, config):
        self.log = open(os.path.join(folder, "log"), "a+")
        self.p = subprocess.Popen([program, "watch", "-i", "tb", "--all", "--format", "ndjson", "--trust-anchor", os.path.join(folder, "anchor"),
                                   "--resolver", NET + "@5301", "-c", config, "--evidence", os.path.join(folder, "evidence")],
                                  stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.q, self.open, self.last, self.events, self.alerts, self.sessions = queue.Queue(), {}, {}, [], [], []
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.p.stdout:
            self.q.put(json.loads(line))

    def pids(self, name):
        out = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.p.pid)], stdout=subprocess.PIPE, text=True).stdout
        return [int(l.split()[0]) for l in out.splitlines() if l.split()[1] == "mxw-" + name]

    def take(self, seconds):
        try:
            e = self.q.get(timeout=seconds)
        except queue.Empty:
            return
        if e["event"]["dataset"] == "mxwitness.session":
            self.sessions.append(e)
        posture = e["mxwitness"].get("posture")
        if not posture:
            return
        domain = posture["domain"]
        if e["event"]["dataset"] == "mxwitness.posture":
            self.last[domain] = posture
            self.events.append((domain, e))
            return
        self.alerts.append(e)
        on = self.open.setdefault(domain, {})
        if e["mxwitness"]["alert"]["state"] == "closed":
            on.pop(finding(e), None)
        else:
            on[finding(e)] = e

    def until(self, holds, seconds=45):
        end = time.time() + seconds
        while time.time() < end:
            if holds():
                return True
            self.take(max(0.05, min(1, end - time.time())))
        return holds()

    def end(self):
        self.p.send_signal(signal.SIGTERM)
        try:
            self.p.wait(60)
        except subprocess.TimeoutExpired:
            self.p.kill()
        self.log.seek(0)
        return self.p.returncode, self.log.read()


# step, MX of shop.test, TLSA of the new host, state, open alerts of shop.test; hosts of partner.test, and what opens there
LATE = "tlsa-not-published"
STEPS = [
    ("M2", [(0, OLD), (20, NEW)], False, {"rollout-started"}, (("mx1", 10, KEYS[0]), ("mx2", 20, KEYS[1]), ("mx3", 30, None)),
     {"dane-partial", "mx-set-weakened/host-added"}),
    ("M3", [(0, NEW), (20, OLD)], False, {"rollout-started"}, (("mx1", 10, KEYS[0]), ("mx2", 20, KEYS[1])), set()),
    ("M4", [(0, NEW)], False, set(), (("mx1", 10, KEYS[2]), ("mx2", 20, KEYS[1])), {"tlsa-rollover-too-early"}),
    ("M5", [(0, NEW)], True, set(), (("mx1", 10, None), ("mx2", 20, KEYS[1])),
     {"mx-set-weakened/weaker-preferred", "dane-withdrawn/tlsa-removed"}),       # dane-partial was told less than an hour ago
    ("M5-legacy", [(0, NEW), (20, OLD)], True, {"legacy-mx-left/dane", "mx-set-weakened/host-added"},
     (("other", 10, None),), {"dane-withdrawn/moved"}),
    ("M2-dane", [(0, OLD), (20, NEW)], True, {"dane-partial", "mx-set-weakened/host-added", "mx-set-weakened/weaker-preferred"},
     (("mx1", 10, KEYS[0]), ("mx2", 20, KEYS[1])), set()),
    ("M6", [(0, NEW)], True, set(), (("mx1", 10, KEYS[0]), ("mx2", 20, KEYS[1])), set()),
]


def hello(server, client="192.0.2.2", port=40001):
    """A session that names nobody: EHLO and QUIT."""
    wire, c, s = watch_dns.Wire(), 1000, 5000
    for who, data, flags in ((1, b"", 2), (0, b"", 0x12), (1, b"", 0x10), (0, b"220 hello ESMTP\r\n", 0x18), (1, b"EHLO c.example\r\n", 0x18),
                             (0, b"250-hello\r\n250 SIZE\r\n", 0x18), (1, b"QUIT\r\n", 0x18), (0, b"221 bye\r\n", 0x18), (1, b"", 0x11), (0, b"", 0x11), (1, b"", 0x10)):
        seq, ack = (c, s) if who else (s, c)
        ends = (client, server, port, 25) if who else (server, client, 25, port)
        wire.send(watch_dns.tcp(*ends, seq, ack, flags, data))
        grown = len(data) + (flags & 3 > 0)
        c, s = (c + grown, s) if who else (c, s + grown)


def mail_in_clear(watch):
    """A session in clear to the host that has just withdrawn its TLSA, by name and by address."""
    watch_dns.Wire().mail("192.0.2.2", 40000, b"partner.test", "192.0.2.30")
    watch.until(lambda: watch.sessions)
    m = watch.sessions[0]["mxwitness"] if watch.sessions else {}
    check("a session in clear is held against what was withdrawn", "baseline" in m.get("expectation", {}).get("all", []) and
          m["expectation"].get("kept_until", "") > "2026" and any(f["id"] == "starttls-not-offered" and f["level"] == "medium" for f in m["finding"]), m)
    hello("192.0.2.31")
    watch.until(lambda: len(watch.sessions) > 1)
    m = watch.sessions[1]["mxwitness"] if len(watch.sessions) > 1 else {}
    check("a server is known by its address", m.get("identity", {}).get("host") == "mx2.partner.test" and
          m["identity"].get("watched_domains") == ["partner.test"] and m["expectation"]["strongest"] == "dane", (m.get("identity"), m.get("expectation")))


def walk(w, nsd, watch):
    for name, mx, tlsa, shops, hosts, partners in STEPS:
        shop(w, mx, 3600 if name == "M6" else 1)
        microsoft(w, tlsa)
        partner(w, hosts)
        w.delegate("test.")
        w.delegate(".")
        nsd.send_signal(signal.SIGHUP)
        good = watch.until(lambda: watch.last["shop.test"]["state"] == name and set(watch.open.get("shop.test", {})) == shops)
        check("%s: state and open alerts of shop.test" % name, good, (watch.last["shop.test"], watch.open.get("shop.test", {}).keys()))
        seen = lambda: {finding(a) for a in watch.alerts if a["mxwitness"]["posture"]["domain"] == "partner.test"}
        good = watch.until(lambda: set(watch.open.get("partner.test", {})) == partners or (name == "M4" and partners <= seen()))
        check("%s: open alerts of partner.test" % name, good, (watch.last["partner.test"], watch.open.get("partner.test", {}).keys()))
        if name == "M5":
            kept = watch.open.get("partner.test", {}).get("dane-withdrawn/tlsa-removed", {}).get("mxwitness", {}).get("posture", {})
            mail_in_clear(watch)
            check("the promise is kept", kept.get("withdrawn", {}).get("kept_until", "") > time.strftime("%Y-%m-%d", time.gmtime(time.time() + 29 * 86400)), kept)


def first_looks(watch):
    want = lambda: all(set(watch.open.get(d, {})) == f for d, f in FIRST.items())
    watch.until(lambda: want() and len(watch.last) == len(FIRST), 60)
    for domain, findings in FIRST.items():
        check("first look at %s" % domain, set(watch.open.get(domain, {})) == findings and domain in watch.last,
              (watch.open.get(domain, {}).keys(), watch.last.get(domain)))
    check("first state of shop.test", watch.last.get("shop.test", {}).get("state") == "M0", watch.last.get("shop.test"))


def well_formed(watch):
    ids = [e["event"]["id"] for d, e in watch.events] + [e["event"]["id"] for e in watch.alerts]
    check("no event has the id of another", len(ids) == len(set(ids)))
    for a in watch.alerts:
        if a["mxwitness"]["alert"]["state"] == "closed" and not any(b["mxwitness"]["alert"]["incident"] == a["mxwitness"]["alert"]["incident"] and
                                                                    b["mxwitness"]["alert"]["state"] == "open" for b in watch.alerts):
            check("what is closed was open", False, a)
    quiet = [e for d, e in watch.events if d == "well.test"]
    check("without a change nothing is told twice", len(quiet) == 1, [e["message"] for e in quiet])
    changes = [e["event"]["type"] for d, e in watch.events if d == "shop.test"]
    check("changes are changes", changes[0] == ["info"] and all(c == ["change"] for c in changes[1:]), changes)


def read_once(program, folder, config):
    capture = os.path.join(HERE, "pcaps", "clear-none-ipv4.pcapng")
    if not os.path.exists(capture):
        capture = os.path.join(HERE, "pcaps", "dane-match-tls12-ipv6.pcapng")
    out = subprocess.run([program, "read", "--dns", "live", "--resolver", NET + "@5301", "--trust-anchor", os.path.join(folder, "anchor"), "-c", config,
                          "--format", "ndjson", capture], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    events = [json.loads(l) for l in out.stdout.splitlines()]
    domains = [e["mxwitness"]["posture"]["domain"] for e in events if e["event"]["dataset"] == "mxwitness.posture"]
    check("read --dns live: each domain once, in their order", domains == list(FIRST), (domains, out.stderr))
    for domain, findings in FIRST.items():
        got = {finding(e) for e in events if e["event"]["kind"] == "alert" and e["mxwitness"].get("posture", {}).get("domain") == domain}
        check("read --dns live: %s" % domain, got == findings, got)
    off = subprocess.run([program, "read", "--dns", "off", "-c", config, "--format", "ndjson", capture], stdout=subprocess.PIPE, text=True).stdout
    check("read --dns off: nothing of watched domains", "posture" not in off)


def killed(watch):
    """The judge that comes after one that was killed knows what was told, and what stands."""
    events, alerts, before = len(watch.events), len(watch.alerts), {d: set(f) for d, f in watch.open.items()}
    pids = watch.pids("judge")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    watch.until(lambda: False, 25)
    check("a judge that was killed", pids and watch.pids("judge") not in ([], pids), (pids, watch.pids("judge")))
    check("nothing is told twice after it", len(watch.events) == events and len(watch.alerts) == alerts and {d: set(f) for d, f in watch.open.items()} == before,
          ([(d, e["message"]) for d, e in watch.events[events:]], [finding(a) for a in watch.alerts[alerts:]]))


def verified(program, folder):
    """The alert that rests on what was withdrawn is one that others can repeat."""
    where = os.path.join(folder, "evidence")
    files = [os.path.join(where, f) for f in sorted(os.listdir(where)) if f.endswith(".pcapng")]
    check("there is evidence of the session in clear", any("starttls-not-offered" in f for f in files) or files, os.listdir(where))
    done = subprocess.run([program, "verify", "--trust-anchor", os.path.join(folder, "anchor")] + files, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    check("verified", files and done.returncode == 0, done.stdout)


def inside(program):
    for c in (["link", "set", "lo", "up"], ["link", "add", "ta", "type", "veth", "peer", "name", "tb"], ["link", "set", "ta", "up"], ["link", "set", "tb", "up"]):
        run("ip", *c)
    children = []
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        servers.certificates(folder)
        w = build(folder)
        config = os.path.join(folder, "watch.yaml")
        with open(config, "w") as f:
            f.write(CONFIG.replace("STATE", os.path.join(folder, "state")))
        try:
            nsd = servers.nsd(folder, w.served)
            children += [nsd, servers.unbound(folder)]
            time.sleep(2)
            read_once(program, folder, config)
            watch = Watch(program, folder, config)
            first_looks(watch)
            walk(w, nsd, watch)
            well_formed(watch)
            killed(watch)
            status, log = watch.end()
            verified(program, folder)
            check("ends well", status == 0 and log.count("ended by") == 1, (status, log))
        finally:
            for c in children:
                c.kill()
                c.wait()
    print("watch domains: %d passed, %d failed" % (results["passed"], results["failed"]))
    return 1 if results["failed"] else 0


def main():
    program = os.path.abspath(sys.argv[1])
    if "inside" in sys.argv:
        return inside(program)
    needed = [t for t in ("ip", "nsd", "unbound", "ldns-keygen", "ldns-signzone", "ldns-key2ds", "openssl", "ps") if not shutil.which(t)]
    if os.geteuid() or needed:
        print("watch domains: 0 passed, 0 failed, 1 skipped (it needs root%s)" % "".join(", " + t for t in needed))
        return 0
    ns = "mxwdom%d" % os.getpid()
    if subprocess.run(["ip", "netns", "add", ns], stderr=subprocess.DEVNULL).returncode:
        print("watch domains: 0 passed, 0 failed, 1 skipped (no network namespaces can be made here)")
        return 0
    try:
        return subprocess.run(["ip", "netns", "exec", ns, sys.executable, os.path.abspath(__file__), program, "inside"]).returncode
    finally:
        subprocess.run(["ip", "netns", "del", ns])


if __name__ == "__main__":
    sys.exit(main())
