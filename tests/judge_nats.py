#!/usr/bin/env python3
"""mxwitness judge --from: the sessions that sensors bring to a stream of JetStream, judged as those of a file are.

usage: judge_nats.py MXWITNESS SEND    SEND is tests/deliver/send of the build folder
Needs nats-server, which listens on the loopback address. Sessions of captures, as two sensors would tell of them, go to a real server:
read once, and as they come by one judge and by several, who end in all ways. Ends in "judge nats: N passed, N failed"."""
import base64
import concurrent.futures
import datetime
import hashlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
PROGRAM, SEND = (os.path.abspath(p) for p in sys.argv[1:3])
import brokers
from brokers import check, until

CAPTURES = ("strip-dane-clear-ipv6", "several-steered-outage", "several-masked-five", "auth-in-clear", "incident-repeats")
PCAPS = os.path.join(HERE, "pcaps")
SHARES = 16
OPTIONS = ("--format", "ndjson", "--ahead", "36500d", "--lateness", "1s")


def member(event, name):
    for part in name.split("."):
        if not isinstance(event, dict) or part not in event:
            return None
        event = event[part]
    return event


def sessions():
    """Of all captures, in the order in which they ended, each of one of two sensors."""
    events = []
    for name in CAPTURES:
        path = os.path.join(PCAPS, name + ".pcapng")
        with open(path[:-7] + ".expect.json", encoding="utf-8") as f:
            dns = json.load(f).get("dns", "capture")
        run = subprocess.run([PROGRAM, "read", "--format", "ndjson", "--all", "--dns", dns, "--trust-anchor", os.path.join(PCAPS, "root.anchor"), path],
                             stdout=subprocess.PIPE, check=False, timeout=60)
        events += [e for e in map(json.loads, run.stdout.splitlines()) if e["event"]["dataset"] == "mxwitness.session"]
    events.sort(key=lambda e: (e["event"]["end"], e["event"]["id"]))
    for i, e in enumerate(events):
        e["observer"]["name"] = ("north", "south")[i % 2]
    return events


def line(event):
    return json.dumps(event, ensure_ascii=False)


