"""A third signed world, for the recordings of record-several: domains with several MX hosts, at servers that do not belong
together, and a domain that moves from one provider to another. The stage and the MTAs are those of world.py and mta.py.

What a zone says in another age stands in AGES; who signs it stays."""
import os

import dns_world
import mta
import world
from world import CLIENT, LEAF_NS, NET, PATH, ROOT_NS, TLD_NS, run, start, write

SECOND = "192.0.2.3"          # another sending MTA beside the first
# server: (address, of another network each where they have nothing to do with one another; where the honest one stands when somebody has taken that address)
SERVERS = {
    "mx.alpha.net": ("198.51.100.60", "203.0.113.60"),
    "mx.bravo.net": ("198.18.1.10", "203.0.113.61"),
    "mx.charlie.net": ("198.19.77.10", "203.0.113.62"),
    "mx.delta.org": ("203.0.113.80", "203.0.113.63"),
    "mx.echo.org": ("192.88.99.10", "203.0.113.64"),
    "contoso-net.mail.legacy.org": ("198.51.100.70", "203.0.113.65"),
    "contoso-net.o-v1.modern.net": ("198.18.40.10", "203.0.113.66"),
    "mx.foxtrot.net": ("198.19.60.10", "203.0.113.67"),
}
OLD, NEW = "contoso-net.mail.legacy.org", "contoso-net.o-v1.modern.net"
DOMAINS = ("alpha.net", "bravo.net", "charlie.net", "delta.org", "echo.org", "foxtrot.net", "contoso.net")


def own(host, *tlsa):
    return ["@ MX 10 mx", f"mx A {SERVERS[host][0]}"] + [f"_25._tcp.mx TLSA {x}" for x in tlsa]


def moving(ttl, *hosts):
    """contoso's MX records."""
    return [f"@ {ttl} MX {preference} {host}." for preference, host in hosts]


def provider(host, *tlsa):
    label = host.rsplit(".", 2)[0]
    return [f"{label} A {SERVERS[host][0]}"] + [f"_25._tcp.{label} TLSA {x}" for x in tlsa]


# zone: (records, how it is signed); {KEY} is the digest of that key
ZONES = {
    "alpha.net": (own("mx.alpha.net"), "ec nsec"), "bravo.net": (own("mx.bravo.net"), "ec nsec"),
    "charlie.net": (own("mx.charlie.net"), "ec nsec"), "delta.org": (own("mx.delta.org"), "ec nsec"),
    "echo.org": (own("mx.echo.org"), "ec nsec"), "foxtrot.net": (own("mx.foxtrot.net", "3 1 1 {foxtrot}"), "ec nsec"),
    "contoso.net": (moving(3600, (0, OLD)), "ec nsec"), "legacy.org": (provider(OLD), "unsigned"), "modern.net": (provider(NEW), "ec nsec"),
}
# The states of a move, as an administrator goes through them; "left": the old host was forgotten.
AGES = {
    "m0": {}, "m1": {"contoso.net": moving(30, (0, OLD))}, "m2": {"contoso.net": moving(30, (0, OLD), (20, NEW))},
    "m3": {"contoso.net": moving(30, (0, NEW), (20, OLD))}, "m4": {"contoso.net": moving(30, (0, NEW))},
    "m5": {"contoso.net": moving(30, (0, NEW)), "modern.net": provider(NEW, "3 1 1 {modern}")},
    "m6": {"contoso.net": moving(3600, (0, NEW)), "modern.net": provider(NEW, "3 1 1 {modern}")},
    "left": {"contoso.net": moving(3600, (0, NEW), (20, OLD)), "modern.net": provider(NEW, "3 1 1 {modern}")},
}
TLDS = {"net": "nsec", "org": "nsec3"}


# ---- certificates ----

def authority(folder, name, subject):
    world.self_signed(folder, name, subject, more=["-addext", "basicConstraints=critical,CA:TRUE"])


def signed(folder, name, ca, hosts, key=None):
    """A certificate of that authority; key: that of another certificate."""
    if not os.path.exists(f"{folder}/{name}.crt"):
        if key:
            run(["cp", f"{folder}/{key}.key", f"{folder}/{name}.key"])
        world.key_of(folder, name, "ec")
        write(folder, name + ".ext", "subjectAltName=" + ",".join("DNS:" + h for h in hosts) + "\n")
        run(["sh", "-c", f"openssl req -new -key {name}.key -subj /CN={hosts[0]} | openssl x509 -req -CA {ca}.crt -CAkey {ca}.key -days 90 "
             f"-extfile {name}.ext -out {name}.crt"], cwd=folder)
    world.bundle(folder, name, [name + ".crt", ca + ".crt"])


