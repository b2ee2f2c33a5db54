#!/usr/bin/env python3
"""Kafka: brokers of librdkafka's mock that go away, answer wrongly and come back; with --long a real one of one node (KRaft), killed in
the middle. Every message arrives, in the order of its server, with its headers.

usage: kafka.py SEND KAFKA [--long]    both of tests/deliver of the build folder
--long needs java, and mvn or KAFKA_LIBS, a folder with the broker's jars. All listen on the loopback address. Ends in
"kafka: N passed, N failed[, N skipped (why)]"."""
import collections
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from brokers import Sender, check, line, ports, results, skipped, until

VERSION = "4.1.1"
POM = """<project><modelVersion>4.0.0</modelVersion><groupId>t</groupId><artifactId>t</artifactId><version>1</version><dependencies><dependency>
<groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>%s</version></dependency></dependencies></project>"""


def consumed(tool, at, topic="mxwitness"):
    """Messages by partition: (key, event.id, payload)."""
    run = subprocess.run([tool, "read", at, topic], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=90, encoding="utf-8", check=False)
    got = collections.defaultdict(list)
    for text in run.stdout.splitlines():
        where, key, ident, payload = text.split("\t", 3)
        got[int(where)].append((key, ident, payload))
    return got


def compare(what, got, lines, twice):
    """All are there, and those of one server stand in one partition in their order. twice: some may come again, behind."""
    want = {l.split("\t")[1]: l.split("\t") for l in lines}
    every = [m for messages in got.values() for m in messages]
    ids = collections.Counter(m[1] for m in every)
    check("%s: every event.id is there" % what, set(ids) == set(want), (len(ids), len(want)))
    check("%s: each once" % what, twice or max(ids.values(), default=0) == 1, ids.most_common(3))
    check("%s: key and payload are as they were sent" % what, all([m[0], m[2]] == want[m[1]][2:] for m in every if m[1] in want), every[:1])
    where, last, wrong = {}, {}, 0
    seen = set()
    for partition, messages in got.items():
        for key, ident, _ in messages:
            if ident in seen:
                continue
            seen.add(ident)
            wrong += where.setdefault(key, partition) != partition or last.get(key, 0) > int(ident[2:])
            last[key] = int(ident[2:])
    check("%s: a server's events in their order, in one partition" % what, wrong == 0, wrong)


