#!/usr/bin/env python3
"""formats.py MXWITNESS [--write]: the formats of the outputs (ecs, cef, leef, eve), each event against the other three, read by readers
of this file alone that know only what the formats' own texts say; syslog's header against RFC 5424's grammar; and mxwitness-formats(5):
its tables against the source, its samples against what the program writes. --write makes both anew."""
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
PROGRAM = os.path.abspath(sys.argv[1])
PAGE = os.path.join(TOP, "man", "mxwitness-formats.5")
DEMO = os.path.join(HERE, "pcaps", "demo")
ANCHOR = os.path.join(HERE, "pcaps", "root.anchor")
SAMPLE = "intercept-tls12-dane.pcapng"
FORMATS = ("ecs", "cef", "leef", "eve")
DATASETS = ("alert", "session", "stats")
passed = failed = 0


def check(good, what):
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {what}")


# ---- what the formats' texts say ----

def read_cef(line):
    """Header fields by unescaped bars, then key=value, where a value ends before the next ' key=' whose = is not escaped."""
    assert line.startswith("CEF:0|"), line[:20]
    fields = re.split(r"(?<!\\)\|", line, maxsplit=7)
    assert len(fields) == 8, fields
    names = ("version", "vendor", "product", "device_version", "class", "name", "severity")
    header = {n: re.sub(r"\\([\\|])", r"\1", f) for n, f in zip(names, fields)}
    pairs = {}
    for m in re.finditer(r"(?:^| )([A-Za-z][A-Za-z0-9]*)=((?:[^\\=]|\\.)*?)(?= [A-Za-z][A-Za-z0-9]*=|$)", fields[7]):
        assert m.group(1) not in pairs, "twice: " + m.group(1)
        pairs[m.group(1)] = re.sub(r"\\(.)", lambda e: {"n": "\n", "r": "\r"}.get(e.group(1), e.group(1)), m.group(2))
    return header, pairs


def read_leef(line):
    fields = line.split("|", 5)
    assert fields[0] == "LEEF:2.0" and len(fields) == 6, fields
    names = ("version", "vendor", "product", "device_version", "class")
    rest = fields[5]
    delimiter = "\t"
    if "|" in rest and re.match(r"(x?[0-9A-Fa-f]{1,4}|.)?\|", rest):
        head, rest = rest.split("|", 1)
        delimiter = chr(int(head.lstrip("x"), 16)) if len(head) > 1 else head or "\t"
    pairs = {}
    for item in rest.split(delimiter):
        if not item:
            continue
        key, value = item.split("=", 1)
        assert key not in pairs, "twice: " + key
        pairs[key] = value
    return dict(zip(names, fields)), pairs


def at(event, name):
    here = event
    for part in name.split("."):
        if not isinstance(here, dict) or part not in here:
            return None
        here = here[part]
    return here


def same_address(event, shown, six):
    ip = at(event, "source.ip")
    return ip is None or (six if ":" in ip else shown) == ip


def compare(n, ecs, cef, leef, eve):
    name = f"event {n} ({at(ecs, 'event.dataset')} {at(ecs, 'event.id')})"
    header, c = read_cef(cef)
    lheader, l = read_leef(leef)
    v = json.loads(eve)
    ident = at(ecs, "event.id")
    check(ident and c.get("externalId") == ident and l.get("eventId") == ident and at(v, "event.id") == ident,
          f"{name}: event.id is {c.get('externalId')}, {l.get('eventId')}, {at(v, 'event.id')}")
    check(same_address(ecs, c.get("src"), c.get("c6a2")) and at(ecs, "source.ip") in (None, l.get("src"))
          and at(ecs, "source.ip") in (None, v.get("src_ip")), f"{name}: the source's address differs")
    check(at(ecs, "message") is None or (c.get("msg", "").startswith(at(ecs, "message")[:200])
          and at(v, "message") == at(ecs, "message")), f"{name}: message: {c.get('msg')!r}, not {at(ecs, 'message')!r}")
    check(0 <= int(header["severity"]) <= 10 and header["vendor"] == lheader["vendor"] == "mxwitness", f"{name}: header {header}")
    dataset = at(ecs, "event.dataset")
    if dataset == "mxwitness.alert":
        rule = at(ecs, "rule.id")
        check(header["class"] == rule and lheader["class"] == rule and v["event_type"] == "alert"
              and v["alert"]["signature"] and 1 <= v["alert"]["severity"] <= 4, f"{name}: the rule of {rule} differs")
        check(at(ecs, "mxwitness.verdict") in (None, c.get("cs1")) and at(ecs, "mxwitness.verdict") in (None, l.get("verdict")),
              f"{name}: verdict {at(ecs, 'mxwitness.verdict')}, {c.get('cs1')}, {l.get('verdict')}")
    else:
        check(v["event_type"] in (("stats",) if dataset == "mxwitness.stats" else ("smtp", "tls")), f"{name}: is {v['event_type']}")
    check(all(k.endswith("Label") or k + "Label" in c for k in c if re.match(r"(cs|cn|c6a|flexString|deviceCustomDate)\d", k)),
          f"{name}: a custom field without its label")


