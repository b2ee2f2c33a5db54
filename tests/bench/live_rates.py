#!/usr/bin/env python3
"""live_rates.py MXWITNESS LIVE_LOOP [FLOWS [PACKETS]]: `mxwitness watch` beside a bare libpcap loop on the same interface.

Long TLS mails, replayed at rising rates. For each rate and receiver: processor time of the capture processes, and of all, for
a gigabyte; as a ratio to the bare loop's at that rate; what the ring lost. In the end the rate at which each lost its first
packet, as a ratio to the bare loop's. Needs root, ip(8), editcap(1), tcpreplay(1); skipped without."""
import os, re, shutil, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM, LOOP = (os.path.abspath(a) for a in sys.argv[1:3])
sys.path[:0] = [os.path.join(HERE, "..", "load"), os.path.join(HERE, "..")]
import live_capture, sensor

RATES = (("--pps=50000",), ("--pps=100000",), ("--pps=200000",), ("--topspeed",))
WATCHES = ((1, "off"), (1, "auto"), (2, "off"), (2, "auto"))
BARE = "bare libpcap"


def name(workers, shunt):
    return f"watch, {workers} worker{'s' * (workers > 1)}" + (", shunt" if shunt == "auto" else "")


def replay(wire, path, rate):
    """Packets a second that went in."""
    said = sensor.run(*wire.inside("tcpreplay", "--preload-pcap", *rate, "-i", "f1", path))
    rated = [line for line in said.splitlines() if "pps" in line][-1].split()
    return float(rated[rated.index("pps") - 1])


def bare(wire, path, rate):
    with subprocess.Popen(wire.inside(LOOP, "bare", "f0"), stdout=subprocess.PIPE, text=True) as loop:
        assert loop.stdout.readline() == "ready\n"
        pps = replay(wire, path, rate)
        time.sleep(1)  # its ring has no timeout: it waits for a packet
        loop.terminate()
        said = live_capture.total(loop.communicate(timeout=60)[0])
    return pps, said["cpu_ms"] / 1e3, said["cpu_ms"] / 1e3, said["dropped"], "-"


def lost(watched):
    """What the rings lost: by the last stats event, or by what was said about overload."""
    interfaces = sensor.stats(watched.events).get("interfaces", [])
    said = [int(n) for n in re.findall(r"(\d+) packets lost so far", watched.log)]
    return max([sum(i.get("dropped_kernel", 0) for i in interfaces)] + said)


def watch(wire, path, rate, workers, shunt):
    config = f"capture:\n  workers: {workers}\n  shunt: {shunt}\n"
    with sensor.Sensor(PROGRAM, wire, "--dns", "off", config=config) as watched:
        before = watched.cpu()
        pps = replay(wire, path, rate)
        watched.wait_idle()
        cpu = {k: n - before.get(k, 0) for k, n in watched.cpu().items()}
    sessions = sum(e["event"]["dataset"] == "mxwitness.session" for e in watched.events)
    return pps, sum(n for k, n in cpu.items() if k.startswith("capture")), sum(cpu.values()), lost(watched), sessions


def main():
    flows, packets = (int(v) for v in (sys.argv[3:] + ["200", "2000"][len(sys.argv) - 3:]))
    why = sensor.usable() or next((f"it needs {tool}" for tool in ("tcpreplay", "editcap") if not shutil.which(tool)), "")
    if why:
        print(f"live rates: skipped ({why})")
        return
    first = {}
    with tempfile.TemporaryDirectory() as work, sensor.Wire("rates") as wire:
        path = os.path.join(work, "bulk.pcap")
        live_capture.write_pcap(path, live_capture.bulk(live_capture.read_pcap(os.path.join(HERE, "..", "pcaps", "cert-valid.pcapng")), flows, packets))
        size = os.path.getsize(path)
        print(f"{flows} flows, {size / 1e6:.0f} MB\n\n| kpps | receiver | capture CPU s/GB | ratio | all CPU s/GB | lost % | sessions |\n|--:|---|--:|--:|--:|--:|--:|")
        for rate in RATES:
            base = None
            for receiver in (None,) + WATCHES:
                pps, capture, whole, dropped, sessions = bare(wire, path, rate) if receiver is None else watch(wire, path, rate, *receiver)
                base = base or capture
                who = BARE if receiver is None else name(*receiver)
                if dropped:
                    first.setdefault(who, pps)
                print(f"| {pps / 1e3:.0f} | {who} | {capture / size * 1e9:.2f} | {capture / base:.2f} | {whole / size * 1e9:.2f} | "
                      f"{100 * dropped / (flows * packets):.1f} | {sessions} |", flush=True)
                top = pps
    print("\n| receiver | first loss at kpps | ratio |\n|---|--:|--:|")
    for who in [BARE] + [name(*w) for w in WATCHES]:
        kpps = f"{first[who] / 1e3:.0f}" if who in first else f"none up to {top / 1e3:.0f}"
        ratio = f"{first[who] / first[BARE]:.2f}" if who in first and BARE in first else "-"
        print(f"| {who} | {kpps} | {ratio} |")


if __name__ == "__main__":
    main()
