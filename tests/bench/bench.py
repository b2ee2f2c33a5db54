#!/usr/bin/env python3
"""CPU time and peak memory of mxwitness beside tcpdump and tshark, on a generated capture, interleaved in one run.

usage: bench.py MXWITNESS [SESSIONS [RUNS]]

The capture: recorded sessions (tests/pcaps) replayed by a seeded generator with other addresses, ports, sequence
numbers and times, interleaved, checksums right: 30 % TLS 1.2 with certificate, 55 % TLS 1.3, 15 % in clear."""
import heapq
import os
import random
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PCAPS = os.path.join(HERE, "..", "pcaps")
MIX = (("demo/dane-match-tls12", 30), ("dane-match-tls13", 55), ("no-starttls-insecure-domain", 15))


def pcapng(path):
    """(seconds, frame) of the Ethernet packets of a little-endian pcapng file."""
    with open(path, "rb") as f:
        data = f.read()
    at, unit = 0, 1e-6
    while at + 12 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind == 1:
            options = data[at + 16:at + size - 4]
            while len(options) >= 4:
                code, n = struct.unpack_from("<HH", options)
                if code == 9:
                    unit = 10.0 ** -options[4]
                if code == 0:
                    break
                options = options[4 + (n + 3) // 4 * 4:]
        elif kind == 6:
            high, low, caplen = struct.unpack_from("<III", data, at + 12)
            yield (high << 32 | low) * unit, data[at + 28:at + 28 + caplen]
        at += size


class Template:
    """The frames of the first IPv4 connection to port 25 in a capture."""

    def __init__(self, path):
        self.frames, client = [], None
        for t, frame in pcapng(path):
            if frame[12:14] != b"\x08\x00" or frame[23] != 6:
                continue
            ip = 14 + (frame[14] & 15) * 4
            sport, dport = struct.unpack_from("!HH", frame, ip)
            if client is None and dport == 25 and frame[ip + 13] & 2:
                client, self.client_ip, self.server_ip = sport, frame[26:30], frame[30:34]
            if client in (sport, dport) and 25 in (sport, dport):
                self.frames.append((t, frame, dport == 25))
        if not self.frames:
            raise SystemExit(f"{path}: no IPv4 connection to port 25")
        start = self.frames[0][0]
        self.frames = [(t - start, f, c) for t, f, c in self.frames]


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    s = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def adjust(old_sum, before, after):
    """RFC 1624: a checksum after the octets before became after."""
    s = ~old_sum & 0xffff
    for i in range(0, len(before), 2):
        s += ~int.from_bytes(before[i:i + 2], "big") & 0xffff
        s += int.from_bytes(after[i:i + 2], "big")
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


def replay(template, start, client_ip, server_ip, port, shift):
    """The template's frames as another session. shift: what is added to the sequence numbers of client and server."""
    for dt, frame, from_client in template.frames:
        out = bytearray(frame)
        ip = 14 + (frame[14] & 15) * 4
        src, dst = (client_ip, server_ip) if from_client else (server_ip, client_ip)
        mine, other = shift if from_client else shift[::-1]
        seq, ack = struct.unpack_from("!II", frame, ip + 4)
        new = struct.pack("!II", (seq + mine) & 0xffffffff, (ack + other) & 0xffffffff if frame[ip + 13] & 16 else ack)
        ports = struct.pack("!HH", port, 25) if from_client else struct.pack("!HH", 25, port)
        before = frame[26:34] + frame[ip:ip + 12]
        out[26:34] = src + dst
        out[ip:ip + 4] = ports
        out[ip + 4:ip + 12] = new
        out[24:26] = b"\0\0"
        struct.pack_into("!H", out, 24, checksum(bytes(out[14:ip])))
        tcp_sum, = struct.unpack_from("!H", frame, ip + 16)
        struct.pack_into("!H", out, ip + 16, adjust(tcp_sum, before, src + dst + ports + new))
        yield start + dt, bytes(out)


def generate(path, sessions):
    rng = random.Random(7672)
    templates = [Template(os.path.join(PCAPS, n + ".pcapng")) for n, _ in MIX]
    weights = [w for _, w in MIX]
    servers = [bytes([198, 51, 100, i]) for i in range(1, 100)]
    heap, serial, packets = [], 0, 0

    def push(iterator):
        nonlocal serial
        item = next(iterator, None)
        if item:
            serial += 1
            heapq.heappush(heap, (item[0], serial, item[1], iterator))

    with open(path, "wb", buffering=1 << 20) as f:
        f.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))

        def write_one():
            nonlocal packets
            t, _, frame, iterator = heapq.heappop(heap)
            f.write(struct.pack("<IIII", int(t), int(t % 1 * 1e6), len(frame), len(frame)) + frame)
            packets += 1
            push(iterator)

        for i in range(sessions):
            start = 1.7e9 + i * 0.002
            while heap and heap[0][0] < start:
                write_one()
            shift = (rng.getrandbits(32), rng.getrandbits(32))
            push(replay(rng.choices(templates, weights)[0], start, bytes([10, 0, i >> 8 & 255, i & 255 or 1]),
                        rng.choice(servers), 1024 + i % 60000, shift))
        while heap:
            write_one()
    return packets


def measure(command):
    """(CPU seconds, wall seconds, peak MB) of a command with its children."""
    begin = time.monotonic()
    with open(os.devnull, "w", encoding="ascii") as null:
        child = subprocess.Popen(command, stdout=null, stderr=null)
        _, _, usage = os.wait4(child.pid, 0)
    child.returncode = 0
    return usage.ru_utime + usage.ru_stime, time.monotonic() - begin, usage.ru_maxrss / 1024


def main():
    program = os.path.abspath(sys.argv[1])
    sessions = int(sys.argv[2]) if len(sys.argv) > 2 else 20000
    runs = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "bench.pcap")
        packets = generate(path, sessions)
        print(f"{sessions} sessions, {packets} packets, {os.path.getsize(path) / 1e6:.0f} MB; medians of {runs} interleaved runs")
        commands = {
            "tcpdump -w /dev/null": ["tcpdump", "-r", path, "-w", "/dev/null"],
            "mxwitness --dns=off": [program, "read", "--dns", "off", "--format", "ndjson", "-o", "/dev/null", path],
        }
        results = {name: [] for name in commands}
        for n in range(runs + 1):
            for name, command in commands.items():
                figures = measure(command)
                if n:
                    results[name].append(figures)
        tshark = ["tshark", "-r", path, "-Y", "smtp.req.command == \"STARTTLS\" || tls.handshake.certificate", "-T",
                  "fields", "-e", "tcp.stream", "-e", "tls.handshake.certificate"]
        try:
            results["tshark, fields"] = [measure(tshark)]
        except FileNotFoundError:
            print("tshark is not installed")
        base = sorted(r[0] for r in results["tcpdump -w /dev/null"])[runs // 2]
        print(f"{'':24}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'x tcpdump CPU':>15}")
        for name, figures in results.items():
            cpu, wall, mem = (sorted(f[i] for f in figures)[len(figures) // 2] for i in range(3))
            print(f"{name:24}{cpu:8.2f}{wall:8.2f}{mem:9.0f}{cpu / base:15.2f}")


if __name__ == "__main__":
    main()