def publish(server, events, *settings):
    """As the output of a sensor does; its carrier is the same."""
    text = "".join("session\t%s\t%s\t%s\n" % (e["event"]["id"], e["destination"]["ip"], line(e)) for e in events)
    run = subprocess.run([SEND, "nats", "fields=yes", server.at(), "partitions=4", *settings], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         universal_newlines=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr


def parse(text):
    return [json.loads(l) for l in text.splitlines() if l.endswith("}")]


def alerts(events):
    return [e["event"]["id"] for e in events if e["event"]["dataset"] == "mxwitness.alert" and member(e, "mxwitness.alert.sessions")]


def judge(*args, text=""):
    run = subprocess.run([PROGRAM, "judge", *OPTIONS, *args], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, timeout=60)
    return parse(run.stdout), run.stderr, run.returncode


def same(what, got, want):
    events, err, status = got
    ids, should = alerts(events), alerts(want[0])
    check(what + ": the alerts of a file", should and ids == should, "%d, not %d; %s" % (len(ids), len(should), err))
    stats = events[-1]["mxwitness"]["stats"] if events else {}
    check(what + ": a good end", not err and status == want[2] and stats.get("complete") is True, "%s %s %s" % (status, err, stats.get("reason")))


# ---- read to the end ----

def once(server, folder, events):
    """The stream, once and from its beginning."""
    path = os.path.join(folder, "sessions.ndjson")
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(line(e) + "\n" for e in events)
    want = judge(path)
    url = "nats://127.0.0.1:%d/MXWITNESS" % server.port
    with open(path, encoding="utf-8") as f:
        same("standard input", judge("-", text=f.read()), want)
    same("the stream once", judge("--from", url, "--once"), want)
    got = judge("--from", url, "--once", "--window", "1d")
    same("the stream once, of a day", got, want)
    got = judge("--from", url, "--once", "--window", "1ms")
    check("nothing is in the window", not alerts(got[0]) and got[2] == 0 and member(got[0][-1], "mxwitness.stats.lines.read") == 0, got[1])
    return want


def hostile(server, events):
    """Messages of others: lines in one, no JSON, too long, a number of their own. Each is one line, and no more."""
    c = brokers.Client(server.port)
    c.add("OTHER", subjects=["other.>"])
    inside = line(events[0])
    texts = [inside[:50] + "\n" + inside[50:], "7\t" + inside, "!the end\n.", ".", "", "x" * 70000, "9\t{}\n8\t" + inside, inside.replace("{", "{\n", 1)]
    for text in texts:
        data = text.encode()
        inbox = c.subscribe()
        c.write(b"PUB other.session.0 %s %d\r\n" % (inbox.encode(), len(data)) + data + b"\r\n")
        while c.message()[0] != inbox:
            pass
    c.close()
    got, err, status = judge("--from", "nats://127.0.0.1:%d/OTHER/other" % server.port, "--once", "--all")
    stats = member(got[-1], "mxwitness.stats")
    check("hostile messages: one session, the rest is bad", member(got[0], "event.id") == events[0]["event"]["id"] and
          stats["lines"]["read"] == 7 and stats["lines"]["bad"] == 5 and stats["lines"]["again"] == 1 and status == 2, "%s %s" % (stats, err))
    check("hostile messages: named by their numbers", "stream OTHER, message 2:" in err and "message 4:" in err and "message 9:" not in err, err)


def usage(server, folder):
    port = brokers.ports(1)[0]
    bad = os.path.join(folder, "bad.yaml")
    with open(bad, "w", encoding="ascii") as f:
        f.write("from:\n  credentials: /no/such/file\n")
    for args, words in ((("--from", "nats://127.0.0.1:%d/NOSUCH" % server.port, "--once"), "there is no stream NOSUCH"),
                        (("--from", "nats://127.0.0.1:%d/S" % port, "--once"), "no server of NATS can be reached"),
                        (("--from", "tls://127.0.0.1:%d/S" % server.port, "--once"), "server_name"),
                        (("--from", "http://h/S"), "nats://HOST/STREAM"), (("--from", "nats://a:b@h/S"), "credentials"),
                        (("--from", "nats://h/S", "file"), "no files"), (("--once", "-"), "belongs to --from"),
                        (("--from", "nats://h/S", "--window", "1"), "--window 1"), (("-c", bad, "--from", "nats://h/S"), "/no/such/file")):
        got, err, status = judge(*args)
        check("judge %s" % " ".join(args), status == 2 and words in err and not alerts(got), "%s: %s" % (status, err))


def calm(server, folder, events):
    publish(server, events)
    usage(server, folder)
    once(server, folder, events)
    hostile(server, events)


# ---- several judges, as messages come ----

def later(text, seconds):
    when = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ") + datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def apart(events, rounds):
    """The same stories about other servers, one after the other: whose alert it is depends on the server."""
    out = []
    for n in range(rounds):
        for e in events:
            e = json.loads(line(e))
            name = hashlib.sha256(("%d %s" % (n, e["event"]["id"])).encode()).hexdigest()
            server = hashlib.sha256(("%d %s" % (n, e["destination"]["ip"])).encode()).digest()
            e["event"]["id"] = name[:32]
            e["destination"]["ip"] = e["destination"]["address"] = "198.18.%d.%d" % (server[0], server[1])
            for when in ("start", "end"):
                e["event"][when] = later(e["event"][when], n * 10 * 86400)
            out.append(e)
    return out


class Judge:
    """One that goes on; its alerts in a file. All of its processes are in a group of their own."""

    def __init__(self, folder, name, url, group):
        self.path = os.path.join(folder, name)
        self.out, self.err = open(self.path + ".out", "ab"), open(self.path + ".err", "ab")
        self.process = subprocess.Popen([PROGRAM, "judge", *OPTIONS, "--from", url, "--group", group], stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=self.err, start_new_session=True)

    def ids(self):
        with open(self.path + ".out", encoding="utf-8") as f:
            return alerts(parse(f.read()))

    def said(self):
        with open(self.path + ".err", encoding="utf-8") as f:
            return f.read()

    def end(self, how=signal.SIGKILL):
        if self.process.poll() is None:
            if how == signal.SIGKILL:
                os.killpg(self.process.pid, how)
            else:
                self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.out.close()
        self.err.close()
        return self.process.returncode


def holders(server, group):
    """Who holds which share, as the bucket has it; nobody, while the server does not answer."""
    try:
        return look(server, group)
    except ConnectionError:
        return {}


def look(server, group):
    c = brokers.Client(server.port)
    got = {}
    for n in range(SHARES):
        said = c.request("$JS.API.STREAM.MSG.GET.KV_MXWITNESS-" + group, {"last_by_subj": "$KV.MXWITNESS-%s.share.%d" % (group, n)})
        if "message" in said:
            got[n] = base64.b64decode(said["message"]["data"]).decode().split()[3]
    c.close()
    return got


def evenly(server, group, judges):
    h = [x for x in holders(server, group).values() if x != "-"]
    return len(h) == SHARES and sorted(h.count(x) for x in set(h)) == [SHARES // judges] * judges


def field(pid, name):
    with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as f:
        return next((x.split(":", 1)[1].strip() for x in f if x.startswith(name + ":")), None)


def rights(judge):
    """Who has the connection has no more than that, and none of the others has it."""
    with open("/proc/%d/task/%d/children" % (judge.process.pid, judge.process.pid), encoding="ascii") as f:
        pids = {field(int(x), "Name"): int(x) for x in f.read().split()}
    check("rights: the processes", sorted(pids) == ["mxw-fetch", "mxw-judge", "mxw-lines", "mxw-output"], sorted(pids))
    uid = pwd.getpwnam("mxwitness").pw_uid if os.geteuid() == 0 and "mxwitness" in [p.pw_name for p in pwd.getpwall()] else os.geteuid()
    for name, pid in pids.items():
        want = {"Seccomp": "2", "NoNewPrivs": "1", "CapEff": "0" * 16, "CapPrm": "0" * 16, "Uid": "\t".join([str(uid)] * 4)}
        wrong = {k: field(pid, k) for k, v in want.items() if field(pid, k) != v}
        check("rights: %s" % name, not wrong, wrong)
        if os.geteuid() == 0:
            inet = [t for t in (os.readlink("/proc/%d/fd/%s" % (pid, n)) for n in os.listdir("/proc/%d/fd" % pid)) if t.startswith("socket:")]
            with open("/proc/%d/net/tcp" % pid, encoding="ascii") as f:
                mine = {"socket:[%s]" % x.split()[9] for x in f.readlines()[1:]}
            check("rights: %s and the network" % name, bool(mine & set(inet)) == (name == "mxw-fetch"), inet)


def fleet(server, folder, events):
    """What one judge of all says, several say together: shared, one killed, one ended, the server killed."""
    url = "nats://127.0.0.1:%d/MXWITNESS" % server.port
    part = len(events) // 5
    parts = [events[i * part:(i + 1) * part] for i in range(5)]
    judges, told = [], [0]

    def begin(name, group):
        judges.append(Judge(folder, name, url, group))
        return judges[-1]

    def together(what, seconds=20):
        """Every alert that the only judge says is said by one of those who share, and no other."""
        settled = [len(single.ids()), time.monotonic()]

        def quiet():
            n = len(single.ids())
            if n != settled[0]:
                settled[:] = [n, time.monotonic()]
            return time.monotonic() - settled[1] > 2.5
        until(quiet, 15)
        want = set(single.ids())
        until(lambda: {i for j in judges if j is not single for i in j.ids()} == want, seconds)
        got = [i for j in judges if j is not single for i in j.ids()]
        check(what + ": all alerts, and no others", set(got) == want and len(want) > told[0] + 20, "%d, not %d; %d missing" % (len(set(got)), len(want), len(want - set(got))))
        told[0] = len(want)
        return len(got) - len(set(got)), len(want)
    try:
        publish(server, parts[0])
        single, a = begin("single", "single"), begin("a", "fleet")
        until(lambda: len(holders(server, "fleet")) == SHARES, 10)
        twice, n = together("a judge by itself")
        check("a judge by itself: there are alerts, each once", n >= 20 and not twice, "%d, %d twice" % (n, twice))
        rights(a)
        b = begin("b", "fleet")
        check("two judges share", until(lambda: evenly(server, "fleet", 2), 15), holders(server, "fleet"))
        check("who joins says nothing again", not b.ids(), b.ids())
        before = len(a.ids())
        publish(server, parts[1])
        twice, more = together("two judges")
        check("two judges: each once, and neither all of them", not twice and b.ids() and len(a.ids()) > before, "%d twice, %d and %d" %
              (twice, len(a.ids()), len(b.ids())))
        publish(server, parts[2][:part // 2])
        a.end()
        publish(server, parts[2][part // 2:])
        until(lambda: len(set(holders(server, "fleet").values())) == 1, 16)
        together("one of two was killed")
        check("the other took over", b.ids() and set(holders(server, "fleet").values()) != {"-"}, holders(server, "fleet"))
        begin("c", "fleet")
        check("another takes its place", until(lambda: len(set(holders(server, "fleet").values())) == 2, 10), holders(server, "fleet"))
        status = b.end(signal.SIGTERM)
        check("SIGTERM is a good end", status in (0, 1) and not b.said(), "%d: %s" % (status, b.said()))
        check("who ends gives back what it held", until(lambda: "-" not in holders(server, "fleet").values() and
              len(set(holders(server, "fleet").values())) == 1, 3), holders(server, "fleet"))
        publish(server, parts[3])
        twice, _ = together("another in its place")
        server.end()
        time.sleep(1)
        server.up()
        publish(server, parts[4])
        together("the server was killed, and is there again")
        check("the log says so, once", single.said().count("tried again until it works") == 1 and single.said().count("is there again") == 1, single.said())
    finally:
        for j in judges:
            j.end()


def main():
    if not shutil.which("nats-server"):
        print("judge nats: 0 passed, 0 failed, 1 skipped (nats-server is not installed)")
        return 0
    folder = tempfile.mkdtemp()
    os.chmod(folder, 0o755)
    servers = [brokers.Nats(folder, name) for name in ("calm", "killed")]
    try:
        for server in servers:
            assert server.up(), server.log()
        events = sessions()
        with concurrent.futures.ThreadPoolExecutor(2) as pool: # most of it waits
            for done in [pool.submit(calm, servers[0], folder, events), pool.submit(fleet, servers[1], folder, apart(events, 10))]:
                done.result()
    except ConnectionError as e:
        check("the servers are there", False, "%s: %s" % (e, [s.log() for s in servers]))
    finally:
        for server in servers:
            server.end()
        shutil.rmtree(folder)
    r = brokers.results
    print("judge nats: %d passed, %d failed" % (r["passed"], r["failed"]))
    return r["failed"] > 0


if __name__ == "__main__":
    sys.exit(main())
