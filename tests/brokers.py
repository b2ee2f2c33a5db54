#!/usr/bin/env python3
"""Real brokers: a server of NATS with JetStream, ended in the middle and begun again, full, in TLS; with --long a cluster of three whose
stream loses its leader in the middle, and an account with credentials. Every message arrives, each event.id once.

usage: brokers.py SEND [--long]    SEND is tests/deliver/send of the build folder
Needs nats-server and openssl. All listen on the loopback address. Ends in "brokers: N passed, N failed[, N skipped (why)]"."""
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

results = {"passed": 0, "failed": 0}
skipped = []


def check(what, holds, seen=""):
    results["passed" if holds else "failed"] += 1
    if not holds:
        print("FAILED: %s\n        %s" % (what, seen))


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more).stdout


def ports(n):
    held = [socket.socket() for _ in range(n)]
    for s in held:
        s.bind(("127.0.0.1", 0))
    found = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
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


def certificate(folder, name, by, names, days=30):
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
        "-subj", "/CN=" + name, cwd=folder)
    with open(os.path.join(folder, name + ".ext"), "w") as f:
        f.write("subjectAltName=%s\n" % names)
    run("openssl", "x509", "-req", "-in", name + ".csr", "-CA", by + ".pem", "-CAkey", by + ".key", "-CAcreateserial", "-days", str(days), "-extfile",
        name + ".ext", "-out", name + ".pem", cwd=folder)


# ---- NATS, as far as a reader needs it ----

class Client:
    """A connection of its own: requests, and all messages of a stream."""

    def __init__(self, port, tls=None, connect=None):
        self.s = socket.create_connection(("127.0.0.1", port), 5)
        self.f = self.s.makefile("rb")
        self.info = json.loads(self.f.readline().split(b" ", 1)[1])
        if tls:
            self.s = tls.wrap_socket(self.s, server_hostname="nats.example")
            self.f = self.s.makefile("rb")
        self.sid = 0
        self.write("CONNECT %s\r\nPING\r\n" % json.dumps(dict({"verbose": False, "headers": True, "no_responders": True}, **(connect or {}))))
        while not self.f.readline().startswith(b"PONG"):
            pass

    def write(self, text):
        self.s.sendall(text.encode() if isinstance(text, str) else text)

    def message(self):
        """Subject, headers (None: none), payload."""
        while True:
            line = self.f.readline()
            if not line:
                raise ConnectionError
            words = line.decode().split()
            if words[0] == "PING":
                self.write("PONG\r\n")
            if words[0] in ("MSG", "HMSG"):
                whole = self.f.read(int(words[-1]) + 2)[:-2]
                head = int(words[-2]) if words[0] == "HMSG" else 0
                headers = dict(h.split(": ", 1) for h in whole[:head].decode().split("\r\n")[1:] if ": " in h) if head else {}
                if whole[:head].startswith(b"NATS/1.0 "):
                    headers["Status"] = whole[:head].split()[1].decode()
                return words[1], headers, whole[head:]

    def subscribe(self):
        self.sid += 1
        inbox = "_INBOX.%d.%d" % (os.getpid(), self.sid)
        self.write("SUB %s %d\r\n" % (inbox, self.sid))
        return inbox

    def request(self, subject, what=None, seconds=10):
        inbox = self.subscribe()
        body = json.dumps(what).encode() if what is not None else b""
        self.write(b"PUB %s %s %d\r\n%s\r\n" % (subject.encode(), inbox.encode(), len(body), body))
        self.s.settimeout(seconds)
        while True:
            to, headers, payload = self.message()
            if to == inbox:
                return json.loads(payload) if payload else {"error": headers}

    def stream(self, name):
        return self.request("$JS.API.STREAM.INFO." + name)

    def add(self, name, **more):
        return self.request("$JS.API.STREAM.CREATE." + name, dict({"name": name, "retention": "limits", "storage": "file", "num_replicas": 1}, **more))

    def update(self, name, **more):
        return self.request("$JS.API.STREAM.UPDATE." + name, dict(self.stream(name)["config"], **more))

    def delete(self, name):
        return self.request("$JS.API.STREAM.DELETE." + name)

    def ids(self, name):
        """event.id of all messages of a stream, in its order."""
        return [g[1] for g in self.all(name, headers_only=True)]

    def all(self, name, **more):
        """All messages of a stream, in its order: subject, event.id, payload."""
        n = self.stream(name)["state"]["messages"]
        inbox = self.subscribe()
        body = json.dumps({"stream_name": name, "config": dict({"deliver_subject": inbox, "deliver_policy": "all", "ack_policy": "none",
                                                                  "replay_policy": "instant"}, **more)})
        self.write("PUB $JS.API.CONSUMER.CREATE.%s %s.made %d\r\n%s\r\n" % (name, inbox, len(body), body))
        got = []
        while len(got) < n:     # the answer to that is no message of the stream, and goes where nobody listens
            subject, headers, payload = self.message()
            got.append((subject, headers.get("Nats-Msg-Id"), payload))
        return got

    def close(self):
        self.f.close()
        self.s.close()


