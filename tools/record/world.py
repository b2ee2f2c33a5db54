"""The stage: three network namespaces, certificates, and a signed DNS world of our own from the root down.

client 192.0.2.2 -- 192.0.2.1 path 203.0.113.1 -- 203.0.113.2 net
The client has the sending MTA and its resolver; net has the name servers and the receiving MTA; path only forwards,
unless an attacker stands there and takes the server's address. Nothing outside is ever reached."""
import ctypes
import fcntl
import glob
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

BEGIN, END = "20250101000000", "20450101000000"
# Of this run alone: two may record at the same time.
CLIENT, NET, PATH = (f"mxw{os.getpid()}-{name}" for name in ("client", "net", "path"))
SERVER_NEAR = "203.0.113.2"
ROOT_NS, TLD_NS, LEAF_NS = "203.0.113.11", "203.0.113.12", "203.0.113.13"

# domain: (server's address ends in, TLSA records as "usage selector type certificate", how the zone is signed)
DOMAINS = {
    "alpha.net": (10, ["3 1 1 alpha"], "ec"),
    "bravo.net": (11, ["2 1 1 authority"], "ec"),
    "charlie.net": (12, [], "ec"),
    "delta.net": (13, [], "nsec3"),
    "kilo.net": (14, ["3 1 1 kilo"], "rsa"),
    "lima.net": (15, ["3 1 1 retired", "3 1 1 lima"], "ec"),
    "mike.net": (16, ["3 1 1 mike"], "ec"),
    "echo.org": (20, [], "unsigned"),
    "foxtrot.org": (21, ["3 1 1 foxtrot"], "tampered"),
    "golf.org": (22, ["1 1 1 golf"], "ec"),
    "hotel.org": (23, ["3 1 1 hotel"], "ec"),
    "india.org": (24, ["3 1 1 retired"], "ec"),
    "juliet.org": (25, ["3 1 1 juliet"], "expired"),
    "november.net": (17, ["2 0 1 authority"], "ec"),
    "oscar.net": (18, ["2 0 1 authority"], "ec"),
    "quebec.net": (19, ["3 1 1 quebec", "3 1 2 retired"], "ec"),
    "sierra.net": (26, ["3 1 1 sierra"], "ec"),
    "papa.org": (27, [], "unsigned"),
    "romeo.org": (28, ["3 1 1 echo"], "ec"),
}
# Zones of another form; {0} is the TLSA record.
WRITTEN = {
    "sierra.net": ["@ IN MX 10 mx", "mx IN A 198.51.100.26", "_25._tcp.mx IN CNAME keys", "keys IN TLSA {0}"],
    "papa.org": ["@ IN MX 10 mx.oscar.net."],
    "romeo.org": ["@ IN MX 10 mx", "mx IN CNAME mx.echo.org.", "_25._tcp.mx IN TLSA {0}"],
}


def run(args, cwd=None, inside=None, check=True):
    if inside:
        args = ["ip", "netns", "exec", inside] + args
    done = subprocess.run(args, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(args)}: {done.stdout.decode(errors='replace')}")
    return done.stdout.decode(errors="replace")


def start(args, log, inside=None):
    if inside:
        args = ["ip", "netns", "exec", inside] + args
    with open(log, "ab") as out:
        return subprocess.Popen(args, stdout=out, stderr=out, stdin=subprocess.DEVNULL)


def stop(process, how=signal.SIGTERM):
    """Ends one process that this program started, by its id."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def stop_namespace(process):
    """Ends an unshare(1) and all in its process-id namespace: unshare ignores SIGTERM, and its --kill-child is lost
    when the child changes its user; the namespace's first process takes all others with it."""
    if process.poll() is not None:
        return
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as f:
        for child in f.read().split():
            os.kill(int(child), signal.SIGKILL)
    stop(process)


def server4(domain):
    return f"198.51.100.{DOMAINS[domain][0]}"


def server6(domain):
    return f"2001:db8:100::{DOMAINS[domain][0]}"


