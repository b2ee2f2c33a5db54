#!/usr/bin/env python3
"""Verdicts a second: live from a local nsd, the first time and from the cache; and replayed from a capture of sessions with as
many signed domains. And the memory of a resolver that has seen many names.

usage: live_dns.py ASK MXWITNESS [NAMES [DOMAINS [MANY]]]    ASK is tests/live/ask of the build folder; "skipped" without nsd and ldns
NAMES TLSA records of one zone are asked for live; DOMAINS zones of their own, with a session each, are replayed; MANY names are asked
for to see the memory. All rates are of this machine at this moment: compare them with each other, not with other days."""
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import live_dns as world


def ask(program, folder, questions, *more):
    p = subprocess.run([program, "-q", "-a", os.path.join(folder, "anchor"), *more, "%s@%d" % (world.NET, world.PORT)], input=questions, check=True,
                       stdout=subprocess.PIPE, universal_newlines=True, timeout=1200)
    lines = p.stdout.splitlines()
    return [l for l in lines if l.startswith("round")], lines[-3], lines[-2]


class Served:
    """nsd with the world of live_dns.py, where signed.test has many names and there are domains beside it."""
    def __init__(self, names, domains):
        self.folder = tempfile.mkdtemp()
        few, sign = world.mail, world.sign
        world.MANY = 0
        world.mail = lambda: few() + "".join("_25._tcp.h%d TLSA %s\n" % (i, world.RECORD) for i in range(names))
        extra = {}

        def sign_more(folder, zone, text, days=(-2, 30)):
            if zone == "test.":
                for i in range(domains):
                    own = "d%d.test." % i
                    host = "@ MX 10 mx\nmx A 198.18.%d.%d\n_25._tcp.mx TLSA %s\n" % (i >> 8, i & 255, world.RECORD)
                    extra[own], ds = sign(folder, own, world.zone_text(own, host))
                    text += "%s NS ns.%s\nns.%s A %s\n%s" % (own, own, own, world.NET, ds)
            return sign(folder, zone, text, days)
        world.sign = sign_more
        served = world.world(self.folder)
        world.mail, world.sign = few, sign
        served.update(extra)
        self.server = world.nsd(self.folder, served)
        time.sleep(2 + names / 20000)

    def __enter__(self):
        return self.folder

    def __exit__(self, *_):
        self.server.terminate()
        self.server.wait()
        shutil.rmtree(self.folder)


def segment(client, server, from_server, seq, ack, flags, payload):
    src, dst = (server, client) if from_server else (client, server)
    ports = (25, 40000) if from_server else (40000, 25)
    tcp = struct.pack(">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 8192, 0, 0) + payload
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0, src, dst) + tcp


def session(i):
    """A message in clear to domain i, as packets."""
    client, server = socket.inet_aton("192.0.2.7"), socket.inet_aton("198.18.%d.%d" % (i >> 8, i & 255))
    said = [(1, "220 mx.d%d.test ESMTP" % i), (0, "EHLO out.example.org"), (1, "250-mx.d%d.test\r\n250 SIZE 1000" % i),
            (0, "MAIL FROM:<a@example.org>"), (1, "250 ok"), (0, "RCPT TO:<b@d%d.test>" % i), (1, "250 ok"), (0, "DATA"), (1, "354 go"),
            (0, "Subject: x\r\n\r\nx\r\n."), (1, "250 ok"), (0, "QUIT"), (1, "221 bye")]
    seq = [1000, 5000]
    yield segment(client, server, 0, seq[0], 0, 2, b"")
    yield segment(client, server, 1, seq[1], seq[0] + 1, 18, b"")
    seq = [seq[0] + 1, seq[1] + 1]
    for who, text in said:
        octets = text.encode() + b"\r\n"
        yield segment(client, server, who, seq[who], seq[1 - who], 24, octets)
        seq[who] += len(octets)
    for who in (0, 1):
        yield segment(client, server, who, seq[who], seq[1 - who], 17, b"")
        seq[who] += 1


def write_sessions(path, domains):
    start = time.time()
    with open(path, "wb") as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for i in range(domains):
            for k, octets in enumerate(session(i)):
                at = start + i / 100 + k / 10000
                f.write(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(octets), len(octets)) + octets)


def replay(program, ask_program, folder, domains):
    mail, side = os.path.join(folder, "mail.pcap"), os.path.join(folder, "side.pcapng")
    questions = "".join("d{0}.test 15\nmx.d{0}.test 1\n_25._tcp.mx.d{0}.test 52\n".format(i) for i in range(domains))
    ask(ask_program, folder, questions, "-w", side)
    write_sessions(mail, domains)
    for what, more in (("replayed", []), ("without DNS", ["--dns=off"])):
        begun = time.time()
        p = subprocess.run([program, "read", "--format", "ndjson", "--trust-anchor", os.path.join(folder, "anchor"), mail, side] + more,
                           stdout=subprocess.PIPE, universal_newlines=True)
        spent = time.time() - begun
        good = sum('"mxwitness.session"' in l and '"verdict":"tls-absent"' in l for l in p.stdout.splitlines())
        print("dns, %-12s %d sessions, %d with a verdict of DANE, in %.2f s: %.0f a second" % (what + ":", domains, good, spent, domains / spent))


def main():
    program, mxwitness = sys.argv[1:3]
    names, domains, many = ([int(n) for n in sys.argv[3:]] + [5000, 200, 100000][len(sys.argv) - 3:])[:3]
    if not all(shutil.which(t) for t in ("nsd", "ldns-keygen", "ldns-signzone")):
        print("live dns: skipped (no nsd and ldns here: sh tools/setup live)")
        return
    with Served(names, domains) as folder:
        questions = "".join("_25._tcp.h%d.signed.test %d\n" % (i, world.TLSA) for i in range(names))
        for what, line in zip(("not cached", "cached", "cached"), ask(program, folder, questions, "-n", "3")[0]):
            print("dns, %-12s %s" % (what + ":", line.split(": ", 1)[1]))
        replay(mxwitness, program, folder, domains)
    with Served(many, 0) as folder:
        questions = "".join("_25._tcp.h%d.signed.test %d\n" % (i, world.TLSA) for i in range(many))
        few = ask(program, folder, questions[:questions.index("\n") + 1])[2]
        rounds, counts, peak = ask(program, folder, questions)
        print("dns, memory:      of one name: %s, of %d names: %s (%s; %s)" % (few, many, peak, rounds[0].split(": ", 1)[1], counts))


if __name__ == "__main__":
    main()