class Mock:
    def __init__(self, tool, n):
        self.process = subprocess.Popen([tool, "mock", str(n)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="ascii")
        self.at = self.process.stdout.readline().strip()

    def tell(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def send_to(send, folder, at, lines, *more):
    return Sender(send, folder, "kafka", "address=" + at, *more).give(lines)


def mock(send, tool, folder):
    m = Mock(tool, 3)
    try:
        lines = [line(i) for i in range(1, 2001)]
        s = send_to(send, folder, m.at, lines, "topic=calm")
        rc = s.end(40)
        check("mock: all is acknowledged", rc == 0 and s.done() == 2000 and not s.failed(), (rc, s.done(), s.failed()[:3]))
        compare("mock", consumed(tool, m.at, "calm"), lines, False)
        m.tell("fail 5")
        s = send_to(send, folder, m.at, lines, "topic=wrong")
        rc = s.end(40)
        check("mock: a broker that answers wrongly: all is acknowledged", rc == 0 and s.done() == 2000, (rc, s.done(), s.failed()[:3]))
        compare("mock: wrong answers", consumed(tool, m.at, "wrong"), lines, False)
        many = [line(i, 300) for i in range(1, 20001)]   # the mock keeps 5 MiB a partition
        s = send_to(send, folder, m.at, many, "topic=away")
        until(lambda: s.done() > 500, 20)
        for n in (1, 2, 3):
            m.tell("down %d" % n)
        then = s.done()
        until(lambda: len(s.failed()) >= 2, 20)
        said = s.failed()
        for n in (1, 2, 3):
            m.tell("up %d" % n)
        rc = s.end(90)
        check("mock: all brokers away after %d of 20000: one sentence, the same each time" % then,
              said and len(set(said)) == 1 and "no broker of Kafka can be reached" in said[0], said[:3])
        check("mock: and back: all is acknowledged", rc == 0 and s.done() == 20000, (rc, s.done(), s.failed()[-2:]))
        compare("mock: brokers away", consumed(tool, m.at, "away"), many, True)
    finally:
        m.end()


# ---- a real broker ----

def jars(folder):
    """The class path of its jars; None: they cannot be had here."""
    given = os.environ.get("KAFKA_LIBS")
    if not shutil.which("java") or not (given or shutil.which("mvn")):
        return None
    if not given:
        given = os.path.join(folder, "lib")
        with open(os.path.join(folder, "pom.xml"), "w", encoding="ascii") as f:
            f.write(POM % VERSION)
        subprocess.run(["mvn", "-q", "-B", "-f", os.path.join(folder, "pom.xml"), "dependency:copy-dependencies", "-DoutputDirectory=" + given],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=400, check=False)
    return os.path.join(given, "*") if glob.glob(os.path.join(given, "kafka_2.13-*.jar")) else None


class Kafka:
    """A broker of one node, its own controller."""

    def __init__(self, path, folder):
        self.path, self.folder = path, folder
        self.port, other = ports(2)
        self.at = "127.0.0.1:%d" % self.port
        self.conf = os.path.join(folder, "server.properties")
        with open(self.conf, "w", encoding="ascii") as f:
            f.write("process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:%d\nlisteners=PLAINTEXT://%s,"
                    "CONTROLLER://127.0.0.1:%d\nadvertised.listeners=PLAINTEXT://%s\ncontroller.listener.names=CONTROLLER\n"
                    "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT\nlog.dirs=%s/data\nnum.partitions=3\n"
                    "offsets.topic.replication.factor=1\ntransaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n"
                    % (other, self.at, other, self.at, folder))
        self.java("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", self.conf).wait(60)
        self.process = None

    def java(self, *args):
        with open(os.path.join(self.folder, "log"), "ab") as log:
            return subprocess.Popen(["java", "-Xmx512m", "-cp", self.path, *args], stdout=log, stderr=log)

    def up(self):
        self.process = self.java("kafka.Kafka", self.conf)

        def answers():
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return True
            except OSError:
                return False
        return until(answers, 60)

    def end(self, how=signal.SIGTERM):
        if not self.process:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def real(send, tool, folder):
    path = jars(folder)
    if not path:
        skipped.append("a real broker: no java, or no jars")
        return
    k = Kafka(path, folder)
    try:
        check("kafka: the broker comes up", k.up(), "it does not")
        lines = [line(i) for i in range(1, 2001)]
        s = send_to(send, folder, k.at, lines, "topic=calm")
        rc = s.end(60)
        check("kafka: all is acknowledged", rc == 0 and s.done() == 2000, (rc, s.done(), s.failed()[:3]))
        compare("kafka", consumed(tool, k.at, "calm"), lines, False)
        many = [line(i, 2000) for i in range(1, 50001)]
        s = send_to(send, folder, k.at, many, "topic=killed")
        until(lambda: s.done() > 1000, 30)
        k.end(signal.SIGKILL)
        then = s.done()
        time.sleep(1)
        check("kafka: comes up again", k.up(), "it does not")
        rc = s.end(120)
        check("kafka: killed after %d of 50000: all is acknowledged" % then, rc == 0 and then < 50000 and s.done() == 50000, (rc, s.done(), s.failed()[-2:]))
        compare("kafka: killed", consumed(tool, k.at, "killed"), many, True)
    finally:
        k.end()


def main():
    send, tool = (os.path.abspath(p) for p in sys.argv[1:3])
    folder = tempfile.mkdtemp(prefix="mxwitness-kafka-")
    try:
        if os.path.exists(tool):
            mock(send, tool, folder)
            if "--long" in sys.argv:
                real(send, tool, folder)
        else:
            skipped.append("built without librdkafka")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("kafka: %d passed, %d failed%s" % (results["passed"], results["failed"], ", %d skipped (%s)" % (len(skipped), "; ".join(skipped)) if skipped else ""))
    return 1 if results["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