def mx_host(domain):
    return "mx." + domain


# ---- network ----

def offload_off(device):
    """Full checksums and segments as on a wire: SIOCETHTOOL with ETHTOOL_STXCSUM, STSO, SGSO, SGRO set to 0."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for command in (0x17, 0x1F, 0x24, 0x2C):
        value = bytearray(struct.pack("=II", command, 0))
        buffer = (ctypes.c_char * 8).from_buffer(value)
        address = ctypes.addressof(buffer)
        try:
            fcntl.ioctl(s, 0x8946, struct.pack("16sP16x", device.encode(), address))
        except OSError:
            pass


def network_down():
    for ns in (CLIENT, PATH, NET):
        subprocess.run(["ip", "netns", "del", ns], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def network_up():
    network_down()
    for ns in (CLIENT, PATH, NET):
        run(["ip", "netns", "add", ns])
        run(["sh", "-c", "ip link set lo up; sysctl -qw net.ipv6.conf.default.accept_dad=0 "
             "net.ipv6.conf.all.accept_dad=0 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"], inside=ns)
    run(["ip", "-n", PATH, "link", "add", "down0", "type", "veth", "peer", "up0", "netns", CLIENT])
    run(["ip", "-n", PATH, "link", "add", "up0", "type", "veth", "peer", "down0", "netns", NET])
    plan = ((CLIENT, "up0", "192.0.2.2/24", "2001:db8:2::2/64"), (PATH, "down0", "192.0.2.1/24", "2001:db8:2::1/64"),
            (PATH, "up0", "203.0.113.1/24", "2001:db8:3::1/64"), (NET, "down0", SERVER_NEAR + "/24", "2001:db8:3::2/64"))
    for ns, device, four, six in plan:
        run(["ip", "-n", ns, "addr", "add", four, "dev", device])
        run(["ip", "-n", ns, "addr", "add", six, "dev", device, "nodad"])
        run(["ip", "-n", ns, "link", "set", device, "up"])
        run([sys.executable, __file__, "offload", device], inside=ns)
    for address in (ROOT_NS, TLD_NS, LEAF_NS):
        run(["ip", "-n", NET, "addr", "add", address + "/24", "dev", "down0"])
    for domain in DOMAINS:
        run(["ip", "-n", NET, "addr", "add", server4(domain) + "/32", "dev", "lo"])
        run(["ip", "-n", NET, "addr", "add", server6(domain) + "/128", "dev", "lo", "nodad"])
    for ns, four, six in ((CLIENT, "192.0.2.1", "2001:db8:2::1"), (NET, "203.0.113.1", "2001:db8:3::1")):
        run(["ip", "-n", ns, "route", "add", "default", "via", four])
        run(["ip", "-n", ns, "-6", "route", "add", "default", "via", six])
    run(["ip", "-n", PATH, "route", "add", "198.51.100.0/24", "via", SERVER_NEAR])
    run(["ip", "-n", PATH, "-6", "route", "add", "2001:db8:100::/48", "via", "2001:db8:3::2"])


def wait_for(port, namespace=NET, seconds=10, address=None):
    """Until something listens on a TCP port there, at that address if one is named; true if it does."""
    where = f"sport = :{port}" + (f" and src {address}" if address else "")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if run(["ss", "-Hltn", where], inside=namespace).strip():
            return True
        time.sleep(0.1)
    return False


# ---- certificates ----

def key_of(folder, name, kind):
    key = os.path.join(folder, name + ".key")
    if os.path.exists(key):
        return key
    if kind.startswith("rsa"):
        run(["openssl", "genrsa", "-out", key, kind[3:] or "2048"])
    else:
        run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key])
    return key


def self_signed(folder, name, host, kind="ec", more=()):
    key, crt = key_of(folder, name, kind), os.path.join(folder, name + ".crt")
    if os.path.exists(crt):
        return
    run(["openssl", "req", "-x509", "-new", "-key", key, "-out", crt, "-subj", "/CN=" + host, "-days", "6900",
         "-addext", "subjectAltName=DNS:" + host] + list(more))


def bundle(folder, name, certs):
    with open(os.path.join(folder, name + ".pem"), "w", encoding="ascii") as out:
        for part in [name + ".key"] + certs:
            with open(os.path.join(folder, part), encoding="ascii") as f:
                out.write(f.read())


def issued(folder, name, subject, names):
    """A certificate of our own authority."""
    key_of(folder, name, "ec")
    if os.path.exists(os.path.join(folder, name + ".crt")):
        return
    write(folder, name + ".ext", "subjectAltName=" + ",".join("DNS:" + n for n in names) + "\n")
    run(["sh", "-c", f"openssl req -new -key {name}.key -subj /CN={subject} | openssl x509 -req -CA authority.crt "
         f"-CAkey authority.key -days 6900 -extfile {name}.ext -out {name}.crt"], cwd=folder)


def dated(folder, name, host, begin, end):
    """A self-signed certificate with dates of its own."""
    key_of(folder, name, "ec")
    if not os.path.exists(os.path.join(folder, name + ".crt")):
        write(folder, name + ".cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n"
              f"policy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:{host}\n")
        run(["sh", "-c", f": > index; echo 5A > serial; openssl req -new -key {name}.key -subj /CN={host} -out {name}.csr && "
             f"openssl ca -batch -config {name}.cnf -selfsign -keyfile {name}.key -in {name}.csr -notext -out {name}.crt "
             f"-startdate {begin} -enddate {end}"], cwd=folder)
    bundle(folder, name, [name + ".crt"])


def certificates(folder):
    """One certificate a domain, named by its first label, and some for scenarios of their own; mallory is the attacker's.
    What is there already stays."""
    os.makedirs(folder, exist_ok=True)
    self_signed(folder, "authority", "Bravo Mail Authority", more=["-addext", "basicConstraints=critical,CA:TRUE"])
    issued(folder, "bravo", "mx.bravo.net", ["mx.bravo.net"])
    issued(folder, "november", "mx.november.net", ["mx.november.net"])
    issued(folder, "oscar", "oscar.net", ["oscar.net", "papa.org"])
    issued(folder, "issued", "mx.charlie.net", ["mx.charlie.net"])
    dated(folder, "mike", "old.example", "20250101000000Z", "20250301000000Z")
    dated(folder, "bygone", "mx.charlie.net", "20250101000000Z", "20250301000000Z")
    dated(folder, "early", "mx.charlie.net", "20440101000000Z", "20450101000000Z")
    for name in ("bravo", "oscar", "issued"):
        bundle(folder, name, [name + ".crt", "authority.crt"])
    bundle(folder, "november", ["november.crt"])
    for domain in DOMAINS:
        name = domain.split(".")[0]
        if name not in ("bravo", "mike", "november", "oscar"):
            self_signed(folder, name, "mta.hotel.org" if name == "hotel" else mx_host(domain),
                        "rsa" if name == "kilo" else "ec")
            bundle(folder, name, [name + ".crt"])
    for name, host, kind in (("retired", "mx.india.org", "ec"), ("mallory", "mx.alpha.net", "ec"),
                             ("stranger", "mail.elsewhere.example", "ec"), ("short", "mx.charlie.net", "rsa1024")):
        self_signed(folder, name, host, kind)
        bundle(folder, name, [name + ".crt"])
    if not os.path.exists(os.path.join(folder, "dh1024.pem")):
        run(["openssl", "dhparam", "-out", os.path.join(folder, "dh1024.pem"), "1024"])


def digest(folder, selector, kind, name):
    what = "openssl x509 -in %s.crt -outform DER" if selector == "0" else \
        "openssl x509 -in %s.crt -noout -pubkey | openssl pkey -pubin -outform DER"
    return run(["sh", "-c", (what % name) + f" | sha{'512' if kind == '2' else '256'}sum | cut -d' ' -f1"], cwd=folder).strip()


# ---- zones ----

def zone_text(origin, ns, lines):
    soa = f"@ 3600 IN SOA ns.{origin} hostmaster.{origin} 2025010101 7200 3600 1209600 300\n".replace("..", ".")
    own = f"@ 3600 IN NS ns.{origin}\nns.{origin} 3600 IN A {ns}\n".replace("..", ".")
    return f"$ORIGIN {origin}\n$TTL 3600\n" + soa + own + "".join(x + "\n" for x in lines)


def leaf_lines(domain, certs):
    records = []
    for record in DOMAINS[domain][1]:
        usage, selector, kind, name = record.split()
        records.append(f"{usage} {selector} {kind} {digest(certs, selector, kind, name)}")
    if domain in WRITTEN:
        return [line.format(*records) for line in WRITTEN[domain]]
    target = "mta" if domain == "hotel.org" else "mx"
    lines = [f"@ IN MX 10 {mx_host(domain)}.", f"{target} IN A {server4(domain)}", f"{target} IN AAAA {server6(domain)}"]
    if target != "mx":
        lines.append(f"mx IN CNAME {target}")
    return lines + [f"_25._tcp.{target} IN TLSA {record}" for record in records]


def zone_keys(folder, origin, how):
    """The zone-signing and the key-signing key of a zone: those that are there, or new ones."""
    found = {}
    for path in glob.glob(os.path.join(folder, f"K{origin}+*.key")):
        with open(path, encoding="ascii") as f:
            found["DNSKEY\t257" in f.read()] = os.path.basename(path)[:-4]
    algorithm = ["-a", "RSASHA256", "-b", "2048"] if how == "rsa" else ["-a", "ECDSAP256SHA256"]
    for ksk in {False, True} - set(found):
        found[ksk] = run(["ldns-keygen"] + ["-k"] * ksk + algorithm + [origin], cwd=folder).split()[-1]
    return found[False], found[True]


def sign(folder, origin, how):
    """Signs folder/FILE into FILE.signed with a key-signing and a zone-signing key; the DS goes to FILE.ds."""
    name = origin.rstrip(".") or "root"
    zsk, ksk = zone_keys(folder, origin, how)
    begin, end = (("20240101000000", "20240601000000") if how == "expired" else (BEGIN, END))
    nsec3 = ["-n", "-a", "1", "-t", "0"] if how == "nsec3" else []
    run(["ldns-signzone", "-i", begin, "-e", end, "-o", origin] + nsec3 + [name + ".zone", zsk, ksk], cwd=folder)
    with open(os.path.join(folder, name + ".ds"), "w", encoding="ascii") as f:
        f.write(run(["ldns-key2ds", "-n", "-2", ksk + ".key"], cwd=folder))
    if how == "tampered":
        tamper(os.path.join(folder, name + ".zone.signed"))


def tamper(path):
    """One digit of the TLSA digest altered after signing."""
    with open(path, encoding="ascii") as f:
        lines = f.read().splitlines()
    for i, line in enumerate(lines):
        if "\tTLSA\t" in line and "RRSIG" not in line:
            lines[i] = line[:-1] + ("0" if line[-1] != "0" else "1")
    with open(path, "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="ascii") as f:
        f.write(text)


def zones(folder, certs):
    """All zones, signed: with the keys that are there, and new ones where there are none."""
    os.makedirs(folder, exist_ok=True)
    ds = {}
    for domain, (_, _, how) in DOMAINS.items():
        write(folder, domain + ".zone", zone_text(domain + ".", LEAF_NS, leaf_lines(domain, certs)))
        if how == "unsigned":
            shutil.copy(os.path.join(folder, domain + ".zone"), os.path.join(folder, domain + ".zone.signed"))
        else:
            sign(folder, domain + ".", how)
            with open(os.path.join(folder, domain + ".ds"), encoding="ascii") as f:
                ds[domain] = f.read().strip()
    delegations = []
    for tld in ("net", "org"):
        lines = []
        for domain in (d for d in DOMAINS if d.endswith("." + tld)):
            lines += [f"{domain}. IN NS ns.{domain}.", f"ns.{domain}. IN A {LEAF_NS}", ds.get(domain, "")]
        write(folder, tld + ".zone", zone_text(tld + ".", TLD_NS, lines))
        sign(folder, tld + ".", "ec")
        with open(os.path.join(folder, tld + ".ds"), encoding="ascii") as f:
            delegations += [f"{tld}. IN NS ns.{tld}.", f"ns.{tld}. IN A {TLD_NS}", f.read().strip()]
    write(folder, "root.zone", zone_text(".", ROOT_NS, delegations))
    sign(folder, ".", "ec")
    shutil.copy(os.path.join(folder, "root.ds"), os.path.join(folder, "root.anchor"))
    write(folder, "root.hints", f". 3600000 IN NS ns.\nns. 3600000 IN A {ROOT_NS}\n")


def keep_anchor(out, line, text):
    """Makes text a line of root.anchor, which has one for each world: 0 that of record, 1 that of record-dns."""
    path, lines = os.path.join(out, "root.anchor"), []
    if os.path.exists(path):
        with open(path, encoding="ascii") as f:
            lines = f.read().splitlines()
    lines[line:line + 1] = [text.strip()]
    write(out, "root.anchor", "\n".join(lines) + "\n")


# ---- name servers and resolver ----

def nsd_conf(work, address, names):
    text = (f"server:\n ip-address: {address}\n username: \"\"\n chroot: \"\"\n database: \"\"\n zonesdir: {work}/zones\n"
            f" zonelistfile: {work}/nsd-{address}.list\n xfrdfile: {work}/nsd-{address}.xfrd\n xfrdir: {work}\n"
            f" pidfile: {work}/nsd-{address}.pid\n server-count: 1\n hide-version: yes\nremote-control:\n control-enable: no\n")
    for n in names:
        file = "root" if n == "." else n
        text += f"zone:\n name: {n}\n zonefile: {file}.zone.signed\n"
    return text


def name_servers(work):
    started = []
    for address, names in ((ROOT_NS, ["."]), (TLD_NS, ["net", "org"]), (LEAF_NS, list(DOMAINS))):
        write(work, f"nsd-{address}.conf", nsd_conf(work, address, names))
        started.append(start(["nsd", "-d", "-c", f"{work}/nsd-{address}.conf"], f"{work}/nsd.log", NET))
    return started


def resolver(work):
    """A validating resolver beside the client, with nothing in its cache."""
    write(work, "unbound.conf", f"""server:
 interface: 127.0.0.1
 username: ""
 chroot: ""
 directory: {work}
 pidfile: {work}/unbound.pid
 use-syslog: no
 do-ip6: no
 module-config: "validator iterator"
 qname-minimisation: no
 trust-anchor-file: {work}/zones/root.anchor
 root-hints: {work}/zones/root.hints
 target-fetch-policy: "0 0 0 0 0"
 num-threads: 1
 trust-anchor-signaling: no
 outgoing-range: 64
 val-log-level: 2
remote-control:
 control-enable: no
""")
    process = start(["unbound", "-d", "-c", f"{work}/unbound.conf"], f"{work}/unbound.log", CLIENT)
    time.sleep(0.4)
    return process


def ask(name, kind):
    return run(["dig", "+dnssec", "+tries=1", "+time=8", "@127.0.0.1", name, kind], inside=CLIENT, check=False)


def ask_all(domain, port):
    """The questions of a DANE sender (RFC 7672 2.2), through the resolver."""
    host = mx_host(domain)
    base = "mta.hotel.org" if domain == "hotel.org" else host
    for name, kind in ((domain, "MX"), (host, "A"), (host, "AAAA"), (f"_{port}._tcp.{base}", "TLSA")):
        ask(name, kind)
    if domain == "hotel.org":
        for name, kind in ((host, "CNAME"), (f"_{port}._tcp.{host}", "TLSA")):
            ask(name, kind)


if __name__ == "__main__" and sys.argv[1:2] == ["offload"]:
    offload_off(sys.argv[2])
