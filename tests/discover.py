#!/usr/bin/env python3
"""discover.py MXWITNESS: `mxwitness discover` over sites that are made up here, packet by packet, and over every capture of
tests/pcaps: what it proposes is what was built, and is a configuration that `config check` takes."""
import os
import struct
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
passed = failed = 0
OFFER = b"250-mx.example\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
NO_OFFER = b"250-mx.example\r\n250 8BITMIME\r\n"


def packed(a):
    return bytes(map(int, a.split(".")))


def ipv4(src, dst, proto, payload):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0x4000, 64, proto, 0, packed(src), packed(dst))
    s = sum(struct.unpack("!10H", head))
    s = (s & 0xffff) + (s >> 16)
    s = ~((s & 0xffff) + (s >> 16)) & 0xffff
    return b"\0" * 12 + b"\x08\0" + head[:10] + struct.pack("!H", s) + head[12:] + payload


class Capture:
    def __init__(self):
        self.packets, self.port = [], 20000

    def put(self, frame):
        self.packets.append(frame)

    def tcp(self, src, sport, dst, dport, seq, ack, flags, data=b""):
        self.put(ipv4(src, dst, 6, struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0) + data))

    def session(self, client, server, offer=True, port=25, banner=b"220 mx.example ESMTP\r\n", greeted=None):
        """A dialogue that ends after EHLO."""
        self.port += 1
        c, s = (client, self.port), (server, port)
        n = {c: 1000, s: 5000}

        def say(who, to, data, flags=0x18):
            self.tcp(*who, *to, n[who], n[to] if flags != 2 else 0, flags, data)
            n[who] += len(data) + (1 if flags & 3 else 0)
        say(c, s, b"", 2)
        say(s, c, b"", 0x12)
        say(c, s, b"", 0x10)
        say(s, c, banner)
        say(c, s, b"EHLO out.example.org\r\n")
        reply = OFFER if offer else NO_OFFER
        if greeted:
            reply = reply.replace(b"mx.example\r\n", b"mx.example Hello out.example.org [" + greeted.encode() + b"]\r\n", 1)
        say(s, c, reply)
        say(c, s, b"QUIT\r\n")
        say(s, c, b"221 2.0.0 bye\r\n")
        say(c, s, b"", 0x11)
        say(s, c, b"", 0x11)

    def dns(self, client, server, port=53, recursion=True):
        question = b"\x07example\x03org\0\0\x0f\0\1"
        for answer in (0, 1):
            flags = (0x8000 if answer else 0) | 0x0100 | (0x0080 if answer and recursion else 0)
            message = struct.pack("!HHHHHH", 7, flags, 1, 0, 0, 0) + question
            ends = (port, 33333) if answer else (33333, port)
            udp = struct.pack("!HHHH", *ends, 8 + len(message), 0) + message
            self.put(ipv4(server, client, 17, udp) if answer else ipv4(client, server, 17, udp))

    def write(self, path):
        with open(path, "wb") as f:
            f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
            for i, p in enumerate(self.packets):
                f.write(struct.pack("<IIII", 1700000000 + i // 1000, i % 1000 * 1000, len(p), len(p)) + p)


def discover(*args):
    r = subprocess.run([PROGRAM, "discover", *args], capture_output=True, text=True, check=False)
    return r.stdout, r.stderr, r.returncode


def entries(text, key):
    """The entries of a list, and what the comment beside each says."""
    found, inside = {}, False
    for line in text.splitlines():
        if line.strip() == key + ":":
            inside = True
        elif inside and line.lstrip().startswith("- "):
            entry, _, comment = line.strip()[2:].partition("#")
            found[entry.strip().strip('"')] = comment.strip()
        elif inside and not line.lstrip().startswith("#"):
            inside = False
    return found


def check(name, text, wants, folder):
    """wants: list of (what is wrong, is it right)."""
    global passed, failed
    path = os.path.join(folder, "proposed.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    r = subprocess.run([PROGRAM, "config", "check", "-c", path], capture_output=True, text=True, check=False)
    problems = [w for w, right in wants if not right]
    if r.returncode != 0:
        problems.append("config check: " + r.stderr + r.stdout)
    if problems:
        failed += 1
        print(f"{name}:", *problems, text, sep="\n  ")
    else:
        passed += 1


def behind_translation(c):
    for i in range(40):
        for client in ("10.1.2.5", "10.1.2.6"):
            c.session(client, f"203.0.113.{i + 1}", offer=i not in (7, 8), greeted="198.51.100.9")
            c.dns(client, "10.1.9.53")
    c.session("10.1.2.5", "203.0.113.8", offer=False, banner=b"220 Old.Example.NET #\x07 ready\r\n")
    c.session("10.1.2.5", "203.0.113.77", port=2526)
    c.dns("10.1.2.6", "192.0.2.1", recursion=False)
    for _ in range(3):
        c.dns("10.1.2.6", "10.1.9.54", port=5335)


def wants_translation(out, err, status):
    own, ports = entries(out, "own_networks"), entries(out, "ports")
    return [("status", status == 0 and not err), ("own", list(own) == ["10.1.2.0/24"]),
            ("counts of own", own.get("10.1.2.0/24") == "2 addresses; 82 sessions, the busiest to 41 servers"),
            ("public", list(entries(out, "public_addresses")) == ["198.51.100.9"]), ("vantage", "\nvantage: egress-inside" in out),
            ("ports", list(ports) == ["25", "587", "2525", "465=tls", "2526"] and ports["25"].startswith("81 sessions")),
            ("resolvers", list(entries(out, "  resolver".strip())) == ["10.1.9.53", "10.1.9.54@5335"]),
            ("dns ports", entries(out, "dns_ports") == {"5335": "3 answers"}),
            ("clear", "#   203.0.113.8 mx.example: 3 sessions of 2 clients\n#   203.0.113.9 mx.example: 2 sessions of 2 clients\n" in out),
            ("no control characters", all(x >= " " or x == "\n" for x in out))]


def server_side(c):
    """Own servers, reached by strangers; a large sender reaches all three."""
    for i in range(30):
        c.session(f"203.0.113.{i + 1}", f"198.51.100.{i % 3 + 10}")
    for i in range(3):
        c.session("192.0.2.200", f"198.51.100.{i + 10}")


def wants_server(out, err, status):
    return [("own", sorted(entries(out, "own_networks")) == [f"198.51.100.{i}/32" for i in (10, 11, 12)]),
            ("vantage", "\nvantage: server-side" in out), ("status", status == 0 and not err)]


def public_senders(c):
    """Four senders with public addresses; all of them reach one large receiver."""
    for k in range(4):
        for i in range(12):
            c.session(f"198.51.100.{k + 1}", f"203.0.113.{k * 12 + i + 1}")
        c.session(f"198.51.100.{k + 1}", "192.0.2.25")


def wants_senders(out, err, status):
    own = entries(out, "own_networks")
    return [("own", sorted(own) == [f"198.51.100.{k}/32" for k in (1, 2, 3, 4)]), ("vantage", "\nvantage: unknown" in out),
            ("status", status == 0 and not err), ("clear", "# (none)" in out)]


def sites(folder):
    for name, build, wants in (("behind translation", behind_translation, wants_translation), ("server side", server_side, wants_server),
                               ("public senders", public_senders, wants_senders)):
        c = Capture()
        build(c)
        path = os.path.join(folder, "site.pcap")
        c.write(path)
        out, err, status = discover(path)
        check(name, out, wants(out, err, status), folder)
        again = discover(path)[0]
        check(name + " again", again, [("the same", again == out)], folder)


def damaged(folder):
    c = Capture()
    public_senders(c)
    path = os.path.join(folder, "site.pcap")
    c.write(path)
    with open(path, "r+b") as f:
        f.truncate(os.path.getsize(path) - 7)
    out, err, status = discover(path)
    check("damaged", out, [("status", status == 2), ("said", "Not everything" in out and err)], folder)


def words():
    """Command lines that are wrong."""
    global passed, failed
    for args in ((), ("--dns=live", "x"), ("--evidence", "d", "x"), ("/nowhere",)):
        out, err, status = discover(*args)
        good = status == 2 and not out and err.startswith("mxwitness: ") and err.count("\n") == 1
        passed, failed = passed + good, failed + (not good)
        if not good:
            print("discover", *args, "gives", status, out, err)


def main():
    with tempfile.TemporaryDirectory(prefix="ops-discover-") as folder:
        sites(folder)
        damaged(folder)
        words()
        out, err, _ = discover(os.path.join(TOP, "tests", "pcaps"))
        check("all captures", out, [("sessions", "from 0 sessions" not in out and "own_networks:\n" in out)], folder)
    print(f"discover: {passed} passed, {failed} failed")
    return failed != 0


sys.exit(main())
