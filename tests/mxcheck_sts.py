#!/usr/bin/env python3
"""mxcheck sts-fetch against policy hosts of its own on loopback, right ones and wrong ones, with names from nsd through unbound.

usage: mxcheck_sts.py MXCHECK
Needs nsd, unbound, openssl. Ends in "mxcheck sts: N passed, N failed[, N skipped ...]"."""
import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

NET = "127.89.%d.%d" % (os.getpid() >> 8 & 255, os.getpid() & 255 or 1)     # of this run alone
NOBODY = "127.90.0.1"                                                        # where nothing listens
DNS, RESOLVER, HTTPS = 5300, 5301, 8443
AGE = 604800
results = {"passed": 0, "failed": 0}


def check(what, holds, seen=""):
    results["passed" if holds else "failed"] += 1
    if not holds:
        print("FAILED: %s\n        %s" % (what, seen))


def policy(mode="enforce", mx="mx.alpha.example", age=AGE):
    return "version: STSv1\r\nmode: %s\r\nmx: %s\r\nmax_age: %s\r\n" % (mode, mx, age)


def page(body, head="HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"):
    body = body.encode()
    return head.encode() + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


# ---- policy hosts: what each sends, and by which certificate ----

def trickle(s):
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(60):
        s.sendall(b"v")
        time.sleep(0.2)


def chunks(s):
    s.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(40):
        s.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")


HOSTS = {
    "alpha": page(policy()),
    "beta": page(policy("testing", "*.beta.example")),
    "none": page("version: STSv1\nmode: none\nmax_age: 86400\n"),
    "plain": page(policy(), "HTTP/1.1 200 OK\r\nContent-Type: TEXT/PLAIN\r\n"),
    "old": page(policy(age=99999999)),
    "expired": page(policy()), "stranger": page(policy()), "self": page(policy()), "subject": page(policy()), "early": page(policy()),
    "redirect": page("", "HTTP/1.1 302 Found\r\nContent-Type: text/plain\r\nLocation: https://mta-sts.alpha.example:%d/.well-known/mta-sts.txt\r\n" % HTTPS),
    "html": page(policy(), "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"),
    "mediumless": page(policy(), "HTTP/1.1 200 OK\r\n"),
    "prefix": page(policy(), "HTTP/1.1 200 OK\r\nContent-Type: text/plainer\r\n"),
    "large": page("version: STSv1\n" + "x" * 70000), "chunked": chunks, "slow": trickle,
    "missing": page("no such page\n" * 9000, "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n"),
    "broken": page(policy(), "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\n"),
    "invalid": page("version: STSv1\nmode: loud\nmax_age: 86400\n"), "empty": page(""),
    "age": page(policy(age="99999999999")), "mxless": page("version: STSv1\nmode: enforce\nmax_age: 86400\n"),
    "cut": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 900\r\n\r\n" + policy().encode(),
    "escape": page("version: STSv1\n\x1b[31mred\nmode: none\nmax_age: 1\n"), "closed": None, "nowhere": None, "clear": b"", "partial": page(policy()),
}


class Hosts:
    """One listener with TLS for all, by SNI; asked counts what came for each."""

    def __init__(self, folder):
        self.folder, self.asked, self.page = folder, {}, dict(HOSTS)
        self.context = {n: self.load(n) for n in ("good", "expired", "stranger", "self", "subject", "early", "partial")}
        front = self.load("good")
        front.sni_callback = self.choose
        self.front = front
        self.listener = socket.create_server((NET, HTTPS), backlog=64)
        threading.Thread(target=self.serve, daemon=True).start()

    def load(self, name):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(os.path.join(self.folder, name + ".pem"), os.path.join(self.folder, name + ".key"))
        return c

    def choose(self, s, name, _):
        s.named = (name or "").split(".")[1] if (name or "").startswith("mta-sts.") else ""
        s.context = self.context.get(s.named, self.front)

    def serve(self):
        while True:
            s, _ = self.listener.accept()
            threading.Thread(target=self.one, args=(s,), daemon=True).start()

    def one(self, raw):
        try:
            s = self.front.wrap_socket(raw, server_side=True)
            with s:
                request = b""
                while b"\r\n\r\n" not in request:
                    got = s.recv(4096)
                    if not got:
                        return
                    request += got
                self.asked.setdefault(s.named, []).append(request.decode("latin1"))
                answer = self.page[s.named]
                if callable(answer):
                    answer(s)
                else:
                    s.sendall(answer)
        except (OSError, ssl.SSLError):
            pass

    def count(self, name):
        return len(self.asked.get(name, []))


