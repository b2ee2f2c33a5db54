"""A second signed world, for the recordings of record-dns: zones of every form that DNSSEC has, resolvers of several
makers, and somebody on the path who lies about DNS. The stage, the certificates and the MTAs are those of world.py and
mta.py; all mail domains share one receiving server.

Every zone can stand in two ages, "now" and "next": what stands in NEXT is what the zone says, or who signs it, later."""
import glob
import os
import shutil
import sys
import time

import mta
import world
from world import BEGIN, CLIENT, END, LEAF_NS, NET, PATH, ROOT_NS, TLD_NS, run, start, write

MAIL = world.server4("alpha.net")
BEHIND = "203.0.113.23"       # the leaf name server behind somebody who has taken LEAF_NS
RECURSIVE = "203.0.113.53"    # a resolver on the other side of the tap
RESOLVERS = {"bind": ("bind9",), "knot": ("knot-resolver", "libdnssec9", "libknot13", "libzscanner4", "libluajit-5.1-2",
                                          "libluajit-5.1-common", "lua-socket", "lua-sec", "libxdp1")}
TLDS = {"net": "nsec", "org": "nsec3", "info": "optout"}


def host(*tlsa, at="_25._tcp.mx"):
    """A mail host of the zone's own with these TLSA records; {now} and {next} are digests of the server's keys."""
    return ["@ MX 10 mx", f"mx A {MAIL}"] + [f"{at} TLSA {x}" for x in tlsa]


THE_KEY = "3 1 1 {now}"
WRONG_KEY = "3 1 1 " + "ee" * 32
# zone: records, how it is signed (algorithm, denial, flaw), or "unsigned", or "dead": delegated to a server that answers SERVFAIL, for it has no file
ZONES = {
    "alpha.net": (host(THE_KEY), "ec nsec"),
    "bravo.org": (host(THE_KEY), "ed25519 nsec"),
    "charlie.org": (host(THE_KEY), "rsasha1 nsec"),
    "victor.net": (host(THE_KEY), "rsa nsec3"),
    "delta.net": (host(THE_KEY, *("3 1 1 " + "%064x" % n for n in range(40))), "ec nsec"),
    "echo.info": (host(WRONG_KEY), "unsigned"),
    "foxtrot.info": (host(THE_KEY), "ec nsec3"),
    "golf.net": (host(), "ec optout"),
    "hotel.org": (["@ MX 10 mx", "*.lists MX 10 mx", f"mx A {MAIL}", f"*._tcp.mx TLSA {THE_KEY}"], "ec nsec"),
    "india.net": (["@ MX 10 mx", "mx CNAME mx.juliet.org.", f"_25._tcp.mx TLSA {WRONG_KEY}"], "ec nsec"),
    "juliet.org": (host(THE_KEY) + [f"keys TLSA {THE_KEY}"], "ec nsec3"),
    "kilo.net": (["@ MX 10 mx", f"mx A {MAIL}", "_25._tcp.mx CNAME keys.juliet.org."], "ec nsec3"),
    "lima.info": (["@ MX 10 mx.juliet.org."], "unsigned"),
    "mike.net": (["@ MX 10 mx.echo.info."], "ec nsec"),
    "november.net": (host(), "ec nsec"),
    "oscar.net": (host(THE_KEY), "ec nsec"),
    "papa.net": (host(THE_KEY), "ec nsec"),
}
# What another age has in their place.
NEXT = {"oscar.net": (host(THE_KEY), "ec nsec new-keys"), "papa.net": (host("3 1 1 {next}"), "ec nsec")}
ALGORITHMS = {"ec": ["ECDSAP256SHA256"], "ed25519": ["ED25519"], "rsasha1": ["RSASHA1", "-b", "1024"], "rsa": ["RSASHA256", "-b", "2048"]}


# ---- certificates and zones ----

def certificates(folder):
    """The server's certificate, the one it will have next, and a stranger's."""
    os.makedirs(folder, exist_ok=True)
    for name, common in (("now", "mail.example"), ("next", "mail.example"), ("mallory", "mail.example")):
        world.self_signed(folder, name, common)
        world.bundle(folder, name, [name + ".crt"])


def keys_of(folder, origin, algorithm, age):
    """The zone-signing and the key-signing key of a zone in one age, made if they are not there."""
    home = os.path.join(folder, "keys-" + age)
    os.makedirs(home, exist_ok=True)
    found = {}
    for path in glob.glob(os.path.join(home, f"K{origin}+*.key")):
        with open(path, encoding="ascii") as f:
            found["DNSKEY\t257" in f.read()] = path[:-4]
    for ksk in {False, True} - set(found):
        made = run(["ldns-keygen"] + ["-k"] * ksk + ["-a"] + ALGORITHMS[algorithm] + [origin], cwd=home)
        found[ksk] = os.path.join(home, made.split()[-1])
    return found[False], found[True]


