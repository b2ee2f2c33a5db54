#!/usr/bin/env python3
"""Live DNS against real name servers on loopback: nsd with a small signed world, unbound as resolver (UDP, TCP, TLS),
and resolvers that are slow, dead, failing, refusing, cutting, lying or without DNSSEC.

usage: live_dns.py ASK [MXWITNESS]    ASK is tests/live/ask of the build folder
Needs nsd, unbound, ldns-keygen, ldns-signzone, openssl; tshark, editcap and faketime for some. Ends in "live dns: N passed, N failed[, N skipped ...]"."""
import base64
import json
import os
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

A, CNAME, MX, TLSA, DNSKEY = 1, 5, 15, 52, 48
NET = "127.88.%d.%d" % (os.getpid() >> 8 & 255, os.getpid() & 255 or 1)     # of this run alone
PORT = 5300
RECORD = "3 1 1 " + "ab" * 32
MANY = 12
# the server of this capture, as its own world had it
CAPTURE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pcaps", "dane-match-tls12-ipv6.pcapng")
CAPTURED = ("@ MX 10 mx\nmx AAAA 2001:db8:100::10\n"
            "_25._tcp.mx TLSA 3 1 1 33acbf14f2d8a6ca9b755affbf4bcb3e19d9726a7ac111aaa4d29146d22b2aad\n")
LIES = 6
results = {"passed": 0, "failed": 0}


def check(what, holds, seen=""):
    results["passed" if holds else "failed"] += 1
    if not holds:
        print("FAILED: %s\n        %s" % (what, seen))


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, **more).stdout


# ---- the world ----

def zone_text(zone, more=""):
    host = zone.rstrip(".") + "." if zone != "." else ""
    return ("$ORIGIN %s\n$TTL 300\n@ IN SOA ns.%s host.%s 1 3600 600 86400 60\n@ NS ns.%s\nns.%s A %s\n" %
            (zone, host, host, host, host, NET) + more)


def mail():
    return ("@ MX 10 mx\nmx A 192.0.2.10\n_25._tcp.mx TLSA %s\nalias CNAME mx\naway CNAME mx.plain.test.\nshort 1 A 192.0.2.9\n"
            "_25._tcp.big %s\n" % (RECORD, "\n_25._tcp.big ".join("TLSA 3 1 1 " + "%064x" % i for i in range(60))))


def sign(folder, zone, text, days=(-2, 30)):
    path = os.path.join(folder, "zone." + zone)
    with open(path, "w") as f:
        f.write(text)
    base = run("ldns-keygen", "-a", "ECDSAP256SHA256", "-k", zone, cwd=folder).strip()
    stamp = [time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + d * 86400)) for d in days]
    run("ldns-signzone", "-i", stamp[0], "-e", stamp[1], "-f", path + ".signed", "-o", zone, path, base, cwd=folder)
    return path + ".signed", open(os.path.join(folder, base + ".ds")).read()


def spoil(path):
    text = open(path).read()
    open(path, "w").write(text.replace("192.0.2.10", "192.0.2.66").replace("ab" * 32, "ef" * 32))


def world(folder):
    """Writes and signs all zones; returns zone -> file, and writes folder/anchor."""
    served, test = {}, ""
    names = ["signed.test.", "bogus.test.", "expired.test."] + ["b%d.test." % i for i in range(MANY)]
    for name in names:
        path, ds = sign(folder, name, zone_text(name, mail()), (-40, -10) if name.startswith("expired") else (-2, 30))
        if name.startswith("b"):
            spoil(path)
        served[name] = path
        test += "%s NS ns.%s\nns.%s A %s\n%s" % (name, name, name, NET, ds)
    path = os.path.join(folder, "zone.plain")
    open(path, "w").write(zone_text("plain.test.", mail()))
    served["plain.test."] = path
    test += "plain.test. NS ns.plain.test.\nns.plain.test. A %s\n" % NET
    served["alpha.net."], ds = sign(folder, "alpha.net.", zone_text("alpha.net.", CAPTURED))
    served["net."], net = sign(folder, "net.", zone_text("net.", "alpha.net. NS ns.alpha.net.\nns.alpha.net. A %s\n%s" % (NET, ds)))
    served["test."], ds = sign(folder, "test.", zone_text("test.", test))
    served["."], anchor = sign(folder, ".", zone_text(".", "test. NS ns.test.\nns.test. A %s\nnet. NS ns.net.\nns.net. A %s\n%s%s" % (NET, NET, ds, net)))
    open(os.path.join(folder, "anchor"), "w").write(anchor)
    open(os.path.join(folder, "other"), "w").write(ds.replace("test.", ".", 1))
    return served