# ---- the program ----

def run(folder, captures, extra=""):
    config = os.path.join(folder, "c.yaml")
    with open(config, "w", encoding="ascii") as f:
        f.write("sensor: {name: mx-sensor-1}\noutputs:\n" + extra)
        for form in FORMATS:
            f.write(f"  - {{name: {form}, type: file, format: {form}, path: {folder}/{form}, datasets: [alert, session, stats]}}\n")
    done = subprocess.run([PROGRAM, "read", "-c", config, "--trust-anchor", ANCHOR, *captures], capture_output=True, timeout=120, check=False)
    if done.returncode > 1 or b"spool" in done.stderr:
        sys.exit(f"read -c: {done.stderr.decode()}")
    lines = {}
    for form in FORMATS:
        with open(os.path.join(folder, form), encoding="utf-8") as f:
            lines[form] = f.read().split("\n")
        check(lines[form].pop() == "", f"{form}: the last line has no end")
    return lines


def fleet(folder):
    names = sorted(f for f in os.listdir(os.path.join(HERE, "pcaps")) if f.endswith(".pcapng"))[::6]
    lines = run(folder, [os.path.join(HERE, "pcaps", n) for n in names])
    check(len({len(v) for v in lines.values()}) == 1 and len(lines["ecs"]) > 100,
          f"numbers of events: { {k: len(v) for k, v in lines.items()} }")
    ids = set()
    for n, four in enumerate(zip(*(lines[f] for f in FORMATS)), 1):
        ecs = json.loads(four[0])
        try:
            compare(n, ecs, *four[1:])
        except (AssertionError, KeyError, ValueError) as e:
            check(False, f"event {n}: {type(e).__name__}: {e}")
        check(at(ecs, "event.sequence") == n, f"event {n}: event.sequence is {at(ecs, 'event.sequence')}")
        check(at(ecs, "event.id") not in ids, f"event {n}: event.id comes twice")
        ids.add(at(ecs, "event.id"))


SYSLOG = re.compile(r"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)|-) (\S{1,255}) (\S{1,48}) (\S{1,128}) "
                    r"(\S{1,32}) (-|(?:\[\S+(?: [^ =\]\"]{1,32}=\"(?:[^\"\\\]]|\\.)*\")*\])+)(?: (?:\ufeff)?(.*))?")


def from_syslog(folder):
    """What a datagram socket was sent, of the alerts of one capture."""
    got = []
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    server.settimeout(20)

    def listen():
        try:
            got.append(server.recv(65536).decode("utf-8"))
        except socket.timeout:
            pass
    listener = threading.Thread(target=listen)
    listener.start()
    config = os.path.join(folder, "s.yaml")
    with open(config, "w", encoding="ascii") as f:
        f.write(f"sensor: {{name: mx-sensor-1}}\noutputs:\n  - {{type: syslog, transport: udp, format: cef, "
                f"address: '127.0.0.1:{server.getsockname()[1]}', datasets: [alert]}}\n")
    subprocess.run([PROGRAM, "read", "-c", config, "--trust-anchor", ANCHOR, os.path.join(DEMO, SAMPLE)], capture_output=True, timeout=60,
                   check=False)
    listener.join()
    server.close()
    m = SYSLOG.fullmatch(got[0]) if got else None
    check(m is not None, f"syslog: against the grammar of RFC 5424: {got}")
    if m:
        check(0 <= int(m.group(1)) < 192 and m.group(3) == "mx-sensor-1" and m.group(4) == "mxwitness", f"syslog: header of {got[0][:120]}")
        read_cef(m.group(8))
    return got[0] if got else ""


