#!/usr/bin/env python3
"""The same dialogue in other packets gives the same session; fewer packets never give a stronger claim.

usage: invariance.py MXWITNESS [--pairs N] [--only CAPTURE] [--transform NAME] [--keep FOLDER] [FOLDER...]

Every capture of the folders (default: pcaps beside this file, and ../../shared/pcaps if there) is judged as it is, and
then under the transforms of tools/mutate. To be fast, many variants of one capture lie in one file: the DNS once, and
each variant ("lane") with a client port of its own, all at the same time. Where nothing is lost, findings and all facts
that src/facts.def marks as invariant must be equal. Where packets are lost, no finding may get stronger, no level
higher, and no session may become authenticated. What changes the whole file (format, clock, other sessions, lost DNS)
has runs of its own. A pair is one capture under one transform with one seed.
--pairs  about how many pairs (default 4000); with few, of some captures only    --keep  put what fails, alone, into this folder"""
import argparse
import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools", "mutate"))
import capfile  # noqa: E402
import files  # noqa: E402
import flow  # noqa: E402
import transforms  # noqa: E402
import wrap  # noqa: E402
from segment import packets_of  # noqa: E402

LEVELS = ["informational", "low", "medium", "high", "critical"]
CERTAINTIES = ["indication", "strong", "proof"]
GUEST = os.path.join(HERE, "pcaps", "masked-keyword.pcapng")  # its mail is put between that of the others
BATCH = 40          # lanes of one file: all wait for their packets at the same time, and the memory for that is bounded
LEAST = 10  # pairs of one capture
FIRST_PORT = 10000  # of the lanes' clients
# findings about packet counts, retransmission and who sent a packet: exempt where a transform changes these (E.3)
ABOUT_PACKETS = {"tls-handshake-stalled", "transparent-proxy-suspected", "rst-injected/origin-shift"}
FOLLOWS = ("mxwitness.finding", "mxwitness.verdict", "event.reason")
# counts of retransmissions, of which E.3 asks only whether there are any
COUNTED = ["mxwitness.capture.conflicts"]
COVERAGE = {"cert-not-visible"}  # says itself that something was not seen


def invariant_facts():
    """Dotted names of the facts of a session that must stay."""
    with open(os.path.join(HERE, "..", "src", "facts.def"), encoding="utf-8") as f:
        rows = re.findall(r'^FACT\(\w+,\s*"([^"]+)",.*?ROOM_\w+, ([SAT|]+), ([01]),', f.read(), re.M)
    return sorted(name for name, where, stays in rows if "S" in where and stays == "1")


FACTS = sorted({*invariant_facts(), *COUNTED})


def lookup(here, parts):
    """The value of a dotted name; through a list of objects, the list of their values."""
    for i, part in enumerate(parts):
        if isinstance(here, list):
            return [lookup(x, parts[i:]) for x in here]
        if not isinstance(here, dict) or part not in here:
            return None
        here = here[part]
    return here


PARTS = {name: name.replace("[]", "").split(".") for name in FACTS}


def facts_of(session):
    facts = {name: lookup(session, parts) for name, parts in PARTS.items()}
    for name in COUNTED:
        facts[name] = bool(facts[name])
    return facts


def first_or_not(session):
    """Where the sender's control held, the first occurrences are a step lower, and lanes are many occurrences: no level is compared
    between low and high. said: the highest of its levels, as they are for those that come again."""
    session["said"] = max((LEVELS.index(f["level"]) for f in findings(session)), default=0)
    if session["mxwitness"].get("outcome") == "not-delivered":
        session["said"] += session["said"] in (1, 2)
        for f in session["mxwitness"].get("finding", []):
            f["level"] = "medium" if f["level"] in ("low", "high") else f["level"]
        for level in ("low", "high"):
            session["event"]["reason"] = session["event"].get("reason", "").replace(f", {level}, ", ", medium, ")
    return session


