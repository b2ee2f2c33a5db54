#!/usr/bin/env python3
"""Every octet of the DNS part of evidence files is altered, one after the other: see tests/tamper/tamper.c.

usage: tamper.py MXWITNESS TAMPER    TAMPER is tests/tamper/tamper of the build folder
SHARE: one octet of so many, another share each day (default 16); SHARE=1 is all of them: ten minutes."""
import glob
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
# capture, trust anchors, finding
CASES = [("tamper/rsa.pcapng", "tamper/rsa.anchor", "starttls-not-offered"),
         ("tamper/nsec3.pcapng", "tamper/nsec3.anchor", "tls-weak-cipher"),
         ("pcaps/tlsa-wrong-digest.pcapng", "pcaps/root.anchor", "tlsa-mismatch")]


def main():
    program, tamper = sys.argv[1:3]
    parts = int(os.environ.get("SHARE", "16"))
    part = int(time.time() / 86400) % parts
    passed = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        running = []
        for capture, anchor, finding in CASES:
            out = os.path.join(folder, finding)
            anchor = os.path.join(HERE, anchor)
            subprocess.run([program, "read", "--trust-anchor", anchor, "--evidence", out, os.path.join(HERE, capture)], stdout=subprocess.DEVNULL)
            files = glob.glob(os.path.join(out, "*_%s_*.pcapng" % finding))
            if len(files) != 1:
                print("%s: no evidence of %s" % (capture, finding))
                failed += 1
                continue
            command = [tamper, "-r", os.path.join(HERE, "..", "rules"), "-a", anchor, "-p", "%d/%d" % (part, parts)] + files
            running.append((capture, subprocess.Popen(command, stdout=subprocess.PIPE, universal_newlines=True)))
        for capture, child in running:
            said = child.communicate()[0]
            print(capture + "\n" + said, end="")
            tally = re.search(r"^tamper: (\d+) passed, (\d+) failed$", said, re.M)
            passed += int(tally[1]) if tally else 0
            failed += int(tally[2]) if tally else 1
    print("tamper: %d passed, %d failed" % (passed, failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
