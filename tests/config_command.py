#!/usr/bin/env python3
"""config_command.py PROGRAM: `mxwitness config check | dump | keys`, what `read -c` takes from a configuration, and that the
list in mxwitness.conf(5) and contrib/mxwitness.yaml are the ones that this program writes. Ends in
"config command: N passed, N failed"."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
top = os.path.dirname(here)
program = os.path.abspath(sys.argv[1])
demo = os.path.join(here, "pcaps", "demo")
anchor = os.path.join(here, "pcaps", "root.anchor")
example = os.path.join(top, "contrib", "mxwitness.yaml")
folder = tempfile.mkdtemp(prefix="mxwitness-config-")
passed = failed = 0


def check(what, good, detail=""):
    global passed, failed
    if good:
        passed += 1
        return
    failed += 1
    print(f"FAILED {what}\n{detail}")


def run(*args, cwd=folder):
    r = subprocess.run([program, *args], capture_output=True, text=True, timeout=120, cwd=cwd)
    return r.returncode, r.stdout, r.stderr


def write(name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def values(dump):
    """The dump without its comments."""
    return [re.sub(r" +# .*", "", line) for line in dump.splitlines()]


def generated():
    _, out, _ = run("config", "keys")
    check("contrib/mxwitness.yaml is what the program writes; `make docs` writes it anew", out == open(example).read())
    status, out, err = run("config", "check", "-c", example)
    warnings = err.splitlines()
    check("the example is right", status == 0 and out.startswith(f"{example}: ok"), out + err)
    check("the example: nothing but what a machine may lack", all("no user" in w or "no group" in w or "no such folder" in w for w in warnings),
          err)
    _, mdoc, _ = run("config", "keys", "--format", "mdoc")
    page = open(os.path.join(top, "man", "mxwitness.conf.5")).read()
    part = re.search(r'^\.\\" BEGIN.*?\n(.*)^\.\\" END', page, re.S | re.M)
    check("mxwitness.conf.5 lists the keys of the program; `make docs` writes them anew", part and part[1] == mdoc)
    # the example says what the defaults are
    empty = write("empty.yaml", "")
    check("the example is the defaults", values(run("config", "dump", "-c", empty)[1]) == values(run("config", "dump", "-c", example)[1]))
    text = re.search(r"^\.Bd -literal -offset indent\n(own_networks.*?)^\.Ed", page, re.S | re.M)
    status, out, err = run("config", "check", "-c", write("manual.yaml", text[1].replace("\\e", "\\")))
    check("the manual's configuration is right", status == 0, out + err)


def dumps():
    shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "pcaps", "authority.crt"), write("site/ca.crt", ""))
    write("site/conf.d/10.yaml", "own_networks: [192.0.2.0/24]\ncapture: {buffer: 1GB}\nevidence: {directory: ev}\n"
          "policy:\n- {name: two, servers: [192.0.2.1, '2001:db8::/32'], pin_ca: ca.crt}\n")
    path = write("site/mxwitness.yaml", "own_networks: 10.0.0.0/8\ncapture: {workers: 2}\nca_file: \"a # b.pem\"\n"
                 "outputs:\n- {type: file, path: out}\nrule_levels: {tlsa-mismatch: low}\n"
                 "policy:\n- {name: one, domains: .example, tls: required, until: 2026-12-31}\n")
    status, first, err = run("config", "dump", "-c", path)
    check("dump", status == 0 and not err, err)
    check("dump: from where", re.search(rf"^  buffer: 1GB +# {re.escape(folder)}/site/conf.d/10.yaml:2$", first, re.M) and
          re.search(r"^  timeout: 100ms +# default$", first, re.M), first)
    check("dump: paths are absolute", f"directory: {folder}/site/ev " in first and f"    path: {folder}/site/out " in first and
          f'ca_file: "{folder}/site/a # b.pem"' in first, first)
    check("dump: promises of several files", "  - name: one " in first and "  - name: two " in first and
          f"    pin_ca: {folder}/site/ca.crt " in first and '    servers: [192.0.2.1, "2001:db8::/32"] ' in first, first)
    relative = run("config", "dump", "-c", "mxwitness.yaml", cwd=os.path.join(folder, "site"))[1]
    check("dump: the same from anywhere", values(relative) == values(first), relative)
    second = run("config", "dump", "-c", write("elsewhere/d.yaml", first))[1]
    check("dump: a configuration that says the same", values(second) == values(first) and "# default" not in second, second)
    third = run("config", "dump", "-c", write("elsewhere2/d.yaml", second))[1]
    check("dump: and again", values(third) == values(first), third)
    status, _, err = run("config", "dump", "-c", os.path.join(folder, "none.yaml"))
    check("dump: no such file", status == 2 and "none.yaml: cannot be read: No such file" in err, err)
    status, out, err = run("config", "dump", "-c", path, "-o", os.path.join(folder, "out.yaml"))
    check("dump -o", status == 0 and not out and open(os.path.join(folder, "out.yaml")).read() == first, err)


def checks():
    pem = write("bad.pem", "nothing\n")
    write("badrules/r.yaml", "title: T\nnonsense: 1\n")
    for text, status, said in (
        ("", 0, ""),
        ("capture: {buffer: 64}\n", 2, ":1:19: capture.buffer: 64 of what?"),
        ("interfaces: lo\n", 0, ""),
        ("interfaces: [lo, nosuch0]\n", 0, ":1:18: warning: interfaces: no interface nosuch0 here"),
        ("interfaces: nosuch0\n", 0, ":1:13: warning: interfaces: no interface nosuch0 here"),
        ("user: nosuchuser\n", 0, ":1:7: warning: user: no user nosuchuser here"),
        ("group: nosuchgroup\n", 0, ":1:8: warning: group: no group nosuchgroup here"),
        ("ca_file: missing.pem\n", 0, f":1:10: warning: ca_file: {folder}/missing.pem: cannot be read"),
        (f"ca_file: {pem}\n", 2, "bad.pem"),
        ("dns: {trust_anchor: missing}\n", 0, f":1:21: warning: dns.trust_anchor: {folder}/missing: cannot be read"),
        (f"dns: {{trust_anchor: {pem}}}\n", 2, "bad.pem"),
        (f"dns: {{trust_anchor: {anchor}}}\n", 0, ""),
        ("rules: missing\n", 0, f":1:8: warning: rules: {folder}/missing: no such folder"),
        ("rules: badrules\n", 2, "badrules/r.yaml:1:1: logsource is missing"),
        ("rules_off: [tlsa-mismach]\n", 2, ":1:13: "),
        ("rule_levels: {nosuch: low}\n", 2, ":1:15: "),
        ("capture: {filter: tcp prot 25}\n", 2, ":1:19: capture.filter: "),
        ("capture: {filter: tcp port 25}\n", 0, ""),
        ("evidence: {directory: a/b/c}\n", 0, f":1:23: warning: evidence.directory: {folder}/a/b: no such folder"),
        (f"evidence: {{directory: {pem}}}\n", 0, ":1:23: warning: evidence.directory: "),
        ("evidence: {hook: /bin/sh}\n", 0, ":1:18: warning: evidence.hook: nothing to sign"),
        ("evidence: {directory: ev, hook: missing}\n", 0, f":1:33: warning: evidence.hook: {folder}/missing: cannot be run"),
        ("outputs: [{type: file, path: no/such}]\n", 0, f":1:30: warning: outputs: path: {folder}/no: no such folder"),
        ("outputs: [{type: file, path: .}]\n", 0, ":1:30: warning: outputs: path: "),
        ("outputs: [{type: file, path: '-'}]\n", 0, ""),
        ("outputs: [{type: file, path: o, topic: t}]\n", 2, "check.yaml:1:33: outputs: type file has no key \"topic\"; it belongs to kafka"),
        ("outputs: [{type: unix, path: no/s}]\n", 0, f":1:30: warning: outputs: path: {folder}/no: no such folder"),
        ("outputs: [{type: unix, path: check.yaml}]\n", 0, f":1:30: warning: outputs: path: {folder}/check.yaml: is not a socket"),
        ("outputs: [{type: syslog, transport: tcp, address: 'a.example:514'}]\n", 0, ""),
        (f"outputs: [{{type: syslog, address: 'a.example:514', ca: {folder}/no.pem}}]\n", 0, f":1:56: warning: ca: {folder}/no.pem: cannot be read"),
        ("outputs: [{type: syslog, address: a.example}]\n", 2, 'check.yaml:1:35: address: "a.example" is not host:port'),
        ("spool: no/such/folder\n", 0, ""),
        ("spool: no/such\noutputs: [{type: unix, path: s}]\n", 0, f":1:8: warning: spool: {folder}/no: no such folder"),
        ("policy: [{name: a, ports: 25, tls: required, until: 2001-01-31}]\n", 0, ":1:10: warning: policy: the entry a has ended"),
        ("policy: [{name: a, ports: 25, tls: required, until: 2199-01-31}]\n", 0, ""),
        (f"policy: [{{name: a, ports: 25, pin_ca: {pem}}}]\n", 2, "bad.pem\" is not a PEM file"),
        ("metrics: {textfile: no/m.prom}\n", 0, ":1:21: warning: metrics.textfile: "),
    ):
        # what this machine may lack by default is no matter here
        base = "".join(f"{k}: {v}\n" for k, v in (("state", "none"), ("spool", "spool"), ("user", "root"), ("group", "root"), ("status", "{socket: none}"))
                       if not text.startswith(k))
        path = write("check.yaml", text + base)
        result, out, err = run("config", "check", "-c", path)
        right = (not err and out == f"{path}: ok\n") if not said else said in err and (status == 2 or "1 warning" in out)
        check(f"check: {text}", result == status and right and (result == 0 or not out), f"{result}\n{out}{err}")


def reads():
    """What read -c takes, and that the command line goes before."""
    def sessions(*args):
        status, out, err = run("read", "--format", "ndjson", "--trust-anchor", anchor, *args, demo)
        return status, out.count('"mxwitness.session"'), err
    _, plain, _ = sessions()
    ports = write("r/ports.yaml", "ports: [26]\n")
    check("read: ports", plain > 0 and sessions("-c", ports, "--other-ports", "off")[1] == 0, str(plain))
    check("read: --ports goes before", sessions("-c", ports, "--ports", "25")[1] == plain)
    write("r/conf.d/a.yaml", "ports: 25\n")
    check("read: conf.d", sessions("-c", ports)[1] == plain)
    shutil.rmtree(os.path.join(folder, "r", "conf.d"))
    live = write("r/live.yaml", "interfaces: [nosuch0]\nuser: nosuchuser\nstate: /no/such\ndns: {mode: live, resolver: 192.0.2.1}\n"
                 "outputs: [{type: file, path: /no/such}]\nevidence: {directory: /no/such}\nlimits: {flows: 2048, dialogues: 64, reassembly: 8MiB}\n")
    status, count, err = sessions("-c", live)
    check("read: has no use for what is live", status in (0, 1) and count == plain and not err, err)
    status, _, err = sessions("-c", write("r/bad.yaml", "interfaces: [a/b]\n"))
    check("read: and checks it", status == 2 and ":1:14: interfaces: " in err, err)

    def verdicts(*args):
        out = run("read", "--format", "ndjson", *args, demo)[1]
        return out.count('"verdict":"authenticated"')
    trust = write("r/anchor.yaml", f"dns: {{trust_anchor: {anchor}}}\n")
    check("read: trust_anchor", verdicts("--trust-anchor", anchor) == verdicts("-c", trust) > verdicts() == 0)
    shutil.copy(anchor, os.path.join(folder, "r", "root.anchor"))
    relative = write("r/anchor.yaml", "dns: {trust_anchor: root.anchor}\n")
    check("read: relative to the configuration", verdicts("-c", relative) == verdicts("-c", trust))


def command_line():
    for args, said in ((("config",), "config: what about it?; it is check, dump or keys"),
                       (("config", "chekc"), "config chekc: no such command; it is check, dump or keys"),
                       (("config", "check", "a.yaml"), "a.yaml: no argument belongs here; the file is named with -c"),
                       (("config", "check", "--format", "yaml"), "--format belongs to: mxwitness config keys"),
                       (("config", "keys", "--format", "json"), "config keys has yaml and mdoc"),
                       (("config", "keys", "-c", "a.yaml"), "-c means nothing to it"),
                       (("config", "dump", "--dns", "off"), "--dns means nothing to it")):
        status, out, err = run(*args)
        check(" ".join(args), status == 2 and said in err and not out, err)
    status, _, err = run("config", "keys", "-o", "/dev/full")
    check("the disk is full", status == 2 and "/dev/full" in err, err)
    if not os.path.exists("/etc/mxwitness/mxwitness.yaml"):
        status, _, err = run("config", "check")
        check("the default file", status == 2 and "/etc/mxwitness/mxwitness.yaml: cannot be read" in err, err)


try:
    generated()
    dumps()
    checks()
    reads()
    command_line()
finally:
    shutil.rmtree(folder)
print(f"config command: {passed} passed, {failed} failed")
sys.exit(failed != 0)