class Capture:
    """A capture, how it is judged, and what its sessions are as it stands."""

    def __init__(self, program, path):
        self.program, self.path = program, path
        self.name = os.path.basename(path).split(".")[0]
        self.packets = capfile.read(path)
        self.connections, self.others = flow.connections(self.packets)
        self.mail = [c for c in self.connections if c.is_mail()]
        self.rest = self.others + [p for c in self.connections if not c.is_mail() for p in packets_of(c.segs)]
        self.options = options_of(path)
        self.other = GUEST if path != GUEST else None
        self.sessions = self.judge(path)
        self.base = [self.of_port(self.sessions or [], c.client[1]) for c in self.mail]

    def judge(self, path, extra=()):
        """The session events of a file in order, or None if the run failed."""
        done = subprocess.run([self.program, "read", "--format", "ndjson", *self.options, *extra, path],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        if done.returncode not in (0, 1):
            return None
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return [first_or_not(e) for e in events if e["event"]["dataset"] == "mxwitness.session"]

    def apart(self):
        """Can its connections be told by the client's port alone? Lanes need that."""
        return len({c.client[1] for c in self.mail}) == len(self.mail)

    @staticmethod
    def of_port(sessions, port):
        return [s for s in sessions if port in (s["source"].get("port"), s["destination"].get("port"))]


def options_of(path):
    """As tests/captures.py gives them: DNS from the capture and the anchor beside it; off for captures without both."""
    folder = os.path.dirname(path)
    name = os.path.splitext(path)[0] + ".expect.json"
    if not os.path.exists(name):
        return ["--dns", "off"]
    with open(name, encoding="utf-8") as f:
        expect = json.load(f)
    out = ["--dns", expect.get("dns", "capture"), "--trust-anchor", os.path.join(HERE, "pcaps", "root.anchor")]
    return out + [os.path.join(folder, o) if o.endswith((".yaml", ".pcapng")) else o for o in expect.get("options", [])]


class Lane:
    """One variant of a capture: what is done to each connection, and how its packets are wrapped."""

    def __init__(self, name, change, wrapping=None, lossy=False, seed=0):
        self.name, self.change, self.wrapping = name, change, wrapping
        self.lossy, self.seed = lossy, seed
        self.ports = []

    def packets(self, capture, first_port):
        """The packets of all connections; connection n has the client port first_port + n."""
        rng = random.Random(f"{capture.name} {self.name} {self.seed}")
        out, self.ports = [], []
        for n, conn in enumerate(capture.mail):
            self.ports.append(first_port + n)
            out += packets_of(self.change(conn.readdressed(first_port + n), rng), self.wrapping, rng)
        return out

    def problems(self, capture, sessions):
        out = []
        for port, base, conn in zip(self.ports, capture.base, capture.mail):
            times = 2 if self.change is transforms.reused and conn.closed() else 1
            out += (weaker if self.lossy else same)(base * times, capture.of_port(sessions, port))
        return out


def findings(session):
    return session["mxwitness"].get("finding", [])


def about_packets(finding):
    return finding["id"] in ABOUT_PACKETS or f"{finding['id']}/{finding.get('variant', '')}" in ABOUT_PACKETS


def same(base, mine):
    """Nothing was lost: what differs. A finding about packet counts may come and go, and with it what follows from it."""
    if len(base) != len(mine):
        return [f"{len(mine)} sessions instead of {len(base)}"]
    out = []
    for a, b in zip(base, mine):
        exempt = [f for f in findings(a) if about_packets(f)] != [f for f in findings(b) if about_packets(f)]
        before, after = facts_of(a), facts_of(b)
        out += [f"{name}: {before[name]!r} became {after[name]!r}" for name in FACTS
                if before[name] != after[name] and not (exempt and name.startswith(FOLLOWS))]
        if exempt and [f for f in findings(a) if not about_packets(f)] != [f for f in findings(b) if not about_packets(f)]:
            out.append(f"findings: {findings(a)} became {findings(b)}")
    return out


def weaker(base, mine):
    """Packets are missing: what got stronger."""
    level = max((s["said"] for s in base), default=0)
    certain = {}
    for f in (f for s in base for f in findings(s)):
        certain[f["id"]] = max(certain.get(f["id"], 0), CERTAINTIES.index(f["certainty"]))
    out = []
    for f in (f for s in mine for f in findings(s) if f["id"] not in COVERAGE):
        if LEVELS.index(f["level"]) > level:
            out.append(f"{f['id']} at level {f['level']}, with all packets nothing above {LEVELS[level]}")
        if CERTAINTIES.index(f["certainty"]) > certain.get(f["id"], 0):
            out.append(f"{f['id']} ({f.get('variant', '')}) is {f['certainty']}, and was not with all packets")
    good = [sum(s["mxwitness"]["verdict"] == "authenticated" for s in x) for x in (base, mine)]
    if good[1] > good[0]:
        out.append("authenticated with fewer packets")
    return out


def as_is(conn, _rng):
    return conn.segs


def all_lanes(capture, seeds):
    """Every lane of a capture, with so many seeds of each random transform."""
    for name, (change, random_too) in transforms.SAME.items():
        for seed in range(seeds if random_too else 1):
            yield Lane(name, change, seed=seed)
    for name, wrapping in wrap.WRAPS.items():
        yield Lane(name, as_is, wrapping)
        for seed in range(seeds):
            yield Lane(name + "+mixed", transforms.mixed, wrapping, seed=seed)
    for name, (change, random_too) in transforms.LOSS.items():
        for seed in range(seeds if random_too else 1):
            yield Lane(name, change, lossy=True, seed=seed)
    for name, change in transforms.losses(max(capture.mail, key=lambda c: len(c.segs))):
        yield Lane(name, change, lossy=True)


def run_lanes(capture, lanes, folder):
    """(lane, problems) of each lane, judged in one run."""
    packets, port = list(capture.rest), FIRST_PORT
    for lane in lanes:
        packets += lane.packets(capture, port)
        port += len(capture.mail)
    packets.sort(key=lambda p: p.time)
    path = os.path.join(folder, "lanes.pcapng")
    capfile.write(path, packets)
    sessions = capture.judge(path)
    for lane in lanes:
        yield lane, ["the run failed"] if sessions is None else lane.problems(capture, sessions)


def judged(capture, path, options=(), lossy=False):
    """A whole file beside the capture as it is, both judged with the same options."""
    base = capture.judge(capture.path, options) if options else capture.sessions
    mine = capture.judge(path, options)
    if base is None or mine is None:
        return ["the run failed"]
    mine = [s for s in mine if s["source"].get("port") != files.GUEST_PORT]
    return weaker(base, mine) if lossy else same(base, mine)


def all_files(capture):
    """(name, writer, options, lossy) of every change of the whole file."""
    for name, (writer, options) in files.FILES.items():
        yield name, writer, options, False
    for name, writer in files.losses(len(capture.packets)):
        yield name, writer, (), True


# ---- the run

def default_folders():
    shared = os.path.join(HERE, "..", "..", "shared", "pcaps")
    return [os.path.join(HERE, "pcaps")] + ([shared] if os.path.isdir(shared) else [])


def captures_of(folders, only):
    paths = [p for f in folders for p in sorted(glob.glob(os.path.join(f, "**", "*.pcap*"), recursive=True))]
    joined = ("incident-",)    # copies of others, in which the wire has nothing of its own
    return [p for p in paths if (only or not os.path.basename(p).startswith(joined)) and only in os.path.basename(p)]


def keep_lane(capture, lane, folder):
    """Writes the failing variant alone, for whoever looks for the cause; says whether it fails alone too."""
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{capture.name}.{lane.name}.{lane.seed}.pcapng")
    capfile.write(path, sorted(capture.rest + lane.packets(capture, FIRST_PORT), key=lambda p: p.time))
    sessions = capture.judge(path)
    alone = ["the run failed"] if sessions is None else lane.problems(capture, sessions)
    return f"{path} ({'fails alone too' if alone else 'does not fail alone'})"


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def add(self, what, problems):
        self.passed += not problems
        self.failed += bool(problems)
        for p in problems[:4]:
            print(f"{what}: {p[:400]}")
        if len(problems) > 4:
            print(f"{what}: and {len(problems) - 4} more")


def chosen(everything, count, name):
    """So many of them, other ones for another capture, in their order."""
    everything = list(everything)
    keep = sorted(random.Random(name).sample(range(len(everything)), min(count, len(everything))))
    return [everything[i] for i in keep]


def run_capture(capture, options, each, folder, tally):
    """About so many pairs of one capture; one in ten is a file of its own, for these cost a process."""
    if capture.sessions is None:
        tally.add(capture.name, ["cannot be judged as it is"])
        return
    lanes = [x for x in all_lanes(capture, 1 + each // 50) if options.transform in x.name] if capture.mail and capture.apart() else []
    lanes = chosen(lanes, each - each // 10, capture.name)
    for at in range(0, len(lanes), BATCH):
        for lane, problems in run_lanes(capture, lanes[at:at + BATCH], folder):
            tally.add(f"{capture.name} {lane.name}:{lane.seed}", problems)
            if problems and options.keep:
                print("  kept:", keep_lane(capture, lane, options.keep))
    whole = [x for x in all_files(capture) if options.transform in x[0]]
    for name, writer, extra, lossy in chosen(whole, max(2, each // 10), capture.name):
        made = writer(capture, os.path.join(folder, "file.pcap"))
        if made:
            tally.add(f"{capture.name} {name}", judged(capture, made, extra, lossy))


def main():
    parser = argparse.ArgumentParser(description="findings and invariant facts under transforms")
    parser.add_argument("program")
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--pairs", type=int, default=4000)
    parser.add_argument("--only", default="")
    parser.add_argument("--transform", default="")
    parser.add_argument("--keep", default="")
    options = parser.parse_args()
    program, tally = os.path.abspath(options.program), Tally()
    paths = captures_of(options.folders or default_folders(), options.only)
    each = max(LEAST, options.pairs // max(1, len(paths)))
    if options.pairs < LEAST * len(paths):
        paths = chosen(paths, max(1, options.pairs // LEAST), "captures")
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            run_capture(Capture(program, path), options, each, folder, tally)
    print(f"{len(paths)} captures, {tally.passed + tally.failed} pairs of capture and transform")
    print(f"invariance: {tally.passed} passed, {tally.failed} failed")
    return tally.failed > 0 or not paths


if __name__ == "__main__":
    sys.exit(main())