def certificates(folder):
    """A CA of the test, and certificates of every kind."""
    def o(*args):
        subprocess.run(("openssl",) + args, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    good = ["mta-sts.%s.example" % n for n in HOSTS]
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for ca in ("ca", "other"):
        o("req", "-x509", *new, "-keyout", ca + ".key", "-out", ca + ".pem", "-days", "30", "-subj", "/CN=test " + ca)
    open(os.path.join(folder, "index"), "w").close()
    conf = os.path.join(folder, "ca.conf")
    with open(conf, "w") as f:
        f.write("[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\nnew_certs_dir=%s\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nunique_subject=no\n"
                "copy_extensions=copy\n[p]\ncommonName=supplied\n" % (folder, folder))
    for name, ca, subject, names, days in (
            ("good", "ca", "policy hosts", good, (-2, 30)), ("expired", "ca", "x", ["mta-sts.expired.example"], (-40, -3)),
            ("early", "ca", "x", ["mta-sts.early.example"], (3, 30)), ("stranger", "ca", "x", ["mta-sts.else.example"], (-2, 30)),
            ("self", "other", "x", ["mta-sts.self.example"], (-2, 30)), ("subject", "ca", "mta-sts.subject.example", [], (-2, 30)),
            ("partial", "ca", "x", ["mta-*.partial.example"], (-2, 30))):
        san = ["-addext", "subjectAltName=" + ",".join("DNS:" + n for n in names)] if names else []
        o("req", *new, "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + subject, *san)
        stamp = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + d * 86400)) for d in days]
        o("ca", "-batch", "-config", conf, "-cert", ca + ".pem", "-keyfile", ca + ".key", "-in", name + ".csr", "-out", name + ".pem", "-notext",
          "-startdate", stamp[0], "-enddate", stamp[1])


# ---- names ----

