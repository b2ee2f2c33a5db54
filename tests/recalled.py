#!/usr/bin/env python3
"""Makes the captures tests/pcaps/history-*.pcapng and some of several-*: days on which a server did as usual, made of one
recorded session, and then one that differs. Each copy has a client port and sequence numbers of its own.

usage: recalled.py [NAME...]    the results are kept in the repository"""
import ipaddress
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PCAPS = os.path.join(HERE, "pcaps")
sys.path.insert(0, os.path.join(HERE, "..", "tools", "mutate"))
import capfile  # noqa: E402
import flow  # noqa: E402
from segment import packets_of  # noqa: E402

MINUTE, HOUR, DAY = 60, 3600, 86400


def part(source, at, session=0, client=None, server=None, dns=False, ttl=0):
    """A session of a capture (-1: the last), at seconds behind the beginning. client, server: another address; dns: with the
    names asked for in that capture; ttl: of the server, so much less."""
    return {"source": source, "at": at, "session": session, "client": client, "server": server, "dns": dns, "ttl": ttl}


USUAL = 6                 # sessions in four days
LAST = USUAL * 16 * HOUR


def usual(source, **more):
    return [part(source, i * 16 * HOUR, **more) for i in range(USUAL)]


FIVE = ("198.51.100.60", "198.18.1.10", "198.19.77.10", "203.0.113.80", "192.88.99.10")     # of no common operator
APART = ("192.0.2.2", "203.0.113.7", "198.18.5.9")
NEAR = ("192.0.2.2", "192.0.2.3", "192.0.2.4")

JOINED = {
    "history-issuer": usual("cert-valid") + [part("cert-self-signed", LAST)],
    "history-issuer-renewed": usual("several-cert-new-key") + [part("several-cert-new-key", LAST, session=-1)],
    "history-weaker-key": usual("weak-dhe2048") + [part("weak-rsa1024", LAST)],
    "history-population-few": usual("dane-match-tls13") +
                              [part("starttls-not-used-own", LAST + n * MINUTE, server=s) for n, s in enumerate(FIVE[:2])],
    "several-proxied-later": [part("mut-proxy-suspected-both", n * HOUR, server=s) for n, s in enumerate(FIVE[:3])],
    "history-lookalike": usual("several-cert-lookalike") + [part("several-cert-lookalike", LAST, session=-1)],
    "history-capability": usual("no-tlsa-nsec") + [part("dane-exim-server", LAST, server="198.51.100.12")],
    "history-version": usual("dane-match-tls13") + [part("demo/dane-match-tls12", LAST)],
    "history-flight": usual("dane-match-tls13") + [part("intercept-tls13", LAST)],
    "history-strip": usual("no-tlsa-nsec") + [part("strip-no-dane", LAST)],
    "history-masked": usual("no-tlsa-nsec") + [part("masked-keyword", LAST)],
    "history-banner": usual("no-tlsa-nsec") + [part("banner-masked", LAST)],
    "history-never": [part("no-starttls-insecure-domain", i * 16 * HOUR) for i in range(7)],
    "history-greylister": usual("insecure-tls12") + [part("greylisted-benign", LAST), part("insecure-tls12", LAST + DAY)],
    "history-flight-known": usual("dane-match-tls13") + [part("intercept-tls13", n * DAY + HOUR) for n in (0, 1)] +
                            [part("intercept-tls13", LAST), part("dane-match-tls13", LAST + HOUR)],
    "history-interception": [p for s in range(3) for p in usual("several-inspected-three", session=s)] +
                            [part("several-inspected-three", LAST + s * MINUTE, session=3 + s) for s in range(3)],
    "history-one-key": [p for s in range(3) for p in usual("several-inspected-three", session=s)] +
                       [part("intercept-other-dane", LAST + n * MINUTE, server=s) for n, s in enumerate(FIVE[:3])],
    "history-renewed-two": [p for s in range(3) for p in usual("several-inspected-three", session=s)] +
                           [part("several-inspected-three", LAST + s * MINUTE, session=3 + s) for s in range(2)] +
                           [part("several-inspected-three", LAST + 2 * MINUTE, session=2)],
    "history-route": usual("no-tlsa-nsec") + usual("insecure-tls12") +
                     [part("cert-wrong-name", LAST + n * HOUR, server=s, ttl=6) for n, s in enumerate(("198.51.100.12", "198.51.100.20"))],
    "history-moved": usual("no-tlsa-nsec") + usual("insecure-tls12") +
                     [part("no-tlsa-nsec", LAST, ttl=6), part("insecure-tls12", LAST + HOUR, ttl=6)],
    "history-population": usual("dane-match-tls13") +
                          [part("starttls-not-used-own", LAST + n * MINUTE, server=s) for n, s in enumerate(FIVE)],
    "several-clients-masked": [part("masked-keyword", n * MINUTE, client=c) for n, c in enumerate(APART)],
    "several-clients-near": [part("masked-keyword", n * MINUTE, client=c) for n, c in enumerate(NEAR)],
    "several-masked-alike": [part("masked-keyword", n * 2 * HOUR, server=s) for n, s in enumerate(FIVE)],
    "several-masked-four": [part("masked-keyword", n * 2 * HOUR, server=s) for n, s in enumerate(FIVE[:4])],
    "several-broken-days": [part("client-postfix-reset", n * DAY) for n in range(3)],
    "several-broken-two-days": [part("client-postfix-reset", n * DAY) for n in range(2)],
    "several-cut-by-name": [part("dane-match-tls13", 0, server="198.19.60.10")] +
                           [part("several-retry-dane-waits", n * HOUR, session=n) for n in (1, 2, 3)],
    "several-cut-all": [part("dane-match-tls13", 0, server="198.19.60.10"), part("several-retry-dane-waits", MINUTE)] +
                       [part("several-retry-dane-waits", n * HOUR, session=n) for n in (1, 2, 3)],
    "several-one-key": [part("intercept-other-dane", n * MINUTE, server=s) for n, s in enumerate(FIVE[:3])],
    "several-proxied": [part("mut-proxy-suspected-both", n * MINUTE, server=s) for n, s in enumerate(FIVE[:3])],
}

