#!/usr/bin/env python3
"""Verdicts a second of live DNS: a zone of many TLSA records on a local nsd, asked for the first time and from the cache.

usage: live_dns.py ASK [NAMES]    ASK is tests/live/ask of the build folder; "skipped" without nsd and ldns"""
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import live_dns as world


def main():
    names = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
    if not all(shutil.which(t) for t in ("nsd", "ldns-keygen", "ldns-signzone")):
        print("live dns: skipped (no nsd and ldns here: sh tools/setup live)")
        return
    folder = tempfile.mkdtemp()
    world.MANY = 0
    few = world.mail()
    world.mail = lambda: few + "".join("_25._tcp.h%d TLSA %s\n" % (i, world.RECORD) for i in range(names))
    server = world.nsd(folder, world.world(folder))
    try:
        time.sleep(2)
        questions = "".join("_25._tcp.h%d.signed.test %d\n" % (i, world.TLSA) for i in range(names))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        p = subprocess.run([sys.argv[1], "-q", "-n", "3", "-a", os.path.join(folder, "anchor"), "%s@%d" % (world.NET, world.PORT)],
                           input=questions, check=True, stdout=subprocess.PIPE, universal_newlines=True, timeout=120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        for what, line in zip(("not cached", "cached", "cached"), p.stdout.splitlines()):
            print("live dns, %-10s %s" % (what + ":", line.split(": ", 1)[1]))
        print("live dns, CPU        %.2f s, largest %d kB" % (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_maxrss))
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