class Names:
    """The zone example., by nsd, and unbound in front of it; nothing is kept longer than for an answer."""

    def __init__(self, folder):
        self.folder, self.serial = folder, 0
        self.txt = {n: ["v=STSv1; id=1;"] for n in HOSTS}
        self.txt.update({"two": ["v=STSv1; id=1;", "v=STSv1; id=2;"], "idless": ["v=STSv1;"], "other": ["v=spf1 -all"],
                         "both": ["some other text", "v=STSv1; id=7;"]})
        self.write()
        with open(os.path.join(folder, "nsd.conf"), "w") as f:
            f.write('server:\n ip-address: %s@%d\n zonesdir: "%s"\n database: ""\n pidfile: "%s/nsd.pid"\n username: ""\n xfrdfile: ""\n'
                    ' zonelistfile: "%s/list"\n xfrdir: "%s"\n server-count: 1\nremote-control:\n control-enable: no\nzone:\n name: "example."\n'
                    ' zonefile: "%s/zone"\n' % (NET, DNS, folder, folder, folder, folder, folder))
        with open(os.path.join(folder, "unbound.conf"), "w") as f:
            f.write('server:\n interface: %s@%d\n access-control: 127.0.0.0/8 allow\n do-not-query-localhost: no\n chroot: ""\n username: ""\n'
                    ' directory: "%s"\n pidfile: "%s/unbound.pid"\n do-ip6: no\n use-syslog: no\n module-config: "iterator"\n cache-max-ttl: 0\n'
                    ' cache-max-negative-ttl: 0\nremote-control:\n control-enable: no\nstub-zone:\n name: "example."\n stub-addr: %s@%d\n'
                    % (NET, RESOLVER, folder, folder, NET, DNS))
        self.nsd = subprocess.Popen(["nsd", "-d", "-c", os.path.join(folder, "nsd.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.unbound = subprocess.Popen(["unbound", "-d", "-c", os.path.join(folder, "unbound.conf")], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.wait()

    def write(self):
        self.serial += 1
        with open(os.path.join(self.folder, "zone.new"), "w") as f:
            f.write("$ORIGIN example.\n$TTL 0\n@ IN SOA ns host %d 3600 600 86400 0\n@ NS ns\nns A %s\nserial TXT \"%d\"\n" % (self.serial, NET, self.serial))
            for name, records in self.txt.items():
                for r in records:
                    half = len(r) // 2
                    f.write('_mta-sts.%s TXT "%s" "%s"\n' % (name, r[:half], r[half:]))
            for name in list(HOSTS) + ["both"]:
                if name != "nowhere":
                    f.write("mta-sts.%s A %s\n" % (name, NOBODY if name == "closed" else NET))
        os.rename(os.path.join(self.folder, "zone.new"), os.path.join(self.folder, "zone"))

    def set(self, name, *records):
        self.txt[name] = list(records)
        self.write()
        self.nsd.send_signal(signal.SIGHUP)
        self.wait()

    def wait(self):
        """Until unbound gives this serial."""
        q = b"\x12\x34\1\0\0\1\0\0\0\0\0\0\6serial\7example\0\0\x10\0\1"
        for _ in range(200):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.3)
                try:
                    s.sendto(q, (NET, RESOLVER))
                    reply = s.recv(512)
                    if reply.endswith(bytes([len(str(self.serial))]) + str(self.serial).encode()):
                        return
                except OSError:
                    pass
            time.sleep(0.05)
        raise SystemExit("mxcheck sts: the name servers do not start")

    def stop(self):
        for p in (self.nsd, self.unbound):
            p.terminate()
            p.wait()


# ---- the program ----

class Fetcher:
    def __init__(self, program, folder):
        self.program, self.cache, self.folder = program, os.path.join(folder, "cache"), folder
        os.mkdir(self.cache)

    def command(self, *more):
        return [self.program, "sts-fetch", "--cache", self.cache, "--resolver", "%s@%d" % (NET, RESOLVER), "--port", str(HTTPS), "--inside",
                "--ca-file", os.path.join(self.folder, "ca.pem"), "--timeout", "2"] + list(more)

    def run(self, *more, **env):
        return subprocess.run(self.command(*more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=120,
                              env=dict(os.environ, **env))

    def json(self, *more):
        r = self.run("--format", "json", *more)
        return r.returncode, [json.loads(line) for line in r.stdout.splitlines()], r.stderr

    def one(self, domain):
        rc, lines, err = self.json(domain + ".example")
        return lines[0] if len(lines) == 1 else {"result": "?", "stderr": err}

    def path(self, domain):
        return os.path.join(self.cache, domain + ".example.sts")

    def file(self, domain):
        """(header, policy) of the file; a broken one is an exception."""
        with open(self.path(domain), newline="") as f:
            head, body = f.read().split("\n\n", 1)
        lines = [line.split(": ", 1) for line in head.split("\n")]
        assert lines[0] == ["mxwitness-sts", "1"] and len(dict(lines)) == len(lines)
        return dict(lines), body

    def edit(self, domain, **keys):
        head, body = self.file(domain)
        head.update({k.replace("_", "-"): str(v) for k, v in keys.items()})
        with open(self.path(domain), "w", newline="") as f:
            f.write("".join("%s: %s\n" % kv for kv in head.items()) + "\n" + body)


WRONG = (
    ("expired", "sts-webpki-invalid", "expired"), ("early", "sts-webpki-invalid", "not yet valid"), ("stranger", "sts-webpki-invalid", "mismatch"),
    ("self", "sts-webpki-invalid", "issuer"), ("subject", "sts-webpki-invalid", "mismatch"), ("partial", "sts-webpki-invalid", "mismatch"),
    ("redirect", "sts-policy-fetch-error", "302"), ("html", "sts-policy-fetch-error", "text/html"), ("mediumless", "sts-policy-fetch-error", "media"),
    ("prefix", "sts-policy-fetch-error", "text/plainer"), ("large", "sts-policy-invalid", "longer"), ("chunked", "sts-policy-invalid", "longer"),
    ("slow", "sts-policy-fetch-error", "timed out"), ("missing", "sts-policy-fetch-error", "404"), ("broken", "sts-policy-fetch-error", "503"),
    ("invalid", "sts-policy-invalid", "mode"), ("empty", "sts-policy-invalid", "version"), ("age", "sts-policy-invalid", "max_age"),
    ("mxless", "sts-policy-invalid", "no mx"), ("cut", "sts-policy-fetch-error", ""), ("escape", "sts-policy-invalid", "line"),
    ("closed", "sts-policy-fetch-error", "connect"), ("nowhere", "sts-policy-fetch-error", "no address"),
)


def right(f, hosts):
    rc, lines, err = f.json("alpha.example", "BETA.example.", "none.example", "plain.example", "old.example", "alpha.example")
    check("each domain once, in the order given, exit status 0", rc == 0 and [(x["domain"].split(".")[0], x["result"]) for x in lines] ==
          [(n, "fetched") for n in ("alpha", "beta", "none", "plain", "old")], (rc, lines, err))
    head, body = f.file("alpha")
    check("the file holds the policy octet by octet", body == policy(), body)
    check("its header", head["domain"] == "alpha.example" and head["id"] == "1" and head["refetch"] == "ok" and
          abs(int(head["fetched"]) - time.time()) < 60 and head["refetched"] == head["fetched"] and "earlier-mode" not in head, head)
    check("any user may read it", os.stat(f.path("alpha")).st_mode & 0o7777 == 0o644)
    check("mode and max_age are told, and a max_age over a year is cut", [x["mode"] for x in lines] ==
          ["enforce", "testing", "none", "enforce", "enforce"] and lines[4]["max_age"] == 31557600, lines)
    request = hosts.asked["alpha"][0]
    check("one request, without anything that tells who asks", hosts.count("alpha") == 1 and request.startswith(
        "GET /.well-known/mta-sts.txt HTTP/1.1\r\n") and set(x.split(":")[0].lower() for x in request.split("\r\n")[1:-2]) == {"host", "user-agent", "accept"}, request)


def wrong(f, hosts):
    rc, lines, _ = f.json("-j", "8", *[w[0] + ".example" for w in WRONG])
    check("one that fails makes the exit status 1", rc == 1 and len(lines) == len(WRONG), rc)
    for (name, status, why), line in zip(WRONG, lines):
        check("%s: %s" % (name, status), line["domain"] == name + ".example" and line["result"] == "failed" and line["status"] == status and
              why in line["reason"].lower(), line)
        check("%s: nothing is written" % name, not os.path.exists(f.path(name)))
    check("a redirect is not followed", hosts.count("alpha") == 1, hosts.asked.get("alpha"))
    text = f.run("escape.example").stdout
    check("no control character reaches the terminal", "\x1b" not in text and "failed sts-policy-invalid" in text, repr(text))


def records(f, hosts):
    check("no record", f.one("nothing") == {"domain": "nothing.example", "result": "none"}, f.one("nothing"))
    check("a TXT record of something else", f.one("other")["result"] == "none")
    two = f.one("two")
    check("two records are none (RFC 8461 3.1)", two["result"] == "none" and "more than one" in two["reason"], two)
    check("a record without an id is none", f.one("idless")["result"] == "none")
    check("one among others, which has a page for nobody", f.one("both")["status"] == "sts-webpki-invalid", f.one("both"))
    private = subprocess.run([c for c in f.command("alpha.example") if c != "--inside"], stdout=subprocess.PIPE, universal_newlines=True).stdout
    check("loopback is not asked without --inside: unchanged needs no page", "unchanged" in private, private)
    private = subprocess.run([c for c in f.command("html.example") if c != "--inside"], stdout=subprocess.PIPE, universal_newlines=True)
    check("loopback is not asked without --inside", private.returncode == 1 and "private networks only" in private.stdout, private.stdout)
    dead = subprocess.run(f.command("alpha.example", "--resolver", NOBODY), stdout=subprocess.PIPE, universal_newlines=True)
    check("no resolver: the policy stays, and it is said", dead.returncode == 1 and "still enforce" in dead.stdout and
          "no answer from the resolver" in dead.stdout, dead.stdout)


def life(f, hosts, names):
    """What becomes of alpha's policy in the course of time."""
    asked = hosts.count("alpha")
    check("id unchanged: nothing is fetched", f.one("alpha")["result"] == "unchanged" and hosts.count("alpha") == asked)
    names.set("alpha", "v=STSv1; id=2;")
    check("a new id: fetched", f.one("alpha")["result"] == "fetched" and f.file("alpha")[0]["id"] == "2" and hosts.count("alpha") == asked + 1)

    names.set("alpha", "v=STSv1; id=3;")
    f.edit("alpha", fetched=int(time.time()) - 1000)
    before = f.file("alpha")
    hosts.page["alpha"] = HOSTS["missing"]
    line = f.one("alpha")
    after = f.file("alpha")
    check("a refetch that fails keeps the policy", line["result"] == "failed" and line["status"] == "sts-policy-fetch-error" and line["mode"] == "enforce" and
          after[1] == before[1] and after[0]["fetched"] == before[0]["fetched"] and after[0]["id"] == "2", (line, after))
    check("and is noted", after[0]["refetch"] == "sts-policy-fetch-error" and int(after[0]["refetched"]) > int(after[0]["fetched"]), after)
    hosts.page["alpha"] = HOSTS["invalid"]
    check("an invalid policy is none that ends one", f.one("alpha")["status"] == "sts-policy-invalid" and f.file("alpha")[1] == before[1] and
          f.file("alpha")[0]["refetch"] == "sts-policy-invalid")

    hosts.page["alpha"] = page(policy("testing"))
    until = int(before[0]["fetched"]) + AGE
    check("from enforce to testing while it held", f.one("alpha")["mode"] == "testing" and f.file("alpha")[0]["earlier-mode"] == "enforce" and
          f.file("alpha")[0]["earlier-until"] == str(until) and f.file("alpha")[0]["refetch"] == "ok", f.file("alpha"))
    names.set("alpha", "v=STSv1; id=4;")
    f.one("alpha")
    check("and since when it has been testing", int(f.file("alpha")[0]["mode-since"]) <= int(f.file("alpha")[0]["fetched"]))
    f.edit("alpha", mode_since=int(time.time()) - 500)
    names.set("alpha", "v=STSv1; id=4a;")
    f.one("alpha")
    check("and this goes on with the next", int(f.file("alpha")[0]["mode-since"]) < int(time.time()) - 400)
    check("testing again: what was before is still known", f.file("alpha")[0]["earlier-until"] == str(until) and f.file("alpha")[0]["id"] == "4a", f.file("alpha"))
    f.edit("alpha", earlier_until=int(time.time()) - 5)
    names.set("alpha", "v=STSv1; id=5;")
    f.one("alpha")
    check("until it would have ended", "earlier-mode" not in f.file("alpha")[0], f.file("alpha"))
    hosts.page["alpha"] = HOSTS["alpha"]
    names.set("alpha", "v=STSv1; id=6;")
    f.one("alpha")
    check("from testing to enforce nothing is lost", "earlier-mode" not in f.file("alpha")[0], f.file("alpha"))

    asked = hosts.count("alpha")
    f.edit("alpha", fetched=int(time.time()) - AGE + AGE // 4 - 10)
    check("near its end: fetched, though the id is the same", f.one("alpha")["result"] == "fetched" and hosts.count("alpha") == asked + 1)
    names.set("alpha")
    check("no record any more: the policy holds", f.one("alpha")["result"] == "kept" and f.one("alpha")["mode"] == "enforce" and hosts.count("alpha") == asked + 1)
    f.edit("alpha", fetched=int(time.time()) - AGE + AGE // 4 - 10)
    check("no record, near its end: fetched all the same (RFC 8461 10.2)", f.one("alpha")["result"] == "fetched" and f.file("alpha")[0]["id"] == "6", f.file("alpha"))
    f.edit("alpha", fetched=int(time.time()) - AGE - 10)
    check("no record, and the policy has ended", f.one("alpha")["result"] == "none")
    names.set("alpha", "v=STSv1; id=7;")
    open(f.path("alpha"), "w").write("mxwitness-sts: 1\nnonsense\n")
    check("a file that says nothing is fetched anew", f.one("alpha")["result"] == "fetched" and f.file("alpha")[0]["id"] == "7")
    os.unlink(f.path("alpha"))
    os.symlink("/etc/passwd", f.path("alpha"))
    check("a link is replaced, not followed", f.one("alpha")["result"] == "fetched" and not os.path.islink(f.path("alpha")))


def crashes(f, hosts, names):
    """Killed at any point: each file is an old one or a new one, whole."""
    chosen = ["alpha", "beta", "plain", "old"]
    f.json(*[c + ".example" for c in chosen])
    good, half = 0, 0
    rounds = 30
    for i in range(rounds):
        for c in chosen:
            f.edit(c, id="k%d" % i)
        p = subprocess.Popen(f.command("-j", "4", *[c + ".example" for c in chosen]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(random.uniform(0.005, 0.06))
        p.kill()
        p.wait()
        bodies = [f.file(c)[1] for c in chosen]
        good += bodies == [policy(), policy("testing", "*.beta.example"), policy(), policy(age=99999999)]
        half += any(n.startswith(".new-") for n in os.listdir(f.cache))
    check("killed %d times: every file is whole" % rounds, good == rounds, good)
    open(os.path.join(f.cache, ".new-left.example"), "w").write("half")
    check("the next one goes on", f.json("alpha.example")[0] == 0)
    check("and clears up", not [n for n in os.listdir(f.cache) if n.startswith(".new-")], os.listdir(f.cache))


def two(f):
    p = subprocess.Popen(f.command("slow.example"), stdout=subprocess.DEVNULL)
    time.sleep(0.7)
    r = f.run("alpha.example")
    check("two at once: the second is told to wait", r.returncode == 2 and "another mxcheck" in r.stderr, r.stderr)
    p.wait()


def surroundings(f, hosts):
    proxy = socket.create_server((NET, 3128))
    proxy.setblocking(False)
    url = "http://%s:3128" % NET
    f.edit("beta", id="other")
    r = f.run("beta.example", HTTPS_PROXY=url, https_proxy=url, ALL_PROXY=url)
    try:
        proxy.accept()
        seen = True
    except BlockingIOError:
        seen = False
    check("no proxy of the environment is asked", r.returncode == 0 and "fetched" in r.stdout and not seen, r.stdout)
    proxy.close()


def words(f):
    def fails(what, part, *args):
        r = subprocess.run([f.program] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, stdin=subprocess.DEVNULL)
        check(what, r.returncode == 2 and part in r.stderr and not r.stdout, (r.returncode, r.stderr))
    fails("no command", "usage")
    fails("an unknown command", "no such command", "sts-fetsch")
    fails("no domain", "no domain named", "sts-fetch", "--cache", f.cache)
    fails("no folder", "into which folder", "sts-fetch", "a.example")
    fails("a folder that is none", "No such file", "sts-fetch", "--cache", f.cache + "/none", "a.example")
    for bad in ("a", "a..example", "-a.example", "a.example/x", "192.0.2.1", "münchen.example", "a b.example", "../x.example", "x" * 64 + ".example", ""):
        fails("no mail domain: %s" % bad, "no mail domain", "sts-fetch", "--cache", f.cache, "--", bad)
    fails("a name as resolver", "not an IP address", "sts-fetch", "--cache", f.cache, "--resolver", "dns.example", "a.example")
    fails("DNS over TLS", "UDP and TCP", "sts-fetch", "--cache", f.cache, "--resolver", "tls://127.0.0.1#dns.example", "a.example")
    fails("a port", "from 1 to 65535", "sts-fetch", "--port", "65536", "a.example")
    fails("an unknown option", "no such option", "sts-fetch", "--frobnicate", "a.example")
    fails("no file of authorities", "--ca-file", "sts-fetch", "--cache", f.cache, "--ca-file", "/none", "a.example")
    path = os.path.join(f.folder, "domains")
    open(path, "w").write("# partners\n alpha.example  # one\n\nbeta.example\nalpha.example\n")
    r = f.run("--domains", path)
    check("domains of a file", r.returncode == 0 and [x.split(":")[0] for x in r.stdout.splitlines()] == ["alpha.example", "beta.example"], r.stdout)
    check("quiet: nothing of what is right", f.run("--quiet", "--domains", path).stdout == "")
    open(path, "w").write("alpha.example\nbe_ta.example\n")
    fails("a line that is none", "domains:2: be_ta.example: no mail domain", "sts-fetch", "--cache", f.cache, "--domains", path)
    config = os.path.join(f.folder, "site.yaml")
    open(config, "w").write("sts_cache: cache\n")
    command = [c for c in f.command("-v", "-c", config, "alpha.example") if c not in ("--cache", f.cache)]
    r = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    check("the folder that the configuration names", r.returncode == 0 and "alpha.example: unchanged" in r.stdout and "TXT record" in r.stderr, r)
    open(config, "w").write("sts_cache: cache\nwatch_domains: [alpha.example, {domain: beta.example, role: own}]\npartner_domains: [plain.example, .all.example, alpha.example]\n")
    r = subprocess.run([c for c in command if c not in ("alpha.example", "-v")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    check("the domains that the sensor watches", r.returncode == 0 and [x.split(".")[0] for x in r.stdout.splitlines()] == ["alpha", "beta", "plain"], r)
    r = subprocess.run([f.program, "sts-fetch", "--help"], stdout=subprocess.PIPE, universal_newlines=True)
    check("help", r.returncode == 0 and r.stdout.startswith("usage"))


def main():
    program = os.path.abspath(sys.argv[1])
    lacking = [t for t in ("nsd", "unbound", "openssl") if not shutil.which(t, path=os.environ["PATH"] + ":/usr/sbin")]
    if lacking:
        print("mxcheck sts: 0 passed, 0 failed, 1 skipped (no %s)" % ", ".join(lacking))
        return 0
    os.environ["PATH"] += ":/usr/sbin"
    folder = tempfile.mkdtemp(prefix="mxcheck")
    names = None
    try:
        certificates(folder)
        names, hosts, f = Names(folder), Hosts(folder), Fetcher(program, folder)
        right(f, hosts)
        wrong(f, hosts)
        records(f, hosts)
        life(f, hosts, names)
        two(f)
        words(f)
        surroundings(f, hosts)
        crashes(f, hosts, names)
    finally:
        if names:
            names.stop()
        shutil.rmtree(folder)
    print("mxcheck sts: %(passed)d passed, %(failed)d failed" % results)
    return results["failed"] > 0


if __name__ == "__main__":
    sys.exit(main())
