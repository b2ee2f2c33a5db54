#!/usr/bin/env python3
"""mutate: other packets, or another story, from a recorded capture; lengths, checksums and sequence numbers follow.

usage: mutate.py list
       mutate.py transform NAME[:SEED] IN OUT    the same dialogue in other packets (NAME+WRAP: under a wrapping too)
       mutate.py make PCAPS FILE.toml...         writes mut-NAME.pcapng, .story and .expect.json into the folder PCAPS
       mutate.py check PCAPS FILE.toml...        says whether what is there is what make would write

A mutation is a TOML file, its name is the file's:
  from     the capture it starts from, in PCAPS, without .pcapng       connection  which mail connection (0 is the first)
  title, story     what happens, and why it matters
  benign   nothing of level medium or above may rise            options  of the judging run, as in .expect.json
  [[step]] the edits in order, see edits.py                     [[session]]  what is expected: facts, finding, verdict"""
import json
import os
import random
import sys
import tempfile
import tomllib

import capfile
import edits
import flow
import transforms
import wrap
from segment import packets_of


def load(path):
    with open(path, "rb") as f:
        mutation = tomllib.load(f)
    mutation["name"] = "mut-" + os.path.splitext(os.path.basename(path))[0]
    return mutation


def merged(conns, others):
    """All packets of a capture in the order of their times."""
    packets = list(others)
    for conn in conns:
        packets += packets_of(conn.segs)
    return sorted(packets, key=lambda p: p.time)


def mutated(mutation, folder):
    """The packets of a mutation."""
    conns, others = flow.connections(capfile.read(os.path.join(folder, mutation["from"] + ".pcapng")))
    mail = [c for c in conns if c.is_mail()]
    edits.apply(mail[mutation.get("connection", 0)], mutation["step"])
    return merged(conns, others)


def expectation(mutation):
    out = {"benign": mutation["benign"], "sessions": [], "dns": mutation.get("dns", "capture")}
    if "options" in mutation:
        out["options"] = mutation["options"]
    for session in mutation["session"]:
        facts = {name: None if value == "absent" else value for name, value in session.get("facts", {}).items()}
        one = {"facts": facts, "findings": session.get("finding", [])}
        if "verdict" in session:
            one["verdict"] = session["verdict"]
        out["sessions"].append(one)
    return json.dumps(out, indent=1) + "\n"


def story(mutation):
    kinds = ", ".join(step["do"] for step in mutation["step"])
    return f"{mutation['title']}\n\n{mutation['story'].strip()}\nMade from {mutation['from']} by tools/mutate: {kinds}.\n"


def make(mutation, source, target):
    """Writes the three files of a mutation; source has the captures they are made from."""
    base = os.path.join(target, mutation["name"])
    capfile.write(base + ".pcapng", mutated(mutation, source))
    for suffix, text in ((".story", story(mutation)), (".expect.json", expectation(mutation))):
        with open(base + suffix, "w", encoding="utf-8") as f:
            f.write(text)


def differs(mutation, folder):
    """Names of the files that are not what make would write."""
    out = []
    with tempfile.TemporaryDirectory() as fresh:
        make(mutation, folder, fresh)
        for name in sorted(os.listdir(fresh)):
            with open(os.path.join(fresh, name), "rb") as f:
                want = f.read()
            path = os.path.join(folder, name)
            if not os.path.exists(path):
                out.append(f"{name} is missing")
                continue
            with open(path, "rb") as f:
                if f.read() != want:
                    out.append(f"{name} is not what the mutation says")
    return out


def command_make(folder, *files):
    for path in files:
        make(load(path), folder, folder)
    return 0


def command_check(folder, *files):
    failed = 0
    for path in files:
        try:
            problems = differs(load(path), folder)
        except (ValueError, KeyError) as e:
            problems = [str(e)]
        for p in problems:
            print(f"{path}: {p}")
        failed += bool(problems)
    print(f"mutations: {len(files) - failed} passed, {failed} failed")
    return failed > 0


def command_list():
    print("transforms:", *transforms.SAME)
    print("with loss:", *transforms.LOSS)
    print("wrappings:", *wrap.WRAPS)
    print("tunnels:", *wrap.TUNNELS)
    print("edits:", *edits.STEPS)
    return 0


def command_transform(what, source, target):
    name, _, seed = what.partition(":")
    name, _, wrapping = name.partition("+")
    change = {**transforms.SAME, **transforms.LOSS}[name][0]
    wrapping = {**wrap.WRAPS, **wrap.TUNNELS}[wrapping] if wrapping else None
    rng = random.Random(seed)
    conns, packets = flow.connections(capfile.read(source))
    for conn in conns:
        packets = packets + packets_of(change(conn, rng), wrapping, rng)
    capfile.write(target, sorted(packets, key=lambda p: p.time))
    return 0


COMMANDS = {"list": command_list, "transform": command_transform, "make": command_make, "check": command_check}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return COMMANDS[sys.argv[1]](*sys.argv[2:])
    except (ValueError, KeyError, TypeError, OSError) as e:
        print(f"mutate: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