def nsd(folder, served):
    conf = os.path.join(folder, "nsd.conf")
    with open(conf, "w") as f:
        f.write('server:\n ip-address: %s@%d\n zonesdir: "%s"\n database: ""\n pidfile: "%s/nsd.pid"\n username: ""\n xfrdfile: ""\n'
                ' zonelistfile: "%s/list"\n xfrdir: "%s"\n server-count: 1\n minimal-responses: yes\nremote-control:\n'
                ' control-enable: no\n' % (NET, PORT, folder, folder, folder, folder))
        for zone, path in served.items():
            f.write('zone:\n name: "%s"\n zonefile: "%s"\n' % (zone, path))
    return subprocess.Popen(["nsd", "-d", "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def certificates(folder):
    """A CA, and a certificate for dns.test; returns the pin of its key."""
    def o(*args):
        return subprocess.run(("openssl",) + args, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout
    o("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
      "-days", "30", "-subj", "/CN=test CA")
    o("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "dns.key", "-out", "dns.csr", "-subj", "/CN=dns.test")
    open(os.path.join(folder, "ext"), "w").write("subjectAltName=DNS:dns.test\n")
    o("x509", "-req", "-in", "dns.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "30", "-out", "dns.pem", "-extfile", "ext")
    der = o("pkey", "-in", "dns.key", "-pubout", "-outform", "DER")
    import hashlib
    return base64.b64encode(hashlib.sha256(der).digest()).decode()


def unbound(folder):
    conf = os.path.join(folder, "unbound.conf")
    with open(conf, "w") as f:
        f.write('server:\n interface: %s@5301\n interface: %s@5302\n tls-port: 5302\n tls-service-pem: "%s/dns.pem"\n tls-service-key: "%s/dns.key"\n'
                ' access-control: 127.0.0.0/8 allow\n do-not-query-localhost: no\n chroot: ""\n username: ""\n directory: "%s"\n'
                ' pidfile: "%s/unbound.pid"\n trust-anchor-file: "%s/anchor"\n do-ip6: no\n use-syslog: no\n local-zone: "test." nodefault\n'
                ' trust-anchor-signaling: no\n edns-buffer-size: 1232\nremote-control:\n control-enable: no\n'
                'forward-zone:\n name: "."\n forward-addr: %s@%d\n' % (NET, NET, folder, folder, folder, folder, folder, NET, PORT))
    return subprocess.Popen(["unbound", "-d", "-c", conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


# ---- resolvers with faults ----

def qname(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin1").lower())
        at += 1 + query[at]
    return ".".join(labels), at + 5


def with_rcode(query, rcode):
    end = qname(query)[1]
    return query[:2] + bytes([0x80 | query[2] & 1, 0x80 | query[3] & 0x10 | rcode]) + b"\0\1\0\0\0\0\0\0" + query[12:end]


def ask_nsd(query):
    with socket.create_connection((NET, PORT), timeout=3) as s:
        s.sendall(struct.pack("!H", len(query)) + query)
        f = s.makefile("rb")
        return f.read(struct.unpack("!H", f.read(2))[0])


class Resolver:
    """UDP and TCP on a port of its own, in front of nsd; behave(query, tcp, self) gives the reply or None."""
    ports = iter(range(5310, 5400))

    def __init__(self, behave):
        self.behave, self.port, self.seen = behave, next(self.ports), []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind((NET, self.port))
        self.tcp = socket.create_server((NET, self.port), backlog=64)
        threading.Thread(target=self.serve_udp, daemon=True).start()
        threading.Thread(target=self.serve_tcp, daemon=True).start()

    def __str__(self):
        return "%s@%d" % (NET, self.port)

    def reply(self, query, tcp):
        self.seen.append((qname(query)[0], tcp))
        return self.behave(query, tcp, self)

    def serve_udp(self):
        while True:
            query, peer = self.udp.recvfrom(4096)
            def one(query=query, peer=peer):
                r = self.reply(query, False)
                if r is not None:
                    self.udp.sendto(r, peer)
            threading.Thread(target=one, daemon=True).start()

    def serve_tcp(self):
        while True:
            s, _ = self.tcp.accept()
            threading.Thread(target=self.serve_stream, args=(s, True), daemon=True).start()

    def serve_stream(self, s, tcp):
        f = s.makefile("rb")
        while True:
            head = f.read(2)
            if len(head) < 2:
                return
            query = f.read(struct.unpack("!H", head)[0])
            def one(query=query):
                r = self.reply(query, tcp)
                if r is not None:
                    try:
                        s.sendall(struct.pack("!H", len(r)) + r)
                    except OSError:
                        pass
            threading.Thread(target=one, daemon=True).start()


def good(query, tcp, r):
    reply = ask_nsd(query)
    if not tcp and len(reply) > 1232:
        return cut(query, tcp, r)
    return reply


def cut(query, tcp, r):
    if tcp:
        return ask_nsd(query)
    reply = bytearray(with_rcode(query, 0))
    reply[2] |= 2
    return bytes(reply)


def slow_plain(query, tcp, r):
    if qname(query)[0].endswith("plain.test"):
        time.sleep(3)
    return good(query, tcp, r)


def dead_plain(query, tcp, r):
    return None if qname(query)[0].endswith("plain.test") else good(query, tcp, r)


def lies_first(query, tcp, r):
    """The first answers about the host are forged; libunbound asks again by itself, but not often enough."""
    reply = good(query, tcp, r)
    if qname(query)[0] == "mx.signed.test" and len([n for n, _ in r.seen if n == "mx.signed.test"]) <= LIES:
        return reply.replace(bytes([192, 0, 2, 10]), bytes([192, 0, 2, 99]))
    return reply


def fails_ds(query, tcp, r):
    name, end = qname(query)
    return with_rcode(query, 2) if name == "signed.test" and query[end - 3] == 43 else good(query, tcp, r)


def strip_dnssec(query, tcp, r):
    """A resolver that knows nothing of DNSSEC: as if DO was not set."""
    q = bytearray(query)
    q[-4] = 0
    return good(bytes(q), tcp, r)


def stray(query, tcp, r):
    """Sends what does not fit before what does: another id, another question."""
    reply = good(query, tcp, r)
    if not tcp:
        bad = bytes([reply[0] ^ 1]) + reply[1:]
        other = reply[:12] + bytes([reply[12]]) + b"z" + reply[14:] if reply[12] else bad
        return [bad, other, reply]
    return reply


class Talkative(Resolver):
    def serve_udp(self):
        while True:
            query, peer = self.udp.recvfrom(4096)
            for r in self.reply(query, False):
                self.udp.sendto(r, peer)


# ---- asking ----

def ask(program, folder, servers, questions, anchor="anchor", more=(), env=None, prefix=()):
    text = "".join((q if isinstance(q, str) else " ".join(str(w) for w in q)) + "\n" for q in questions)
    p = subprocess.run(list(prefix) + [program, "-a", os.path.join(folder, anchor)] + list(more) + [str(s) for s in servers], input=text, timeout=90,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, env=dict(os.environ, **(env or {})))
    lines = [l.split("\t") for l in p.stdout.splitlines() if "\t" in l]
    answers = [dict(zip(("ms", "id", "name", "type", "status", "rrs", "fault", "ttl", "why"), l)) for l in lines]
    counts = dict(zip(*[iter((p.stdout.splitlines() or ["", "", ""])[-3].split())] * 2)) if p.returncode == 0 else {}
    return answers, counts, p.stderr + (p.stdout.splitlines() or [""])[-1]


def one(answers, name, type=None):
    for a in answers:
        if a["name"] == name and (type is None or int(a["type"]) == type):
            return a
    return {"status": "none", "why": "", "ms": "0", "rrs": "0", "fault": "none", "ttl": "0"}


TABLE = [("signed.test", MX, "secure", 1), ("mx.signed.test", A, "secure", 1), ("_25._tcp.mx.signed.test", TLSA, "secure", 1),
         ("_25._tcp.big.signed.test", TLSA, "secure", 60), ("_25._tcp.mx2.signed.test", TLSA, "absent", 0),
         ("nope.signed.test", A, "absent", 0), ("nope.test", MX, "absent", 0), ("alias.signed.test", A, "secure", 1),
         ("away.signed.test", A, "insecure", 1), ("away.signed.test", CNAME, "secure", 1), ("mx.plain.test", A, "insecure", 1),
         ("nope.plain.test", A, "insecure", 0), ("mx.bogus.test", A, "bogus", 0), ("_25._tcp.mx.bogus.test", TLSA, "bogus", 0),
         ("mx.expired.test", A, "bogus", 0)]
QUESTIONS = [(n, t) for n, t, _, _ in TABLE]


def check_table(what, answers, but=()):
    for name, type, status, rrs in TABLE:
        a = one(answers, name, type)
        if name not in but:
            check("%s: %s %d" % (what, name, type), a["status"] == status and int(a["rrs"]) == rrs, a)


def tests(program, folder, pin):
    def go(servers, questions, **more):
        return ask(program, folder, servers, questions, **more)
    ca = {"SSL_CERT_FILE": os.path.join(folder, "ca.pem")}
    plain, tls = "%s@5301" % NET, "tls://%s@5302" % NET
    dead = Resolver(lambda q, tcp, r: None)
    servfail = Resolver(lambda q, tcp, r: with_rcode(q, 2))
    refused = Resolver(lambda q, tcp, r: with_rcode(q, 5))

    for what, servers, env in (("unbound", [plain], {}), ("tls by name", [tls + "#dns.test"], ca), ("tls by pin", [tls + "#pin=" + pin], {}),
                               ("cut to tcp", [Resolver(cut)], {}), ("strays", [Talkative(stray)], {}),
                               ("servfail, then good", [servfail, plain], {}), ("refused, then good", [refused, plain], {}),
                               ("dead, then good", [dead, plain], {}), ("wrong name, then good", [tls + "#other.test", plain], ca)):
        answers, counts, err = go(servers, QUESTIONS, env=env)
        check_table(what, answers)
        check(what + ": healthy", counts.get("fault") == "none", (counts, err))

    for what, servers, env, why in (("dead", [dead], {}, "not answered"), ("servfail", [servfail], {}, "SERVFAIL"), ("refused", [refused], {}, "refused"),
                                    ("nobody there", ["%s@5999" % NET], {}, "cannot be reached"), ("tls, unknown CA", [tls + "#dns.test"], {}, "cannot be reached"),
                                    ("tls, other name", [tls + "#other.test"], ca, "cannot be reached"),
                                    ("tls, other pin", [tls + "#pin=" + base64.b64encode(bytes(32)).decode()], {}, "cannot be reached")):
        answers, counts, err = go(servers, [("mx.signed.test", A), ("mx.bogus.test", A), "drain", ("mx.plain.test", A)], env=env)
        for name in ("mx.signed.test", "mx.bogus.test", "mx.plain.test"):
            check("%s: %s failed, not bogus and not absent" % (what, name), one(answers, name)["status"] == "failed" and why in one(answers, name)["why"], answers)
        check("%s: said to be our fault" % what, counts.get("fault") == "unreachable", (counts, err))

    slow = Resolver(slow_plain)
    answers, _, _ = go([slow], [("mx.plain.test", A)] + [(n, t) for n, t in QUESTIONS if "plain" not in n and "away" not in n])
    late = int(one(answers, "mx.plain.test")["ms"])
    check("a slow zone is answered", one(answers, "mx.plain.test")["status"] == "insecure" and late >= 2900, answers)
    check("and delays no other", all(int(a["ms"]) < 2000 for a in answers if "plain" not in a["name"]), answers)

    hole = Resolver(dead_plain)
    many = [("x%d.plain.test" % i, A, 7) for i in range(200)]
    answers, counts, _ = go([hole], many + [("mx.signed.test", A, 8), "wait 1500", ("signed.test", MX, 9)])
    for name in ("mx.signed.test", "signed.test"):
        a = one(answers, name)
        check("invented names starve nobody: " + name, a["status"] == "secure" and int(a["ms"]) < 3000, a)
    check("who has too many open is told so", int(counts.get("over_share", 0)) > 0 and
          all(a["status"] == "failed" for a in answers if a["name"].startswith("x")), counts)

    answers, counts, _ = go([slow], [("mx.plain.test", A)] * 50)
    check("equal questions are one", len(answers) == 50 and int(counts["merged"]) == 49, counts)
    answers, counts, _ = go([plain], [("short.signed.test", A), "drain", ("short.signed.test", A), "drain", "wait 2100", ("short.signed.test", A)])
    check("the cache respects a TTL", int(counts["cached"]) == 1 and len(answers) == 3, counts)
    answers, counts, _ = go([plain], [("nope.signed.test", A), "drain", ("nope.signed.test", A)])
    check("a denial lives as long as the SOA says", int(counts["cached"]) == 1 and 0 < int(answers[0]["ttl"]) <= 60, answers)

    answers, counts, _ = go([Resolver(lies_first)], [("mx.signed.test", A)])
    check("what was forged first is asked again", one(answers, "mx.signed.test")["status"] == "secure" and int(counts["again"]) >= 1, (answers, counts))
    answers, _, _ = go([Resolver(fails_ds)], [("mx.signed.test", A), ("mx.bogus.test", A)])
    check("a DS that was not told is a failure", one(answers, "mx.signed.test")["status"] == "failed", answers)
    check("beside it bogus is bogus", one(answers, "mx.bogus.test")["status"] == "bogus", answers)

    answers, counts, text = go([plain], [("mx.b%d.test" % i, A) for i in range(MANY)])
    check("many bogus zones: one fault of ours", counts.get("fault") == "many-bogus" and sum(a["fault"] == "many-bogus" for a in answers) >= 1, (answers, counts))
    answers, counts, text = go([plain], [("mx.b%d.test" % i, A) for i in range(3)] + QUESTIONS)
    check("three bogus zones are theirs", counts.get("fault") == "none", counts)
    answers, counts, text = go([plain], [("mx.signed.test", A)], anchor="other")
    check("an anchor that does not fit", counts.get("fault") == "trust-anchor", (answers, counts, text))
    answers, counts, text = go([Resolver(strip_dnssec)], [("mx.signed.test", A)])
    check("a resolver without signatures", counts.get("fault") == "no-signatures", (answers, counts, text))
    if shutil.which("faketime"):
        answers, counts, text = go([plain], [("mx.signed.test", A)], prefix=("faketime", "-f", "+90d"))
        check("a clock that is 60 days ahead", counts.get("fault") == "clock" and "14" in text, (answers, counts, text))

    for what, canaries, fault, line in (
            ("as they must be", ["signed.test", "mx.bogus.test=bogus", "alpha.net"], "none", "healthy"),
            ("one that does not validate", ["signed.test", "mx.b1.test"], "canary", "mx.b1.test does not validate"),
            ("one without signatures", ["plain.test"], "canary", "plain.test does not validate"),
            ("one that should be bogus, and is not", ["signed.test", "alpha.net=bogus"], "canary", "alpha.net should be bogus"),
            ("one that should be bogus, and has no signatures", ["plain.test=bogus"], "canary", "plain.test should be bogus")):
        answers, counts, text = go([plain], [("mx.signed.test", A), ("mx.b2.test", A), "wait 700"], more=[w for c in canaries for w in ("-c", c)])
        check("canary zones: " + what, counts.get("fault") == fault and line in text, (answers, counts, text))
        check("canary zones: %s, before anything bogus is said" % what, one(answers, "mx.b2.test")["fault"] == fault, answers)
    some = Resolver(dead_plain)
    answers, counts, text = go([some], [("mx.signed.test", A), ("mx.b2.test", A)], more=("-c", "plain.test", "-c", "signed.test"))
    check("one canary out of reach of two", counts.get("fault") == "none", (counts, text))
    answers, counts, text = go([some], [("mx.signed.test", A), ("mx.b2.test", A)], more=("-c", "plain.test"))
    check("all canaries out of reach", counts.get("fault") == "canary", (counts, text))
    names = [("nope%d.signed.test" % i, A) for i in range(40)]     # their replies do not fit into half of it, one at a time they do
    answers, counts, text = go([plain], QUESTIONS + names, more=("-m", "48"))
    check_table("a store of replies that is small", answers)
    check("is begun anew", int(counts.get("renewed", 0)) > 0, counts)
    torn = [(n % i, t) for i in range(30) for n, t in (("n%d.signed.test", A), ("n%d.plain.test", A), ("_25._tcp.x%d.signed.test", TLSA))]
    answers, counts, text = go([Resolver(fails_ds)], torn + [("_25._tcp.big.signed.test", TLSA)] * 30, more=("-m", "12"))
    check("is begun anew while lookups fail: each is answered", len(answers) == 120 and int(counts.get("renewed", 0)) > 0, (len(answers), counts, text))
    check("and none is called bogus for it", all(a["status"] == "failed" for a in answers if "signed" in a["name"]), answers)

    saved = os.path.join(folder, "saved.pcapng")
    answers, counts, _ = go([tls + "#dns.test"], QUESTIONS, env=ca, more=("-w", saved))
    check("replies are saved", int(counts.get("saved", 0)) > 10, counts)
    if shutil.which("tshark"):
        seen = subprocess.run(["tshark", "-r", saved, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-e", "dns.qry.name", "-e",
                               "_ws.malformed", "-e", "udp.checksum.status", "-e", "ip.checksum.status"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        rows = [l.split("\t") for l in seen.stdout.splitlines()]
        check("tshark reads them", len(rows) == int(counts["saved"]) and all(r[1:] == ["", "1", "1"] for r in rows) and
              "mx.signed.test" in [r[0] for r in rows], (rows[:3], seen.stderr))


def session(program, capture, *options):
    p = subprocess.run([program, "read", "--format", "ndjson"] + list(options) + [capture], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       universal_newlines=True, timeout=60)
    events = [json.loads(l) for l in p.stdout.splitlines()]
    found = [e["mxwitness"] for e in events if e["event"]["dataset"] == "mxwitness.session"]
    return (found or [{}])[0], p.stderr


def tests_read(program, folder):
    """A captured session without its DNS, as if it had passed a minute ago: judged live, and again from what was saved."""
    bare, saved, anchor = (os.path.join(folder, n) for n in ("bare.pcapng", "side.pcapng", "anchor"))
    first = float(run("tshark", "-r", CAPTURE, "-Y", "tcp", "-T", "fields", "-e", "frame.time_epoch").split()[0])
    run("tshark", "-r", CAPTURE, "-Y", "tcp.port==25", "-w", bare + ".then")
    run("editcap", "-t", str(time.time() - first - 60), bare + ".then", bare)
    got, err = session(program, bare, "--trust-anchor", anchor)
    check("without DNS there is no verdict", got["dane"]["verdict"] != "match", got["dane"])
    got, err = session(program, bare, "--trust-anchor", anchor, "--dns=live", "--resolver", "%s@5301" % NET, "--save-dns", saved)
    check("read --dns=live: match", got["dane"]["verdict"] == "match" and got["dane"]["source"] == "live" and got["resolver"]["fault"] == "none", (got, err))
    later, err = session(program, bare, "--trust-anchor", anchor, saved)
    check("the same from the side file", later["dane"]["verdict"] == "match" and later["dane"]["source"] == "capture", (later.get("dane"), err))
    got, err = session(program, bare, "--trust-anchor", anchor, "--dns=auto", "--resolver", "%s@5999,%s@5301" % (NET, NET))
    check("read --dns=auto asks the second server", got["dane"]["verdict"] == "match" and got["dane"]["source"] == "live", (got, err))
    got, err = session(program, bare, "--trust-anchor", anchor, "--dns=live", "--resolver", "%s@5999" % NET)
    check("nobody there: the lookup failed, and it is ours", got["dane"]["verdict"] == "lookup-failed" and got["resolver"]["fault"] == "unreachable" and
          err.count("no resolver answers") == 1, (got, err))
    for options in (("--save-dns", saved), ("--dns=live", "--resolver", "tls://192.0.2.1"), ("--dns=live", "--resolver", "192.0.2.1,,192.0.2.2")):
        p = subprocess.run([program, "read"] + list(options) + [bare], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
        check("refused: " + " ".join(options), p.returncode == 2 and p.stdout == "" and p.stderr.startswith("mxwitness: "), p.stderr)


# alerts that need the DNS, and alerts that only mention it
WEAK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pcaps", "weak-rc4.pcapng")
STRIPPED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pcaps", "strip-dane-clear-ipv6.pcapng")


def tests_evidence(program, folder):
    """Evidence of what was asked live: repeated from the file when the servers are gone, and years later."""
    anchor = os.path.join(folder, "anchor")
    for name, capture in (("stripped", STRIPPED), ("weak", WEAK)):
        run("tshark", "-r", capture, "-Y", "tcp.port==25", "-w", os.path.join(folder, name + ".then"))
    good, nobody = "%s@5301" % NET, "%s@5999" % NET
    files = []
    for what, age, mode, server, verdict in (("live", 60, "live", good, "tls-absent"), ("auto", 60, "auto", good, "tls-absent"),
                                             ("a session of last month", 40 * 86400, "live", good, "dns-time-mismatch"),
                                             ("nobody answers", 60, "live", nobody, "lookup-failed"),
                                             ("nobody answers, and auto", 60, "auto", nobody, "lookup-failed")):
        bare, out = os.path.join(folder, "stripped.pcapng"), os.path.join(folder, "evidence", what)
        then = os.path.join(folder, ("weak" if server is nobody else "stripped") + ".then")
        first = float(run("tshark", "-r", then, "-T", "fields", "-e", "frame.time_epoch").split()[0])
        run("editcap", "-t", str(time.time() - first - age), then, bare)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        p = subprocess.run([program, "read", "--format", "ndjson", "--trust-anchor", anchor, "--dns=" + mode, "--resolver", server, "--evidence", out,
                            bare], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=90)
        alerts = [e["mxwitness"] for e in map(json.loads, p.stdout.splitlines()) if e["event"]["dataset"] == "mxwitness.alert" and "source" in e]
        check("evidence, %s: an alert" % what, bool(alerts) and all(a["dane"]["verdict"] == verdict for a in alerts), (p.stdout, p.stderr))
        for a in alerts:
            e, failed = a["evidence"], verdict == "lookup-failed"
            check("evidence, %s: reproduced, or said why not" % what, e.get("reproduced") is not failed and
                  ("no message shows" in e.get("why", "")) == failed, e)
            files.append((what, os.path.join(out, e["file"]), failed))
    return files


def tests_verify(program, folder, files):
    """When all servers are gone."""
    anchor = os.path.join(folder, "anchor")
    later = ["faketime", "-f", "+9y"] if shutil.which("faketime") else []
    alone = ["unshare", "-rn", "sh", "-c", 'ip link set lo up; exec "$@"', "sh"]
    if subprocess.run(alone + ["true"], stderr=subprocess.DEVNULL).returncode:
        alone = []
    for what, path, failed in files:
        for how, prefix in (("now", []), ("in nine years", later), ("without a network", alone)):
            p = subprocess.run(prefix + [program, "verify", "--trust-anchor", anchor, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               universal_newlines=True, timeout=60)
            check("verify %s, %s" % (how, what), p.returncode == failed and (": reproduced: " in p.stdout) is not failed, (p.stdout, p.stderr))
        if "month" in what:
            continue        # read judges by the time of the packets: the DNS of another day says nothing to it
        p = subprocess.run([program, "read", "--format", "ndjson", "--trust-anchor", anchor, path], stdout=subprocess.PIPE, universal_newlines=True)
        check("read on the evidence of " + what, any(json.loads(l)["event"]["dataset"] == "mxwitness.alert" for l in p.stdout.splitlines()), p.stdout)


def main():
    program = sys.argv[1]
    missing = [t for t in ("nsd", "unbound", "ldns-keygen", "ldns-signzone", "openssl") if not shutil.which(t)]
    if missing:
        print("live dns: 0 passed, 0 failed, 1 skipped (no %s here: sh tools/setup live)" % ", ".join(missing))
        return 0
    folder, children, files = tempfile.mkdtemp(), [], []
    try:
        served = world(folder)
        pin = certificates(folder)
        children = [nsd(folder, served), unbound(folder)]
        time.sleep(2)
        tests(program, folder, pin)
        if len(sys.argv) > 2 and shutil.which("tshark") and shutil.which("editcap"):
            tests_read(sys.argv[2], folder)
            files = tests_evidence(sys.argv[2], folder)
        for c in children:
            c.terminate()
            c.wait()
        if files:
            tests_verify(sys.argv[2], folder, files)
    finally:
        for c in children:
            if c.poll() is None:
                c.kill()
                c.wait()
        if os.environ.get("KEEP"):
            print(folder)
        else:
            shutil.rmtree(folder)
    print("live dns: %(passed)d passed, %(failed)d failed" % results)
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
