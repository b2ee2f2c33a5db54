#!/usr/bin/env python3
"""soak.py MXWITNESS FLOOD: the captures of tests/pcaps, again and again for SOAK seconds (20 minutes), into a sensor that writes
events and evidence. Memory of each process every minute; in the end how fast it grows, which must be no faster than
BOUND once the first third of the time is over. Tables and stores of fixed size are filled first, by floods: they are address
space until they are used, and would look like growth. Needs root, ip(8), editcap(1), tcpreplay(1); skipped without.

Last line: "soak: N passed, N failed"."""
import glob, os, shutil, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
PROGRAM, FLOOD = (os.path.abspath(a) for a in sys.argv[1:3])
SECONDS = int(os.environ.get("SOAK") or 1200)
BOUND = 0.25  # MiB a minute: a year of which would be 130 GB, and 20 minutes are 5 MiB: less cannot be told from noise
RATE = 2000   # packets a second
MIB = 1 << 20
sys.path[:0] = [HERE, TESTS]
import live_capture, sensor

# Bounds that are reached while there is still time to see that it stays so.
CONFIG = "limits:\n  flows: 16384\n  dialogues: 2048\n  reassembly: 16MiB\ncapture:\n  buffer: 8MiB\nevidence:\n  max_size: 64MiB\n"


def mixed(path):
    """All Ethernet captures one behind the other; the number of their packets."""
    packets = []
    for name in sorted(glob.glob(os.path.join(TESTS, "pcaps", "*.pcapng"))):
        packets += [(0, 0, p) for _, _, p in live_capture.read_pcap(name) if len(p) <= 9014]
    live_capture.write_pcap(path, [(i // 1000, i % 1000 * 1000000, p) for i, (_, _, p) in enumerate(packets)])
    return len(packets)


def replay(wire, path, over):
    """As they are, and with other addresses, in turn."""
    for turn in range(1 << 30):
        if over.is_set():
            return
        args = ("--unique-ip", "--loop=2") if turn % 2 else ("--loop=1",)
        subprocess.run(wire.inside("nice", "tcpreplay", "-q", f"--pps={RATE}", *args, "-i", "f1", path), check=False,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def slope(points):
    """MiB a minute, by least squares."""
    n = len(points)
    if not n:
        return float("inf")  # it is no more
    t = sum(p[0] for p in points) / n
    m = sum(p[1] for p in points) / n
    below = sum((p[0] - t) ** 2 for p in points)
    return sum((p[0] - t) * (p[1] - m) for p in points) / below * 60 / MIB if below else 0.0


def watch(wire, watched, seconds):
    """[(seconds, octets)] of each process."""
    curve, from_, told = {}, time.monotonic(), 0
    while (now := time.monotonic() - from_) < seconds:
        for name, n in watched.memory().items():
            curve.setdefault(name, []).append((now, n))
        if now >= told:
            print(f"{told // 60:4} min  " + "  ".join(f"{name} {points[-1][1] / MIB:.1f}" for name, points in curve.items()), flush=True)
            told += 60
        time.sleep(2)
    return curve


def main():
    why = sensor.usable() or next((f"it needs {tool}" for tool in ("tcpreplay", "editcap") if not shutil.which(tool)), "")
    if why:
        print(f"soak: 0 passed, 0 failed, 1 skipped ({why})")
        return 0
    passed = failed = 0
    with tempfile.TemporaryDirectory() as work, sensor.Wire("soak") as wire:
        os.chmod(work, 0o755)
        path, evidence, over = os.path.join(work, "mixed.pcap"), os.path.join(work, "evidence"), threading.Event()
        print(f"{mixed(path)} packets of the captures, {RATE} a second, for {SECONDS} s; MiB of each process")
        sender = threading.Thread(target=replay, args=(wire, path, over))
        with sensor.Sensor(PROGRAM, wire, "--dns", "capture", "--trust-anchor", os.path.join(TESTS, "pcaps", "root.anchor"),
                           "--evidence", evidence, config=CONFIG) as watched:
            for kind, count in (("syn", 50000), ("dns", 600000), ("tiny", 200000)):
                sensor.run(*wire.inside("nice", FLOOD, "f1", kind, str(count), "60000"))
            sender.start()
            curve = watch(wire, watched, SECONDS)
            over.set()
            sender.join()
            last = watched.pids()
        files = len(glob.glob(os.path.join(evidence, "**", "*.pcapng"), recursive=True))
    for name, points in curve.items():
        grows = slope([p for p in points if p[0] > SECONDS / 3])
        good = grows <= BOUND
        passed, failed = passed + good, failed + (not good)
        print(f"{'' if good else 'FAILED '}{name}: {grows:+.3f} MiB a minute after {SECONDS // 3} s (at most {BOUND})")
    same = last == watched.first and watched.status == 0
    passed, failed = passed + same, failed + (not same)
    if not same:
        print(f"FAILED a process ended: {watched.first}, {last}, status {watched.status}\n{watched.log[-3000:]}")
    print({k: v for k, v in sensor.stats(watched.events).items() if isinstance(v, int) and v}, f"{files} evidence files")
    print(f"soak: {passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