def spoil(path, kind):
    """One digit of the first record of that type altered after signing."""
    with open(path, encoding="ascii") as f:
        lines = f.read().splitlines()
    at = next(i for i, line in enumerate(lines) if f"\t{kind}\t" in line and "RRSIG" not in line and not line.startswith("ns."))
    if kind == "MX":
        lines[at] = lines[at].replace("\tMX\t10 ", "\tMX\t11 ")
    else:
        lines[at] = lines[at][:-1] + ("0" if lines[at][-1] != "0" else "1")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


def sign(home, keys, origin, form, age):
    """Signs home/FILE.zone into home/FILE.zone.signed; returns its DS. form is as in ZONES."""
    file, words = os.path.join(home, (origin.rstrip(".") or "root") + ".zone"), form.split()
    if words[0] == "unsigned":
        shutil.copy(file, file + ".signed")
        return ""
    zsk, ksk = keys_of(keys, origin, words[0], age if "new-keys" in words else "now")
    begin, end = ("20240101000000", "20240601000000") if "expired" in words else (BEGIN, END)
    denial = {"nsec": [], "nsec3": ["-n", "-a", "1", "-t", "0"], "optout": ["-n", "-a", "1", "-t", "0", "-p"]}[words[1]]
    run(["ldns-signzone", "-i", begin, "-e", end, "-o", origin, "-f", file + ".signed"] + denial + [file, zsk, ksk])
    for word in words:
        if word.startswith("spoiled-"):
            spoil(file + ".signed", word[8:])
    return run(["ldns-key2ds", "-n", "-2", ksk + ".key"]).strip()


def zones(folder, certs, extra=()):
    """All zones of both ages, in folder/now and folder/next; folder/root.anchor and folder/root.hints."""
    digests = {name: world.digest(certs, "1", "1", name) for name in ("now", "next")}
    for age in ("now", "next"):
        home = os.path.join(folder, age)
        os.makedirs(home, exist_ok=True)
        below, chosen = {tld: [] for tld in TLDS}, dict(ZONES, **dict(extra))
        if age == "next":
            chosen.update(NEXT)
        for name, (lines, form) in chosen.items():
            if form == "dead":
                if name.count(".") == 1:
                    below[name.split(".")[-1]] += [f"{name}. NS ns.{name}.", f"ns.{name}. A {LEAF_NS}"]
                continue
            text = [line.replace("{now}", digests["now"]).replace("{next}", digests["next"]) for line in lines]
            write(home, name + ".zone", world.zone_text(name + ".", LEAF_NS, text))
            ds = sign(home, folder, name + ".", form, age)
            below[name.split(".")[-1]] += [f"{name}. NS ns.{name}.", f"ns.{name}. A {LEAF_NS}", ds]
        delegations = []
        for tld, denial in TLDS.items():
            write(home, tld + ".zone", world.zone_text(tld + ".", TLD_NS, below[tld]))
            ds = sign(home, folder, tld + ".", "ec " + denial, age)
            delegations += [f"{tld}. NS ns.{tld}.", f"ns.{tld}. A {TLD_NS}", ds]
        write(home, "root.zone", world.zone_text(".", ROOT_NS, delegations))
        write(folder, "root.anchor", sign(home, folder, ".", "ec nsec", age) + "\n")
    write(folder, "root.hints", f". 3600000 IN NS ns.\nns. 3600000 IN A {ROOT_NS}\n")
    write(folder, "names", "".join(name + "\n" for name in dict(ZONES, **dict(extra))))


# ---- servers ----

def network_up():
    world.network_up()
    for address in (BEHIND, RECURSIVE):
        run(["ip", "-n", NET, "addr", "add", address + "/24", "dev", "down0"])


def name_servers(work, age):
    """Three name servers: root, top-level domains, all below; the last under its second address too."""
    started = []
    with open(f"{work}/zones/names", encoding="ascii") as f:
        leaves = f.read().split()
    for addresses, names in (((ROOT_NS,), ["."]), ((TLD_NS,), list(TLDS)), ((LEAF_NS, BEHIND), leaves)):
        conf = f"{work}/nsd-{addresses[0]}.conf"
        text = "server:\n" + "".join(f" ip-address: {a}\n" for a in addresses)
        text += (f" username: \"\"\n chroot: \"\"\n database: \"\"\n zonesdir: {work}/zones/{age}\n ipv4-edns-size: 4096\n"
                 f" zonelistfile: {conf}.list\n xfrdfile: {conf}.xfrd\n xfrdir: {work}\n pidfile: {conf}.pid\n server-count: 1\n"
                 " hide-version: yes\nremote-control:\n control-enable: no\n")
        for n in names:
            text += f"zone:\n name: {n}\n zonefile: {'root' if n == '.' else n}.zone.signed\n"
        write("/", conf, text)
        started.append(start(["nsd", "-d", "-c", conf], f"{work}/nsd.log", NET))
    return started


