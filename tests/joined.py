#!/usr/bin/env python3
"""Makes the captures tests/pcaps/incident-*.pcapng: sessions of other captures at other times, and from another client network.

usage: joined.py    needs editcap, mergecap, capinfos, tcprewrite; the results are kept in the repository"""
import os
import subprocess
import tempfile

PCAPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pcaps")
HOUR, DAY = 3600, 86400

# name: source, seconds after the first, the client's network in place of 192.0.2.0/24
JOINED = {
    "incident-repeats": [("masked-keyword", t, None) for t in (0, 600, 1200)] + [("masked-keyword", 2 * HOUR, None),
                         ("masked-keyword", 3 * HOUR, "203.0.113.0/24"), ("masked-keyword", 3 * HOUR + 60, "203.0.113.0/24"),
                         ("masked-keyword", 2 * DAY, None)],
    "incident-often": [("masked-keyword", 60 * n, None) for n in range(12)],
    "incident-rise": [("strip-dane-refused", t, None) for t in (0, 900, 1800)] + [("strip-dane-clear-ipv6", 2400, None)],
    "incident-rise-refused": [("refused-454-dane", t, None) for t in (0, 900, 1800)],
    "incident-rise-client": [("refused-454-dane", 0, None), ("refused-454-dane", 900, "203.0.113.0/24")],
}


def run(*args):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout.decode()


def start(path):
    return float(run("capinfos", "-a", "-S", "-T", "-r", path).split("\t")[1])


def main():
    for name, parts in JOINED.items():
        with tempfile.TemporaryDirectory() as folder:
            base = start(os.path.join(PCAPS, parts[0][0] + ".pcapng"))
            files = []
            for n, (source, at, net) in enumerate(parts):
                source = os.path.join(PCAPS, source + ".pcapng")
                plain, out = os.path.join(folder, f"{n}.pcap"), os.path.join(folder, f"{n}-out.pcap")
                run("editcap", "-F", "nsecpcap", "-t", f"{base + at - start(source):.6f}", source, plain)
                if net:
                    run("tcprewrite", "-C", f"--pnat=192.0.2.0/24:{net}", "-i", plain, "-o", out)
                files.append(out if net else plain)
            run("mergecap", "-F", "pcapng", "-w", os.path.join(PCAPS, name + ".pcapng"), *files)


if __name__ == "__main__":
    main()