class Nats:
    """A server of NATS in a folder of its own. text: more of its configuration."""

    def __init__(self, folder, name="n", jetstream=True, text="", port=None):
        self.folder, self.name, self.port, self.process = os.path.join(folder, name), name, port or ports(1)[0], None
        os.makedirs(self.folder)
        self.path = os.path.join(self.folder, "conf")
        with open(self.path, "w") as f:
            f.write('server_name: %s\nlisten: "127.0.0.1:%d"\n' % (name, self.port))
            f.write('jetstream { store_dir: "%s" }\n' % self.folder if jetstream else "")
            f.write(text)

    def up(self):
        out = open(os.path.join(self.folder, "log"), "a")
        self.process = subprocess.Popen(["nats-server", "-c", self.path], stdout=out, stderr=out)
        return until(self.listens, 15)

    def listens(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def end(self, how=signal.SIGKILL):
        if self.process:
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def at(self):
        return "address=127.0.0.1:%d" % self.port

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as f:
            return f.read()[-1000:]


# ---- messages ----

def server_of(i):
    return "192.0.2.%d" % (i % 199) if i % 3 else "2001:db8::%x" % (i % 199)


def line(i, size=600, dataset="session"):
    body = json.dumps({"event": {"id": "id%d" % i, "sequence": i}, "message": "Stra\u00dfe " + "x" * size}, ensure_ascii=False)
    return "%s\tid%d\t%s\t%s" % (dataset, i, server_of(i), body)


def partition(key, n):
    h = 2166136261
    for b in key.encode():
        h = (h ^ b) * 16777619 & 0xffffffff
    return h % n


class Sender:
    def __init__(self, send, folder, kind, *settings):
        self.out, self.err = os.path.join(folder, "send.out"), os.path.join(folder, "send.err")
        with open(self.out, "w") as out, open(self.err, "w") as err:
            self.process = subprocess.Popen([send, kind, "fields=yes"] + list(settings), stdin=subprocess.PIPE, stdout=out, stderr=err,
                                            universal_newlines=True, encoding="utf-8")

    def give(self, lines):
        self.process.stdin.write("".join(l + "\n" for l in lines))
        self.process.stdin.close()
        return self

    def said(self):
        with open(self.out) as f:
            return f.read().splitlines()

    def log(self):
        with open(self.err) as f:
            return f.read()

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
    def __init__(self, send, folder, kind):
        self.send, self.folder, self.kind = send, folder, kind

    def sender(self, settings, lines):
        return Sender(self.send, self.folder, self.kind, *settings).give(lines)

    def refused(self, what, settings, word, seconds=8):
        """The sentence comes, the same each time, and nothing is done."""
        s = self.sender(settings, [line(1)])
        until(lambda: len(s.failed()) >= 2 or s.process.poll() is not None, seconds)
        said, done = s.failed(), s.done()
        s.kill()
        check("%s: %s: the sentence says so" % (self.kind, what), said and word in said[0] and len(set(said)) == 1 and not done, (said[:4], done))


# ---- one server ----

def spread(b, server):
    n, parts = 2000, 5
    lines = [line(i, dataset="alert" if i % 10 == 0 else "session") for i in range(1, n + 1)]
    s = b.sender([server.at(), "partitions=%d" % parts, "keep=7200000"], lines)
    rc = s.end(30)
    c = Client(server.port)
    config = c.stream("MXWITNESS").get("config", {})
    check("nats: the stream is made, and the log says so", rc == 0 and config.get("subjects") == ["mxwitness.*.*"] and config.get("storage") == "file" and
          config.get("max_age") == 7200 * 10**9 and config.get("duplicate_window") == 3600 * 10**9 and config.get("discard") == "old" and
          "is made now" in s.log(), (rc, config, s.said()[-2:], s.log()))
    got = c.all("MXWITNESS")
    check("nats: %d messages, each once, in order" % n, [g[1] for g in got] == ["id%d" % i for i in range(1, n + 1)], len(got))
    check("nats: each as it was sent, in UTF-8", [g[2].decode() for g in got] == [l.split("\t")[3] for l in lines], got[:1])
    want = ["mxwitness.%s.%d" % (l.split("\t")[0], partition(l.split("\t")[2], parts)) for l in lines]
    check("nats: subjects by dataset, and by a hash of the server's address", [g[0] for g in got] == want, got[:3])
    check("nats: each partition gets some", len(set(want)) == 2 * parts, set(want))
    s = b.sender([server.at(), "partitions=%d" % parts], lines)
    rc = s.end(30)
    check("nats: the same again: the stream stays as it is, and how many it had already is said",
          rc == 0 and c.stream("MXWITNESS")["state"]["messages"] == n and "had %d of the messages already" % n in s.log(), (rc, s.log()))
    c.close()


def killed(b, server, how, n=20000):
    """In the middle, and begun again with the same store."""
    c = Client(server.port)
    c.delete("MXWITNESS")
    c.close()
    s = b.sender([server.at()], [line(i, 2000) for i in range(1, n + 1)])
    until(lambda: s.done() > n // 20, 10)
    server.end(how)
    then = s.done()
    time.sleep(0.5)
    server.up()
    rc = s.end(60)
    c = Client(server.port)
    ids = c.ids("MXWITNESS")
    check("nats: %s after %d of %d: every event.id is there, once" % (how.name, then, n),
          rc == 0 and then < n and sorted(ids) == sorted("id%d" % i for i in range(1, n + 1)), (rc, then, len(ids), len(set(ids)), s.failed()[:3]))
    check("nats: %s: the sentence of the failure" % how.name, s.failed() and all(f.startswith("failed: 127.0.0.1:") for f in s.failed()), s.failed()[:3])
    c.close()


def full(b, server):
    """A stream of somebody else, which takes so much and no more, until he lets it."""
    c = Client(server.port)
    c.add("SITE", subjects=["site.>"], max_bytes=50000, discard="new", max_age=10**12)
    before = c.stream("SITE")["config"]
    s = b.sender([server.at(), "stream=SITE", "subject=site.mx", "keep=3600000"], [line(i) for i in range(1, 201)])
    until(lambda: len(s.failed()) >= 3, 10)
    said, done = s.failed(), s.done()
    check("nats: the stream is full: one sentence", len(said) >= 3 and len(set(said)) == 1 and "stream SITE is full" in said[0] and 0 < done < 200, (said[:3], done))
    check("nats: a stream that is there is not changed", c.stream("SITE")["config"] == before, before)
    c.update("SITE", max_bytes=-1)
    rc = s.end(30)
    ids = c.ids("SITE")
    check("nats: it has room again: all arrives, each once", rc == 0 and sorted(ids) == sorted("id%d" % i for i in range(1, 201)), (rc, len(ids), len(set(ids))))
    c.update("SITE", max_msg_size=5000)
    s = b.sender([server.at(), "stream=SITE", "subject=site.mx"], [line(301), line(302, 9000), line(303, 2 << 20), line(304)])
    rc = s.end(20)
    ids = c.ids("SITE")
    check("nats: a message above the limits of the stream or the server is left out, said once, and the next ones arrive",
          rc == 0 and ids[200:] == ["id301", "id304"] and s.log().count("left out") == 1, (rc, ids[200:], s.log()))
    c.close()


def gone(b, server):
    """The stream is deleted while the carrier is there: it is made again."""
    c = Client(server.port)
    s = Sender(b.send, b.folder, "nats", server.at(), "stream=GONE", "subject=gone")
    s.give([line(i, 3000) for i in range(1, 15001)])
    until(lambda: s.done() > 500, 10)
    c.delete("GONE")
    rc = s.end(40)
    ids = c.ids("GONE")
    check("nats: the stream is deleted in the middle: it is made again, and what comes then is in it",
          rc == 0 and s.failed() and ids[-1] == "id15000" and len(ids) == len(set(ids)) and s.log().count("is made now") == 2, (rc, s.failed()[:2], len(ids), s.log()))
    check("nats: meanwhile the sentence says that it does not answer", all("stream GONE does not answer" in f for f in s.failed()), s.failed()[:2])
    c.close()


def trouble(b, server, folder):
    nobody = ports(1)[0]
    plain = Nats(folder, "plain", jetstream=False)
    b.refused("no server", ["address=127.0.0.1:%d" % nobody], "no server of NATS can be reached")
    b.refused("TLS with a server that has none", [server.at(), "tls=true", "server_name=nats.example"], "the server has no TLS")
    b.refused("subjects that are another stream's", [server.at(), "stream=OTHER"], "another has the subjects that begin with mxwitness")
    b.refused("subjects that are not the stream's", [server.at(), "subject=elsewhere"], "does not take what we send: elsewhere.*.* must be")
    b.refused("more replicas than servers", [server.at(), "stream=THREE", "subject=three", "replicas=3"], "cannot be made on so many servers")
    b.refused("no name for a stream", [server.at(), "stream=a.b"], "is no name for a stream")
    b.refused("no subject", [server.at(), "subject=a..b"], "is nothing that subjects can begin with")
    b.refused("no address", ["address=127.0.0.1"], "is not host:port")
    b.refused("no credentials", [server.at(), "credentials=" + os.path.join(folder, "none")], "No such file")
    try:
        plain.up()
        b.refused("a server without JetStream", [plain.at()], "has no JetStream")
        s = b.sender(["address=127.0.0.1:%d, %s" % (nobody, server.at()[8:])], [line(1)])
        check("nats: the second of two servers is taken when the first is not there", s.end(10) == 0, s.said())
    finally:
        plain.end()


def in_tls(b, folder):
    certs = os.path.join(folder, "certs")
    os.makedirs(certs)
    at = lambda n: os.path.join(certs, n)
    authority(certs, "ca")
    authority(certs, "other")
    certificate(certs, "server", "ca", "DNS:nats.example")
    certificate(certs, "localhost", "ca", "DNS:localhost")
    certificate(certs, "sensor", "ca", "DNS:egress.sensors.example")
    certificate(certs, "foreign", "other", "DNS:egress.sensors.example")
    certificate(certs, "expired", "ca", "DNS:egress.sensors.example", days=-1)
    server = Nats(folder, "tls", text='tls { cert_file: "%s", key_file: "%s", ca_file: "%s", verify: true }\n' % (at("server.pem"), at("server.key"), at("ca.pem")))
    ours = ["cert=" + at("sensor.pem"), "key=" + at("sensor.key")]
    tls = [server.at(), "tls=true", "ca=" + at("ca.pem")]
    here = Nats(folder, "localhost", text='tls { cert_file: "%s", key_file: "%s" }\n' % (at("localhost.pem"), at("localhost.key")))
    local = ["address=localhost:%d" % here.port] + tls[1:]
    try:
        server.up()
        here.up()
        for what, to in (("by the name in server_name", tls + ["server_name=nats.example"]), ("by the host of its address", local)):
            s = b.sender(to + ours, [line(i) for i in range(1, 301)])
            rc = s.end(20)
            check("nats: TLS with certificates on both sides, the server known %s" % what, rc == 0, (rc, s.said()[-2:], server.log()))
        b.refused("TLS by an address without server_name", tls + ours, "server_name: must be set")
        b.refused("TLS that is not asked for", [server.at()], "the server wants TLS")
        name = ["server_name=nats.example"]
        b.refused("a certificate for another name", tls + ours + ["server_name=other.example"], "its certificate is not for other.example: see server_name")
        b.refused("a certificate for another name than the host's", ["address=localhost:%d" % server.port] + tls[1:] + ours, "its certificate is not for localhost")
        b.refused("a certificate of another authority", tls[:2] + name + ["ca=" + at("other.pem")] + ours, "its certificate is not trusted")
        b.refused("no certificate of ours", tls + name, "does it accept our certificate (cert, key)?")
        b.refused("our certificate is of another authority", tls + name + ["cert=" + at("foreign.pem"), "key=" + at("foreign.key")], "does it accept our certificate (cert, key)?")
        b.refused("our certificate has expired", tls + name + ["cert=" + at("expired.pem"), "key=" + at("expired.key")], "the certificate expired on ")
    finally:
        server.end()
        here.end()


# ---- a cluster ----

class Cluster:
    """Three servers of NATS, a stream on all of them."""

    def __init__(self, folder):
        routes = ports(3)
        text = 'cluster { name: c, listen: "127.0.0.1:%d", routes: [%s] }\n'
        all_routes = ", ".join('"nats://127.0.0.1:%d"' % p for p in routes)
        self.nodes = [Nats(folder, "c%d" % i, text=text % (routes[i], all_routes)) for i in range(3)]
        self.address = "address=" + ", ".join("127.0.0.1:%d" % n.port for n in self.nodes)

    def up(self):
        for n in self.nodes:
            n.up()
        return until(lambda: self.ready(), 30)

    def client(self):
        for n in self.nodes:
            if n.process:
                return Client(n.port)

    def ready(self):
        try:
            c = self.client()
            answer = c.request("$JS.API.INFO", seconds=2)
            c.close()
            return "error" not in answer
        except OSError:
            return False

    def leader(self, stream):
        c = self.client()
        name = c.stream(stream).get("cluster", {}).get("leader")
        c.close()
        return next((n for n in self.nodes if n.name == name and n.process), None)

    def end(self):
        for n in self.nodes:
            n.end()


def of_three(b, folder):
    cluster = Cluster(folder)
    try:
        check("nats: a cluster of three comes up", cluster.up(), cluster.nodes[0].log())
        leader_killed(b, cluster, "KILLED", signal.SIGKILL, 60000)
        leader_killed(b, cluster, "STOPPED", signal.SIGSTOP, 60000)
        most_killed(b, cluster)
    finally:
        cluster.end()


def leader_killed(b, cluster, name, how, n):
    """What is acknowledged before the leader goes is there after, whoever leads then."""
    subject = name.lower()
    s = b.sender([cluster.address, "stream=" + name, "subject=" + subject, "replicas=3", "partitions=3"], [line(i, 1400) for i in range(1, n + 1)])
    until(lambda: s.done() > n // 10, 30)
    leader = cluster.leader(name)
    leader.process.send_signal(how)
    then = s.done()
    if how == signal.SIGKILL:
        leader.end()
    rc = s.end(120)
    if how == signal.SIGSTOP:
        leader.process.send_signal(signal.SIGCONT)
    again = None if leader.process else leader.up()
    until(lambda: cluster.leader(name), 20)
    c = cluster.client()
    config, ids = c.stream(name)["config"], c.ids(name)
    c.close()
    check("nats: %s, its leader, after %d of %d: every event.id is in the stream, once" % (how.name, then, n),
          rc == 0 and then < n and config["num_replicas"] == 3 and again is not False and len(ids) == n and set(ids) == {"id%d" % i for i in range(1, n + 1)},
          (rc, then, len(ids), len(set(ids)), s.failed()[:5], s.said()[-1:]))
    print("brokers: %s of the leader after %d of %d: %s; %s" % (how.name, then, n, s.failed() or "no failure", s.log().strip().splitlines()[-1:]))


def most_killed(b, cluster):
    """Two of three: one sentence while there is no leader, and all arrives when there is one."""
    down = cluster.nodes[1:]
    for node in down:
        node.end()
    s = b.sender([cluster.address, "stream=KILLED", "subject=killed", "replicas=3"], [line(i) for i in range(100001, 100101)])
    until(lambda: len(s.failed()) >= 2, 40)
    said, done = s.failed(), s.done()
    for node in down:
        node.up()
    rc = s.end(60)
    check("nats: two of three are down: one sentence, nothing done, and all arrives after", len(set(said)) == 1 and "stream KILLED does not answer" in said[0] and
          not done and rc == 0, (said, done, rc))


def nats(send, folder, full_form):
    b = Bench(send, folder, "nats")
    server = Nats(folder)
    try:
        check("nats-server comes up", server.up(), "it does not")
        spread(b, server)
        killed(b, server, signal.SIGKILL)
        trouble(b, server, folder)
        full(b, server)
        gone(b, server)
        in_tls(b, folder)
        if full_form:
            killed(b, server, signal.SIGTERM)
            of_three(b, folder)
    finally:
        server.end()


def main():
    send, full_form = os.path.abspath(sys.argv[1]), "--long" in sys.argv
    folder = tempfile.mkdtemp(prefix="mxwitness-brokers-")
    try:
        if shutil.which("nats-server"):
            nats(send, folder, full_form)
        else:
            skipped.append("nats-server is not installed")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("brokers: %d passed, %d failed%s" % (results["passed"], results["failed"], ", %d skipped (%s)" % (len(skipped), "; ".join(skipped)) if skipped else ""))
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