# ---- the page ----

def fact_names():
    names = {}
    with open(os.path.join(TOP, "src", "facts.def"), encoding="utf-8") as f:
        for m in re.finditer(r'^FACT\((\w+),\s*"([^"]+)"', f.read(), re.M):
            names["F_" + m.group(1)] = m.group(2)
    return names


def table_of(form):
    names = fact_names()
    with open(os.path.join(TOP, "src", form + ".c"), encoding="utf-8") as f:
        text = f.read()
    rows = []
    if form == "cef":
        for m in re.finditer(r'\{ "(\w+)", (NULL|"\w+"), (F_\w+), (\w+), \w+, (NULL|"[^"]+") \},', text):
            label = m.group(2).strip('"')
            key, fact = m.group(1), names[m.group(3)]
            if m.group(4) == "ADDRESS":
                rows.append((f"{key}; {label} of IPv6", fact))
            else:
                rows.append((key if label == "NULL" else f"{key} ({label})", fact))
    else:
        rows = [(m.group(1), names[m.group(2)]) for m in re.finditer(r'\{ "(\w+)", (F_\w+), \w+ \},', text)]
    assert len(rows) > 20, form
    return "".join(f".It {key} Ta {fact}\n" for key, fact in rows)


def fold(text, width=74):
    return "\n".join("\n".join(textwrap.wrap(line, width, initial_indent="", subsequent_indent="    ", break_long_words=True,
                                               break_on_hyphens=False, drop_whitespace=False)) or "" for line in text.split("\n"))


def literal(text):
    text = text.replace("\t", "<TAB>").replace("\\", "\\e")
    folded = fold(text)
    return "\n".join(("\\&" + x if x.startswith((".", "'")) else x).rstrip() for x in folded.split("\n")) + "\n"


def samples(folder):
    lines = run(folder, [os.path.join(DEMO, SAMPLE)])
    n = next(i for i, x in enumerate(lines["ecs"]) if '"mxwitness.alert"' in x)
    made = {f: literal(lines[f][n]) for f in ("cef", "leef")}
    for f in ("ecs", "eve"):    # one member a line
        members = [json.dumps(k) + ": " + json.dumps(v, ensure_ascii=False) for k, v in json.loads(lines[f][n]).items()]
        made[f] = literal("{" + ",\n ".join(members) + "}")
    return made


def blocks(page):
    return {m.group(1): m.group(2) for m in re.finditer(r'^\.\\" BEGIN (\S+)\n(.*?)^\.\\" END', page, re.M | re.S)}


def put(page, name, body):
    return re.sub(rf'(^\.\\" BEGIN {name}\n).*?(^\.\\" END)', lambda m: m.group(1) + body + m.group(2), page, flags=re.M | re.S)


def page_of(folder):
    with open(PAGE, encoding="utf-8") as f:
        page = f.read()
    want = {"keys-" + f: table_of(f) for f in ("cef", "leef")}
    want.update({"sample-" + f: s for f, s in samples(folder).items()})
    have = blocks(page)
    check(sorted(have) == sorted(want), f"mxwitness-formats(5): its parts are {sorted(have)}")
    for name, body in want.items():
        if "--write" in sys.argv:
            page = put(page, name, body)
        else:
            check(have.get(name) == body, f"mxwitness-formats(5): {name} is not what the program does; make docs")
    if "--write" in sys.argv:
        with open(PAGE, "w", encoding="utf-8") as f:
            f.write(page)


def main():
    with tempfile.TemporaryDirectory(prefix="formats-") as folder:
        os.chmod(folder, 0o777)
        for name in ("page", "all"):
            os.mkdir(os.path.join(folder, name), 0o777)
            os.chmod(os.path.join(folder, name), 0o777)
        page_of(os.path.join(folder, "page"))
        if "--write" in sys.argv:
            return 0
        fleet(os.path.join(folder, "all"))
        from_syslog(folder)
    print(f"formats: {passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
