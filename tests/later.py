#!/usr/bin/env python3
"""What a capture proves does not depend on when or where it is read: each capture with DNS is read as it is, with the clock
of the process 25 years ahead (every signature has run out), and in a network namespace without a single interface that is
up. The events are the same, byte for byte.

usage: later.py MXWITNESS [NAME...]    NAME: of a capture under tests/pcaps; default: all of DNS and DANE
Needs faketime and unshare; what is not there is skipped. "later: N passed, N failed[, N skipped ...]"."""
import glob
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PCAPS = os.path.join(HERE, "pcaps")
FAMILIES = ("dns-", "dane-", "tlsa-", "no-tlsa-", "expired-", "insecure-", "redirected-")


def ways(program):
    """({what: words in front of the command}, [what is not possible here])."""
    found, missing = {}, []
    later = ["faketime", "-f", "+25y"]
    if not shutil.which("faketime"):
        missing.append("faketime is not here")
    elif subprocess.run([*later, program, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
        missing.append("faketime cannot be put in front of this program (a sanitizer wants to be first)")
    else:
        found["25 years later"] = later
    # as root, or as somebody who is root in a namespace of his own
    for words in (["unshare", "-n"], ["unshare", "-r", "-n"]):
        if shutil.which("unshare") and subprocess.run(words + ["true"], stderr=subprocess.DEVNULL, check=False).returncode == 0:
            found["without a network"] = words
            break
    else:
        missing.append("no network namespace can be made")
    return found, missing


def read(program, capture, before=()):
    with open(os.path.splitext(capture)[0] + ".expect.json", encoding="utf-8") as f:
        expect = json.load(f)
    options = [os.path.join(PCAPS, o) if o.endswith((".yaml", ".pcapng")) else o for o in expect.get("options", [])]
    args = [*before, program, "read", "--all", "--format", "ndjson", "--trust-anchor", os.path.join(PCAPS, "root.anchor"), *options, capture]
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False,
                          env=dict(os.environ, FAKETIME_DONT_FAKE_MONOTONIC="1"))
    return done.returncode, done.stdout, done.stderr


def difference(plain, other):
    if plain[0] != other[0]:
        return f"exit status {other[0]}, not {plain[0]}: {other[2].decode(errors='replace').strip()}"
    for a, b in zip(plain[1].splitlines(), other[1].splitlines()):
        if a != b:
            at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
            return f"{a[max(0, at - 60):at + 60]!r} became {b[max(0, at - 60):at + 60]!r}"
    return "other lines, or words on standard error: " + other[2].decode(errors="replace").strip()


def main():
    program, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    captures = sorted(glob.glob(os.path.join(PCAPS, "*.pcapng")))
    captures = [c for c in captures if (os.path.basename(c)[:-7] in names if names else os.path.basename(c).startswith(FAMILIES))]
    found, missing = ways(program)
    passed = failed = 0
    for capture in captures:
        plain = read(program, capture)
        for what, before in found.items():
            other = read(program, capture, before)
            same = plain == other and plain[0] in (0, 1)
            if not same:
                print(f"{os.path.basename(capture)}, {what}: {difference(plain, other)}")
            passed, failed = passed + same, failed + (not same)
    if not captures:
        print("no capture found")
        failed += 1
    print(f"later: {passed} passed, {failed} failed" + (f", {len(missing)} skipped ({', '.join(missing)})" if missing else ""))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