# Whole captures with their DNS, at their own times.
TOGETHER = {
    "several-not-enforcing": ["starttls-not-used-own", "mut-sts-stripped", "several-retry-dane-postfix"],
    "several-not-enforcing-two": ["starttls-not-used-own", "mut-sts-stripped"],
}


def moved(packets, by):
    for p in packets:
        p.time += by
    return packets


def readdress(conn, number, p):
    """A client port and sequence numbers of its own, and the addresses asked for."""
    by = (number * 0x01003901) & 0xffffffff
    client, server = conn.client, conn.server
    for s in conn.segs:
        ours = s.src == client
        s.seq = (s.seq + by) & 0xffffffff
        if s.flags & flow.ACK:
            s.ack = (s.ack + by) & 0xffffffff
        here = (ipaddress.ip_address(p["client"]).packed if p["client"] else client[0], 33000 + number * 13)
        there = (ipaddress.ip_address(p["server"]).packed if p["server"] else server[0], server[1])
        s.src, s.dst = (here, there) if ours else (there, here)
        if not ours:
            s.ttl -= p["ttl"]
    return conn.segs


def read_part(p, number):
    conns, others = flow.connections(capfile.read(os.path.join(PCAPS, p["source"] + ".pcapng")))
    conns = [c for c in conns if c.server[1] in flow.MAIL_PORTS]
    conn = conns[p["session"]]
    packets = packets_of(readdress(conn, number, p))
    first = packets[0].time
    if p["dns"]:
        packets += others
    return first, packets


def main():
    for name, sources in TOGETHER.items():
        if not sys.argv[1:] or name in sys.argv[1:]:
            packets = [q for s in sources for q in capfile.read(os.path.join(PCAPS, s + ".pcapng"))]
            capfile.write(os.path.join(PCAPS, name + ".pcapng"), sorted(packets, key=lambda q: q.time))
    for name, parts in JOINED.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        last, made = read_part(parts[-1], 0)
        base = last - parts[-1]["at"] * 10**9     # the last one stays where it was
        packets = []
        for number, p in enumerate(parts, 1):
            first, these = read_part(p, number)
            packets += moved(these, base + p["at"] * 10**9 - first)
        capfile.write(os.path.join(PCAPS, name + ".pcapng"), sorted(packets, key=lambda q: q.time))


if __name__ == "__main__":
    main()