def certificates(folder):
    os.makedirs(folder, exist_ok=True)
    authority(folder, "registry", "Registry Mail CA")
    authority(folder, "again", "Registry Mail CA")        # the same name, another key
    authority(folder, "inspection", "Inspection CA")
    for host in SERVERS:
        name = "modern" if host == NEW else "legacy" if host == OLD else host.split(".")[1]
        world.self_signed(folder, name, host)
        world.bundle(folder, name, [name + ".crt"])
    alpha = ["mx.alpha.net"]
    signed(folder, "alpha-1", "registry", alpha)
    signed(folder, "alpha-2", "registry", alpha)                      # renewed, new key
    signed(folder, "alpha-3", "registry", alpha, key="alpha-2")       # renewed, the same key
    signed(folder, "alpha-false", "again", alpha)                     # the names of alpha-1, by somebody else
    world.self_signed(folder, "alpha-own-2", "mx.alpha.net")          # another one of alpha's own making
    world.bundle(folder, "alpha-own-2", ["alpha-own-2.crt"])
    for name in ("alpha", "bravo", "charlie"):
        signed(folder, name + "-made", "inspection", [f"mx.{name}.net"])
    signed(folder, "hoster", "registry", ["mx.alpha.net", "mx.bravo.net", "mx.charlie.net"])


# ---- zones and servers ----

def zones(folder, certs):
    """All zones in all ages, folder/AGE; folder/root.anchor and folder/root.hints."""
    digests = {name: world.digest(certs, "1", "1", name) for name in ("foxtrot", "modern")}
    for age, change in AGES.items():
        home, below = os.path.join(folder, age), {tld: [] for tld in TLDS}
        os.makedirs(home, exist_ok=True)
        for name, (lines, form) in ZONES.items():
            text = [line.format(**digests) for line in change.get(name, lines)]
            write(home, name + ".zone", world.zone_text(name + ".", LEAF_NS, text))
            ds = dns_world.sign(home, folder, name + ".", form, "now")
            below[name.split(".")[-1]] += [f"{name}. NS ns.{name}.", f"ns.{name}. A {LEAF_NS}", ds]
        delegations = []
        for tld, denial in TLDS.items():
            write(home, tld + ".zone", world.zone_text(tld + ".", TLD_NS, below[tld]))
            ds = dns_world.sign(home, folder, tld + ".", "ec " + denial, "now")
            delegations += [f"{tld}. NS ns.{tld}.", f"ns.{tld}. A {TLD_NS}", ds]
        write(home, "root.zone", world.zone_text(".", ROOT_NS, delegations))
        write(folder, "root.anchor", dns_world.sign(home, folder, ".", "ec nsec", "now") + "\n")
    write(folder, "root.hints", f". 3600000 IN NS ns.\nns. 3600000 IN A {ROOT_NS}\n")


def network_up():
    world.network_up()
    run(["ip", "-n", CLIENT, "addr", "add", SECOND + "/24", "dev", "up0"])
    for address, near in SERVERS.values():
        run(["ip", "-n", NET, "addr", "add", address + "/32", "dev", "lo"])
        run(["ip", "-n", NET, "addr", "add", near + "/24", "dev", "down0"])
    for net in ("198.18.0.0/15", "192.88.99.0/24"):
        run(["ip", "-n", PATH, "route", "add", net, "via", world.SERVER_NEAR])


def name_servers(work, age):
    started = []
    for address, names in ((ROOT_NS, ["."]), (TLD_NS, list(TLDS)), (LEAF_NS, list(ZONES))):
        conf = f"{work}/nsd-{address}.conf"
        text = (f"server:\n ip-address: {address}\n username: \"\"\n chroot: \"\"\n database: \"\"\n zonesdir: {work}/zones/{age}\n"
                f" zonelistfile: {conf}.list\n xfrdfile: {conf}.xfrd\n xfrdir: {work}\n pidfile: {conf}.pid\n server-count: 1\n"
                " hide-version: yes\nremote-control:\n control-enable: no\n")
        for n in names:
            text += f"zone:\n name: {n}\n zonefile: {'root' if n == '.' else n}.zone.signed\n"
        write("/", conf, text)
        started.append(start(["nsd", "-d", "-c", conf], f"{work}/nsd.log", NET))
    return started


def resolver(work):
    return dns_world.unbound(work, "unbound", CLIENT, "127.0.0.1")[0]


def mail_server(work, certs, down=()):
    """One Postfix for all servers, each at its address and the one near it, by the certificate that certs names for it (else its
    own self-signed one); down: those that are not there, and with a ! behind only near."""
    smtpd = ""
    for host, (address, near) in SERVERS.items():
        name = certs.get(host, "modern" if host == NEW else "legacy" if host == OLD else host.split(".")[1])
        for a in (() if host in down else (near,) if host + "!" in down else (address, near)):
            smtpd += (f"{a}:25 inet n - n - - smtpd -o myhostname={host} -o smtpd_tls_chain_files={work}/certs/{name}.pem\n")
    main = mta.POSTFIX + ("myhostname = mail.example\nmydestination = " + ", ".join(DOMAINS) + "\nlocal_recipient_maps =\nlocal_transport = discard:\n"
                          "smtpd_peername_lookup = no\nsmtpd_relay_restrictions = reject_unauth_destination\nsmtpd_tls_security_level = may\n"
                          "smtpd_tls_protocols = TLSv1.2\nsmtpd_tls_loglevel = 1\n")
    return mta.instance(work, "server", "postfix", NET, {"etc/postfix/main.cf": main, "etc/postfix/master.cf": mta.MASTER.format(smtpd=smtpd)},
                        mta.POSTFIX_OWNERS + "exec postfix start-fg\n")
