#!/usr/bin/env python3
"""Postfix's DANE logic and ours, on the same zones: for each row of RFC 7672's tables a domain whose DNS is so. posttls-finger
(level dane) says what it would do; then a client that does not look says the recipient in clear to the domain's server. Both
are captured on the client's link, with the DNS of its resolver, and `mxwitness read` judges them from the packets alone.

usage: live_postfix.py MXWITNESS [WORK]   root; a line for each row; "live postfix: N passed, N failed[, N skipped ...]"
Nothing outside the namespaces is asked. WORK keeps what was made."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tools/record"))
import dns_world  # noqa: E402
import mta  # noqa: E402
import world  # noqa: E402
from dns_world import LEAF_NS, THE_KEY, WRONG_KEY  # noqa: E402

OTHER_USAGE = "1 1 1 {now}"
SHORT = "3 1 1 " + "ab" * 31


def mx(*more):
    return ["@ MX 10 mx", "mx A {a}"] + list(more)


def tlsa(record, at="mx"):
    return f"_25._tcp.{at} TLSA {record}"


# domain: (row of the tables, its records ({a}: its address), how it is signed, Postfix, we: from the capture, and live)
#
# Postfix   dane BASE verified | dane BASE refused | encrypt | may | defer | null | no-domain | no-address
# we        dane BASE match | dane BASE mismatch: what we hold the client in clear to, and what we say of Postfix's own session;
#           dane-tls-only; no-tlsa, insecure; bogus, lookup-failed; null, nxdomain; no-host
#
# What differs on purpose: of "defer" we say whether it was bogus or not answered, and of "may" whether TLSA is proved absent or
# nothing is proved. Where the MX is insecure Postfix logs "Trusted" for what it has verified; we say which host is authenticated.
ROWS = {
    "mx-secure.net": ("MX secure, TLSA secure", mx(tlsa(THE_KEY)), "ec nsec", "dane mx.mx-secure.net verified", "dane mx.mx-secure.net match"),
    "mx-implied.net": ("no MX, proved: the domain itself", ["@ A {a}", "_25._tcp TLSA " + THE_KEY], "ec nsec",
                       "dane mx-implied.net verified", "dane mx-implied.net match"),
    "mx-null.net": ("null MX", ["@ MX 0 .", "@ A {a}"], "ec nsec", "null", "null"),
    "mx-gone.net": ("no such domain, proved", None, None, "no-domain", "nxdomain"),
    "mx-insecure.info": ("MX insecure, host secure", ["@ MX 10 mx.beside-secure.org."], "unsigned",
                         "dane mx.beside-secure.org verified", "dane mx.beside-secure.org match"),
    "mx-bogus.net": ("MX bogus", mx(tlsa(THE_KEY)), "ec nsec spoiled-MX", "defer", "bogus"),
    "mx-expired.net": ("signatures ran out", mx(tlsa(THE_KEY)), "ec nsec expired", "defer", "bogus"),
    "mx-dead.net": ("MX not answered", [], "dead", "defer", "lookup-failed"),
    "mx-literal.net": ("MX is the text of an address", ["@ MX 10 {a}."], "ec nsec", "may", "no-tlsa"),
    "host-none.net": ("host without address", ["@ MX 10 mx", "mx TXT x"], "ec nsec", "no-address", "no-host"),
    "host-bogus.net": ("address bogus", mx(tlsa(THE_KEY)), "ec nsec spoiled-A", "defer", "bogus"),
    "host-insecure.net": ("address insecure, TLSA there fails", ["@ MX 10 mx.beside-plain.info."], "ec nsec", "may", "insecure"),
    "host-dead.net": ("address not answered", ["@ MX 10 mx.sub", "sub NS ns.sub", "ns.sub A " + LEAF_NS], "ec nsec", "defer", "lookup-failed"),
    "alias-target.net": ("host an alias, TLSA at both, all secure", ["@ MX 10 mx", "mx CNAME mx.beside-secure.org.", tlsa(WRONG_KEY)], "ec nsec",
                         "dane mx.beside-secure.org verified", "dane mx.beside-secure.org match"),
    "alias-self.net": ("host an alias, TLSA at the alias alone", ["@ MX 10 mx", "mx CNAME mta", "mta A {a}", tlsa(THE_KEY)], "ec nsec",
                       "dane mx.alias-self.net verified", "dane mx.alias-self.net match"),
    "alias-insecure.net": ("alias secure, target insecure", ["@ MX 10 mx", "mx CNAME mx.beside-plain.info.", tlsa(THE_KEY)], "ec nsec",
                           "dane mx.alias-insecure.net verified", "dane mx.alias-insecure.net match"),
    "alias-first.net": ("alias insecure, target secure", ["@ MX 10 alias.beside-plain.info."], "ec nsec", "may", "insecure"),
    "tlsa-unusable.net": ("TLSA of usage 1 alone", mx(tlsa(OTHER_USAGE)), "ec nsec", "encrypt", "dane-tls-only"),
    "tlsa-short.net": ("TLSA with a digest cut short alone", mx(tlsa(SHORT)), "ec nsec", "encrypt", "dane-tls-only"),
    "tlsa-none.net": ("no TLSA, proved by NSEC", mx(), "ec nsec", "may", "no-tlsa"),
    "tlsa-none3.org": ("no TLSA, proved by NSEC3", mx(), "ec nsec3", "may", "no-tlsa"),
    "tlsa-optout.net": ("no TLSA in an opt-out span", mx(), "ec optout", "may", "insecure"),
    "tlsa-bogus.net": ("TLSA bogus", mx(tlsa(THE_KEY)), "ec nsec spoiled-TLSA", "defer", "bogus"),
    "tlsa-dead.net": ("TLSA not answered, address secure", mx("_tcp.mx NS ns.dead", "ns.dead A " + LEAF_NS), "ec nsec", "defer", "lookup-failed"),
    "tlsa-insecure.net": ("TLSA behind an alias, insecure", mx("_25._tcp.mx CNAME keys.beside-plain.info."), "ec nsec", "may", "insecure"),
    "tlsa-alias.net": ("TLSA behind an alias, secure", mx("_25._tcp.mx CNAME keys.beside-secure.org."), "ec nsec",
                       "dane mx.tlsa-alias.net verified", "dane mx.tlsa-alias.net match"),
    "tlsa-wrong.net": ("TLSA of another key", mx(tlsa(WRONG_KEY)), "ec nsec", "dane mx.tlsa-wrong.net refused", "dane mx.tlsa-wrong.net mismatch"),
    "tlsa-leaf.net": ("TLSA of the leaf as an authority (2 1 1)", mx(tlsa("2 1 1 {now}")), "ec nsec",
                      "dane mx.tlsa-leaf.net refused", "dane mx.tlsa-leaf.net mismatch"),
    "tlsa-mixed.net": ("TLSA of usage 1, and of another key", mx(tlsa(OTHER_USAGE), tlsa(WRONG_KEY)), "ec nsec",
                       "dane mx.tlsa-mixed.net refused", "dane mx.tlsa-mixed.net mismatch"),
    "tlsa-agility.net": ("SHA-256 of the key, SHA-512 of another", mx(tlsa(THE_KEY), tlsa("3 1 2 " + "ee" * 64)), "ec nsec",
                         "dane mx.tlsa-agility.net refused", "dane mx.tlsa-agility.net mismatch"),
}
SECURE_HOST, PLAIN_HOST, FIRST = 250, 251, 100
BESIDE = {"beside-secure.org": (mx(tlsa(THE_KEY), f"keys TLSA {THE_KEY}"), "ec nsec"),
          "beside-plain.info": (mx("_tcp.mx NS ns.dead", "ns.dead A " + LEAF_NS, f"keys TLSA {THE_KEY}", "alias CNAME mx.beside-secure.org."), "unsigned"),
          "sub.host-dead.net": ([], "dead"), "_tcp.mx.tlsa-dead.net": ([], "dead"), "_tcp.mx.beside-plain.info": ([], "dead")}


def address(n):
    return f"198.51.100.{n}"


def zones():
    """All zones of the rows and those beside them, for dns_world."""
    where = {"beside-secure.org": SECURE_HOST, "beside-plain.info": PLAIN_HOST}
    where.update({name: FIRST + n for n, name in enumerate(ROWS)})
    told = dict({name: row[1:3] for name, row in ROWS.items() if row[2]}, **BESIDE)
    return {name: ([line.replace("{a}", address(where.get(name, 0))) for line in lines], form) for name, (lines, form) in told.items()}


def server_of(n, name):
    """The address that a client who does not look sends to."""
    text = " ".join(ROWS[name][1] or [])
    return address(PLAIN_HOST if "MX 10 mx.beside-plain" in text or "CNAME mx.beside-plain" in text else
                   SECURE_HOST if "mx.beside-secure" in text or "alias.beside-plain" in text else FIRST + n)


def finger(work):
    """What posttls-finger says of each domain: {name: text}."""
    script = "mkdir -p /var/out\n" + "".join(
        f"timeout 60 posttls-finger -a ipv4 -c -l dane -t 8 -T 8 -L summary,verbose {name} > /var/out/{name} 2>&1 || :\n" for name in ROWS)
    main = mta.POSTFIX + "myhostname = out.sender.net\ninet_protocols = ipv4\nsmtp_tls_exclude_ciphers = aNULL\nsmtp_tls_loglevel = 1\n"
    process = mta.instance(work, "client", "postfix", world.CLIENT, {"etc/postfix/main.cf": main}, script)
    try:
        process.wait(60 * len(ROWS))
    finally:
        world.stop_namespace(process)
    said = {}
    for name in ROWS:
        with open(f"{work}/inst/client/var/out/{name}", encoding="utf-8", errors="replace") as f:
            said[name] = f.read()
    return said


def clear(name, server):
    here = os.path.join(HERE, "../tools/record/talk.py")
    subprocess.run(["ip", "netns", "exec", world.CLIENT, sys.executable, here, server, "25", "EHLO out.sender.net", "MAIL FROM:<ada@sender.net>",
                    f"RCPT TO:<bob@{name}>", "QUIT"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30, check=False)


def judge(program, work, capture, *options, inside=None):
    """The session events of the capture: {server address: [Postfix's session, the one in clear]}, those that there are."""
    args = [program, "read", "--format", "ndjson", "--trust-anchor", f"{work}/zones/root.anchor", *options, capture]
    done = subprocess.run((["ip", "netns", "exec", inside] if inside else []) + args, stdout=subprocess.PIPE, timeout=300, check=False)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [e for e in events if e["event"]["dataset"] == "mxwitness.session"]


def play(program, work):
    """(what Postfix said, our sessions from the capture, our sessions with live lookups)."""
    raw, procs, server = f"{work}/all.pcap", [], None
    dns_world.network_up()
    try:
        for n in list(range(FIRST, FIRST + len(ROWS))) + [SECURE_HOST, PLAIN_HOST]:
            world.run(["ip", "-n", world.NET, "addr", "add", address(n) + "/32", "dev", "lo"])
        procs += dns_world.name_servers(work, "now")
        more = f"smtpd_tls_protocols = TLSv1.2\nmydestination = {' '.join(ROWS)}\n"
        server = mta.postfix_server(work, world.NET, "sender.net", "mail.example", ["all"], f"{work}/certs/now.pem", more)
        if not world.wait_for(25):
            raise RuntimeError("the mail server does not listen")
        procs += dns_world.resolver(work, "unbound")[0]
        procs.append(world.start(["tcpdump", "-i", "up0", "-s", "0", "-U", "--immediate-mode", "-Z", "root", "-w", raw,
                                  "tcp port 25 or port 53"], f"{work}/tcpdump.log", world.CLIENT))
        time.sleep(1)
        said = finger(work)
        for n, name in enumerate(ROWS):
            clear(name, server_of(n, name))
        time.sleep(0.5)
        world.stop(procs.pop())
        live = judge(program, work, raw, "--dns=live", "--resolver", "127.0.0.1", inside=world.CLIENT)
        return said, judge(program, work, raw), live
    finally:
        if server:
            world.stop_namespace(server)
        for p in reversed(procs):
            world.stop(p)
        world.network_down()


# ---- decisions ----

def theirs(text, base):
    """What Postfix decided, from what posttls-finger said and the name it put into its ClientHello."""
    for words, decision in (("nullMX", "null"), ("try again", "defer"), ("TLSA lookup error", "defer"), ("Host not found", "no-domain"),
                            ("no data record", "no-address"), ("all TLSA records unusable", "encrypt")):
        if words in text:
            return decision
    if "DNSSEC-signed TLSA record" in text:
        verified = re.search(r"(Verified|Trusted) TLS connection", text) and "Matched DANE" in text
        return f"dane {base} " + ("verified" if verified else "refused")
    # it names unusable records, and keeps to itself that it insists on TLS for them
    return "encrypt" if "unsupported TLSA certificate usage" in text else "may" if "TLS connection established" in text else "nothing"


def ours(clear_one, own):
    """What we hold the session in clear to, and how Postfix's own session came out."""
    m = clear_one.get("mxwitness", {})
    strongest, dane, mx_result = m.get("expectation", {}).get("strongest"), m.get("dane", {}), m.get("identity", {}).get("mx_result")
    if strongest == "dane":
        verdict = own.get("mxwitness", {}).get("dane", {}).get("verdict")
        return f"dane {dane.get('base_domain')} {verdict}" if dane.get("verdict") == "tls-absent" else f"dane {dane.get('verdict')}"
    if strongest == "dane-tls-only" or mx_result in ("null", "nxdomain"):
        return strongest if strongest == "dane-tls-only" else mx_result
    return "no-host" if dane.get("verdict") == "identity-unknown" else dane.get("verdict", "nothing")


def of_domain(sessions, name):
    """(the session that named this recipient in clear, or {})."""
    return next((s for s in sessions if s["mxwitness"].get("smtp", {}).get("rcpt_domains") == [name]), {})


def by_finger(sessions):
    """Postfix's own sessions in their order: it asked one domain after the other, and reached the server of some."""
    return [s for s in sessions if "rcpt_domains" not in s["mxwitness"].get("smtp", {})]


def compare(said, captured, live):
    reached = [name for name in ROWS if "TLS connection established" in said[name]]
    passed = failed = 0
    own = {"captured": dict(zip(reached, by_finger(captured))), "live": dict(zip(reached, by_finger(live)))}
    print("%-18s %-42s %-40s %-40s %s" % ("domain", "", "Postfix", "from the capture", "live"))
    for name, row in ROWS.items():
        first = own["captured"].get(name, {})
        postfix = theirs(said[name], first.get("tls", {}).get("client", {}).get("server_name"))
        here, now = ours(of_domain(captured, name), first), ours(of_domain(live, name), own["live"].get(name, {}))
        good = [postfix, here, now] == [row[3], row[4], row[4]]
        print("%-18s %-42s %-40s %-40s %s%s" % (name, row[0], postfix, here, "the same" if now == here else now, "" if good else "   <- NOT AS EXPECTED"))
        passed, failed = passed + good, failed + (not good)
    if any(len(by_finger(x)) != len(reached) for x in (captured, live)):
        print(f"Postfix reached {len(reached)} servers; we saw {len(by_finger(captured))} and {len(by_finger(live))} of its sessions")
        failed += 1
    return passed, failed


def possible():
    """Why not, or nothing."""
    if os.geteuid():
        return "it needs root"
    missing = [p for p in ("nsd", "unbound", "ldns-signzone", "dig", "tcpdump", "ip", "openssl") if not shutil.which(p)]
    if missing:
        return "no " + ", ".join(missing) + ": sh tools/setup live"
    name = f"mxw{os.getpid()}-probe"
    if subprocess.run(["ip", "netns", "add", name], stderr=subprocess.DEVNULL, check=False).returncode:
        return "no network namespaces can be made here"
    subprocess.run(["ip", "netns", "del", name], check=False)
    return ""


def main():
    why = possible()
    if why:
        print(f"live postfix: 0 passed, 0 failed, 1 skipped ({why})")
        return 0
    kept = len(sys.argv) > 2
    work = os.path.abspath(sys.argv[2]) if kept else tempfile.mkdtemp()
    os.makedirs(work, exist_ok=True)
    try:
        mta.unpack(work, {"postfix": mta.PACKAGES["postfix"]}, "unpacked-postfix")
        dns_world.certificates(f"{work}/certs")
        dns_world.zones(f"{work}/zones", f"{work}/certs", zones())
        passed, failed = compare(*play(os.path.abspath(sys.argv[1]), work))
    finally:
        if not kept:
            shutil.rmtree(work, ignore_errors=True)
    print(f"live postfix: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
