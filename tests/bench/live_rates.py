#!/usr/bin/env python3
"""live_rates.py LIVE_LOOP [FLOWS [PACKETS]]: live capture beside a bare libpcap loop on the same interface (root).

Long TLS mails, replayed at rising rates: CPU of the receiver per gigabyte, and what the ring lost. In rows: who reads; a
ratio of 1 is the bare loop's CPU at that rate.
"""
import os, subprocess, sys, tempfile, time

sys.argv[1:2] = [os.path.abspath(sys.argv[1])]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import live_capture as lc

RUNS = 2
RECEIVERS = (("bare libpcap", ("bare", "a0")), ("1 worker", ("watch", "a0", "1")), ("1 worker, shunt", ("watch", "a0", "1", "64", "65536")),
             ("2 workers", ("watch", "a0", "2")), ("2 workers, shunt", ("watch", "a0", "2", "64", "65536")))


def measure(receiver, path, rate):
    loop = subprocess.Popen(lc.inside(lc.LOOP, *receiver), stdout=subprocess.PIPE, text=True)
    assert loop.stdout.readline() == "ready\n"
    sent = lc.run(*lc.inside("tcpreplay", "--preload-pcap", *rate, "-i", "a1", path))
    if receiver[0] == "bare":  # libpcap's ring has no timeout: it waits for a packet
        time.sleep(1)
        loop.terminate()
    text = loop.communicate(timeout=120)[0]
    pps = [line for line in sent.splitlines() if "pps" in line][-1].split()
    return lc.total(text), float(pps[pps.index("pps") - 1]) if "pps" in pps else 0.0


def main():
    flows, packets = (int(v) for v in (sys.argv[2:] + ["200", "700"][len(sys.argv) - 2:]))
    folder = os.path.join(lc.HERE, "pcaps")
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "bulk.pcap")
        lc.write_pcap(path, lc.bulk(lc.read_pcap(os.path.join(folder, "cert-valid.pcapng")), flows, packets))
        octets = os.path.getsize(path)
        print(f"{flows} flows, {octets / 1e6:.0f} MB; best of {RUNS}")
        print("| rate kpps | receiver | CPU s/GB | ratio | ring lost % | sessions |\n|---|---|---|---|---|---|")
        for rate in (("--pps=50000",), ("--pps=100000",), ("--pps=200000",), ("--topspeed",)):
            base = None
            for name, args in RECEIVERS:
                runs = [measure(args, path, rate) for _ in range(RUNS)]
                t, pps = min(runs, key=lambda r: r[0]["cpu_ms"])
                cost = t["cpu_ms"] / 1e3 / (octets / 1e9)
                base = base or cost
                print(f"| {pps / 1e3:.0f} | {name} | {cost:.2f} | {cost / base:.1f} | "
                      f"{100 * t['dropped'] / max(1, t['received']):.1f} | {t.get('sessions', '-')} |", flush=True)


if __name__ == "__main__":
    lc.run("ip", "netns", "add", lc.NS)
    try:
        lc.run(*lc.inside("ip", "link", "add", "a0", "type", "veth", "peer", "name", "a1"))
        for end in ("a0", "a1"):
            lc.run(*lc.inside("ip", "link", "set", end, "up"))
        main()
    finally:
        subprocess.run(("ip", "netns", "del", lc.NS))
