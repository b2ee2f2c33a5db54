#!/usr/bin/env python3
"""load.py MXWITNESS FLOOD [--long]: floods into a watched interface: memory stays bounded, nothing crashes, and mail
inside the flood is still judged; and more than the sensor can take: what is left out is told, counted, and taken again.

--long: a million packets each, twice, and until the overload is over; else some seconds in all.
Needs root, ip(8), editcap(1); skipped without. Last line: "load: N passed, N failed"."""
import os, shutil, struct, subprocess, sys, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM, FLOOD = (os.path.abspath(a) for a in sys.argv[1:3])
LONG = "--long" in sys.argv
sys.path[:0] = [os.path.join(HERE, "load"), HERE]
import live_capture, sensor

KINDS = ("syn", "fragments", "tiny", "conflicts", "lines", "dns")
MIB = 1 << 20
RULE = "starttls-keyword-masked"
# What a worker may use, small, so that floods reach every bound; and what it may grow by then: flows of 1.5 KiB, dialogues of
# 24 KiB with what they hold, reassembly and TLS, the ring, and 32 MiB for all that is counted by octets elsewhere.
LIMITS = "limits:\n  flows: 65536\n  dialogues: 2048\n  reassembly: 16MiB\ncapture:\n  buffer: 32MiB\n"
GROWTH = {"capture0": (65536 * 1536 + 2048 * 24576) // MIB + 16 + 32 + 32, "judge": 96, "resolver": 128, "": 48}
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAILED {what}: {str(detail)[:3000]}", flush=True)


# ---- mail ----

TEMPLATE = [p for _, _, p in live_capture.read_pcap(os.path.join(HERE, "pcaps", "masked-keyword.pcapng")) if live_capture.tcp_at(p)] \
    if shutil.which("editcap") else []
DECISIVE = next((i for i, p in enumerate(TEMPLATE) if b"MAIL FROM" in p.upper()), 0)


def mail(server, client):
    """One session with an alert in it, between 198.51.100.server and a client of that number."""
    out = []
    for p in TEMPLATE:
        q, t = bytearray(p), live_capture.tcp_at(p)
        says = struct.unpack_from(">H", p, t + 2)[0] == 25
        struct.pack_into(">H", q, t + (0 if says else 2), 30000 + client)
        q[30 if says else 26:34 if says else 30] = bytes((198, 51, 100, server))
        out.append(bytes(q))
    return out


def seen(events, server, dataset):
    return [e for e in events if e["event"]["dataset"] == "mxwitness." + dataset and
            e.get("destination", {}).get("ip") == f"198.51.100.{server}"]


# ---- a curve of memory ----

class Curve(threading.Thread):
    def __init__(self, watched):
        super().__init__(daemon=True)
        self.watched, self.most, self.over = watched, {}, threading.Event()
        self.first = watched.memory()

    def run(self):
        while not self.over.wait(0.1):
            for name, n in self.watched.memory().items():
                self.most[name] = max(n, self.most.get(name, 0))

    def row(self):
        now = self.watched.memory()
        return "  ".join(f"{name} {now.get(name, 0) // MIB} ({self.most.get(name, 0) // MIB})" for name in sorted(now))


def flood(wire, kind, count, rate=0):
    return subprocess.Popen(wire.inside("nice", FLOOD, "f1", kind, str(count), str(rate)), stdout=subprocess.PIPE, text=True)


def one_flood(wire, kind, number, mails):
    """A session begins before the flood and tells what it has to tell inside it; the others are inside as a whole."""
    begun = mail(number, 0)
    sensor.inject(wire, begun[:DECISIVE])
    sender = flood(wire, kind, 1000000, 150000) if LONG else flood(wire, kind, 250000, 100000)
    time.sleep(0.3)
    sensor.inject(wire, begun[DECISIVE:])
    for client in range(1, mails):
        sensor.inject(wire, mail(number, client))
    return sender.communicate(timeout=120)[0].strip()


def floods(wire):
    mails = 8 if LONG else 3
    rounds = KINDS * 2 if LONG else KINDS
    with sensor.Sensor(PROGRAM, wire, "--dns", "capture", "--trust-anchor", os.path.join(HERE, "pcaps", "root.anchor"), config=LIMITS) as watch:
        curve = Curve(watch)
        curve.start()
        print("MiB in use (most so far)\nbefore       " + curve.row())
        after = []
        for number, kind in enumerate(rounds, 1):
            said = one_flood(wire, kind, number, mails)
            print(f"{kind:12} {curve.row()}   {said}", flush=True)
            after.append(watch.memory())
        watch.wait_idle()
        pids = watch.pids()
        curve.over.set()
        for name, was in curve.first.items():
            bound = GROWTH.get(name, GROWTH[""])
            grown = (curve.most.get(name, was) - was) // MIB
            check(f"memory of {name}", grown <= bound, f"{grown} MiB more than before the floods, of {bound}")
        if LONG:
            for name, n in after[-1].items():
                check(f"memory of {name}, the second time", n - after[len(KINDS) - 1][name] <= 8 * MIB,
                      f"{after[len(KINDS) - 1][name]}, then {n}")
    check("nothing ended", watch.status == 0 and watch.first == pids, f"{watch.status} {watch.first} {pids} {watch.log[-1500:]}")
    check("nothing was started anew", "anew" not in watch.log and "killed" not in watch.log, watch.log[-1500:])
    print(*[line for line in watch.log.splitlines() if "overload" in line], sep="\n")
    stats = sensor.stats(watch.events)
    print({k: v for k, v in stats.items() if isinstance(v, int) and v})
    for number, kind in enumerate(rounds, 1):
        alerts = [e for e in seen(watch.events, number, "alert") if e["rule"]["id"] == RULE]
        sessions = seen(watch.events, number, "session")
        last = {a["mxwitness"]["alert"]["incident"]: a["mxwitness"]["alert"]["count"] for a in alerts}
        check(f"alerts count each session inside {kind}", sum(last.values()) >= len(sessions), f"{len(sessions)} sessions, {last}")
        told = "1 in" in watch.log and stats.get("flows_shed", 0) > 0  # a machine that has no time now leaves connections out
        check(f"mail inside {kind}", alerts or told, f"{len(sessions)} sessions; {watch.log[-800:]}")
        print(f"{kind}: {len(sessions)} of {mails} sessions, {len(alerts)} alerts")


def overload(wire):
    """A ring that is soon full, and a capture process that is not let run for a while."""
    small = LIMITS.replace("32MiB", "1MiB")
    with sensor.Sensor(PROGRAM, wire, "--dns", "off", config=small) as watch:
        begun = mail(99, 0)
        sensor.inject(wire, begun[:DECISIVE])
        sender = flood(wire, "syn", 3000000 if LONG else 1000000)
        for _ in range(12):
            os.kill(watch.pids()["capture0"], 19)
            time.sleep(0.12)
            os.kill(watch.pids()["capture0"], 18)
            time.sleep(0.05)
        sender.communicate(timeout=120)
        sensor.inject(wire, begun[DECISIVE:])
        for _ in range(90 if LONG else 0):
            time.sleep(1)
            with open(watch.log_path, encoding="utf-8") as f:
                if "no more overload" in f.read():
                    break
    lines = [line for line in watch.log.splitlines() if "overload" in line]
    begins, ends = ([int(line.split("level ")[1].split()[0]) for line in lines if word in line] for word in (" begins: ", " ends: "))
    check("overload is told, level by level", len(begins) >= 4 and begins[:4] == [1, 2, 3, 4], watch.log[-2000:])
    check("what is open stays open", seen(watch.events, 99, "alert"), lines)
    stats = sensor.stats(watch.events)
    check("what is left out is counted", stats.get("flows_shed", 0) > 1000 and stats.get("packets_shed", 0) > 1000, stats)
    if LONG:
        check("overload ends, level by level", ends and ends[-1] == 1 and "no more overload" in lines[-1], lines)
    print(*lines, sep="\n")


def main():
    why = sensor.usable() or ("" if TEMPLATE else "it needs editcap")
    if why:
        print(f"load: 0 passed, 0 failed, 1 skipped ({why})")
        return 0
    with sensor.Wire("load") as wire:
        floods(wire)
        overload(wire)
    print(f"load: {passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