def liar(work, address, behind, mode):
    run(["ip", "-n", PATH, "addr", "add", address + "/32", "dev", "lo"])
    here = os.path.dirname(os.path.abspath(__file__))
    return start([sys.executable, os.path.join(here, "dns_liar.py"), address, behind] + mode, f"{work}/liar.log", PATH)


def unbound(work, name, ns, interface, more="", forward=None):
    conf = f"{work}/{name}.conf"
    write("/", conf, f"""server:
 interface: {interface}
 access-control: 0.0.0.0/0 allow
 username: ""
 chroot: ""
 directory: {work}
 pidfile: {conf}.pid
 use-syslog: no
 do-ip6: no
 module-config: "validator iterator"
 trust-anchor-file: {work}/zones/root.anchor
 root-hints: {work}/zones/root.hints
 target-fetch-policy: "0 0 0 0 0"
 num-threads: 1
 trust-anchor-signaling: no
 outgoing-range: 64
 val-log-level: 2
{more}remote-control:
 control-enable: no
""" + (f"forward-zone:\n name: .\n forward-addr: {forward}\n" if forward else ""))
    return [start(["unbound", "-d", "-c", conf], f"{work}/{name}.log", ns)], []


def bind(work):
    with open(f"{work}/zones/root.anchor", encoding="ascii") as f:
        tag, algorithm, kind, hexes = f.read().split()[-4:]
    conf = (f'trust-anchors {{ . static-ds {tag} {algorithm} {kind} "{hexes}"; }};\n'
            'options { directory "/var/cache/bind"; listen-on { 127.0.0.1; }; listen-on-v6 { none; }; recursion yes;\n'
            ' dnssec-validation yes; empty-zones-enable no; pid-file "/var/cache/bind/pid"; session-keyfile "/var/cache/bind/key"; };\n'
            f'controls {{ }};\nzone "." {{ type hint; file "{work}/zones/root.hints"; }};\n')
    script = "mkdir -p /var/cache/bind\nexec named -4 -f -c /etc/own.conf\n"
    return [], [mta.instance(work, "resolver", "bind", CLIENT, {"etc/own.conf": conf}, script)]


def knot(work):
    with open(f"{work}/zones/root.anchor", encoding="ascii") as f:
        anchor = " ".join(f.read().split())
    conf = ("net.ipv6 = false\nnet.listen('127.0.0.1', 53, { kind = 'dns' })\ncache.size = 10 * MB\nmodules = { 'hints > iterate' }\n"
            f"hints.root({{ ['ns.'] = '{ROOT_NS}' }})\ntrust_anchors.remove('.')\ntrust_anchors.add([[{anchor}]])\n"
            "modules.unload('ta_signal_query')\nmodules.unload('ta_sentinel')\nmodules.unload('priming')\n")
    return [], [mta.instance(work, "resolver", "knot", CLIENT, {"etc/own.lua": conf}, "mkdir -p /var/kresd\nexec kresd -n -c /etc/own.lua /var/kresd\n")]


def resolver(work, kind):
    """(processes, namespaces) of the resolving side: what the sending MTA asks, with nothing in its cache."""
    large = " edns-buffer-size: 4096\n max-udp-size: 4096\n"
    if kind in ("forward", "stub"):
        far = unbound(work, "recursive", NET, RECURSIVE)
        near = unbound(work, "unbound", CLIENT, "127.0.0.1", " do-not-query-localhost: no\n", RECURSIVE) if kind == "forward" else ([], [])
        made = (far[0] + near[0], [])
    else:
        made = {"unbound": lambda: unbound(work, "unbound", CLIENT, "127.0.0.1", " qname-minimisation: yes\n"),
                "large": lambda: unbound(work, "unbound", CLIENT, "127.0.0.1", large), "bind": lambda: bind(work),
                "knot": lambda: knot(work)}[kind]()
    if kind != "stub":
        for _ in range(60):
            if "127.0.0.1:53" in run(["ss", "-Hlun", "sport = :53"], inside=CLIENT):
                break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"the resolver ({kind}) does not listen")
    time.sleep(0.5)
    return made
