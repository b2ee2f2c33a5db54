#!/usr/bin/env python3
"""watch_rights.py MXWITNESS: what the kernel says of each process of `watch`: user, capabilities, filter, core files; started by
root, who becomes another user, and by another user with two capabilities. Then what must still work with so little: SIGHUP, an
interface that goes and comes back, and that nobody is left when the supervisor is killed."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
NS = f"ops-rights-{os.getpid()}"
NOBODY = 65534
SANITIZER = b"__asan_init" in open(PROGRAM, "rb").read()      # then the supervisor has no filter
NET_RAW, BPF = 1 << 13, 1 << 39
ROLES = ["output", "judge", "resolver", "forwarder", "verifier", "deliver", "capture0", "capture1"]
passed = failed = 0
skipped = []


def field(pid, name):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            for line in f:
                if line.startswith(name + ":"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return None


def children(pid):
    """Its processes by role."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and field(entry, "PPid") == str(pid):
            found[(field(entry, "Name") or "").removeprefix("mxw-")] = int(entry)
    return found


def until(what, seconds=20):
    end = time.time() + seconds
    while time.time() < end:
        got = what()
        if got:
            return got
        time.sleep(0.1)
    return what()


def settled(pid):
    """Its processes when each has closed its sandbox."""
    def ready():
        now = children(pid)
        filters = [field(p, "Seccomp_filters") for r, p in now.items() if r not in ("verifier", "deliver")]
        return now if sorted(now) == sorted(ROLES) and all(f and int(f) >= 2 - SANITIZER for f in filters) else None
    return until(ready) or children(pid)


def caps(pid, which):
    return int(field(pid, which) or "-1", 16)


def core_limit(pid):
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        return re.search(r"Max core file size\s+(\S+)\s+(\S+)", f.read()).groups()


def problems_of(role, pid, kept, bounded):
    problems = []
    want = {"Uid": "\t".join([str(NOBODY)] * 4), "Gid": "\t".join([str(NOBODY)] * 4), "NoNewPrivs": "1", "Groups": "",
            "Seccomp": "0" if SANITIZER and role in ("supervisor", "verifier", "deliver") else "2"}
    problems += [f"{role}: {k} is {field(pid, k)}, not {v}" for k, v in want.items() if field(pid, k) != v]
    want = {"CapEff": kept, "CapPrm": kept, "CapInh": 0, "CapAmb": 0}
    if bounded:
        want["CapBnd"] = 0
    problems += [f"{role}: {k} is {caps(pid, k):x}, not {v:x}" for k, v in want.items() if caps(pid, k) != v]
    if core_limit(pid) != ("0", "0"):
        problems.append(f"{role} may leave a core file: {core_limit(pid)}")
    if os.stat(f"/proc/{pid}/environ").st_uid != 0:
        problems.append(f"{role} is dumpable")
    return problems


def all_problems(pid, bounded):
    now = settled(pid)
    problems = [] if sorted(now) == sorted(ROLES) else [f"processes are {sorted(now)}"]
    problems += problems_of("supervisor", pid, NET_RAW | BPF, bounded)
    for role, child in now.items():
        problems += problems_of(role, child, 0, bounded)
        own = os.readlink(f"/proc/{child}/ns/net") != os.readlink(f"/proc/{pid}/ns/net")
        if own and role != "resolver":
            problems.append(f"{role} is in another network namespace")
        elif not own and role == "resolver":
            skipped.append("the resolver has no network namespace of its own here")
    return problems


def ip(*args):
    subprocess.run(["ip", *args], check=True)


def interface():
    ip("-n", NS, "link", "add", "opsa", "type", "veth", "peer", "name", "opsb")
    for name in ("opsa", "opsb", "lo"):
        ip("-n", NS, "link", "set", name, "up")


class Watch:
    def __init__(self, prefix, folder):
        self.folder = folder
        config = os.path.join(folder, "mxwitness.yaml")
        with open(config, "w", encoding="ascii") as f:
            f.write(f"user: nobody\ngroup: nogroup\nstate: none\nstatus: {{socket: none}}\ncapture: {{workers: 2}}\n"
                    f"outputs: [{{type: file, path: {folder}/events.ndjson}}]\n")
        self.config = config
        self.log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        self.run = subprocess.Popen(["ip", "netns", "exec", NS, *prefix, PROGRAM, "watch", "-i", "opsb", "-c", config,
                                     "--resolver", "127.0.0.1"], stderr=self.log, cwd="/")
        self.pid = self.run.pid

    def said(self):
        with open(self.log.name, encoding="utf-8") as f:
            return f.read()

    def wait_for(self, text, seconds=20):
        return until(lambda: text in self.said(), seconds)

    def end(self):
        self.run.send_signal(signal.SIGTERM)
        try:
            return self.run.wait(90)
        except subprocess.TimeoutExpired:
            self.run.kill()
            return "no end"


def reload_problems(w):
    before, times = children(w.pid), w.said().count(": reloaded\n")
    os.kill(w.pid, signal.SIGHUP)
    if not until(lambda: w.said().count(": reloaded\n") > times):
        return ["SIGHUP: not reloaded: " + w.said()]
    renewed = [r for r in ROLES if not r.startswith("capture")]
    until(lambda: all(children(w.pid).get(r) not in (None, before[r]) for r in renewed))
    now = settled(w.pid)
    return [f"SIGHUP: {r} is the same process" for r in renewed if now.get(r) == before[r]] + \
           [f"SIGHUP: {r} is another process" for r in ("capture0", "capture1") if now.get(r) != before[r]]


def unwritable_problems(w):
    """A reload that cannot be: the old settings stay, and only who may have lost the right to open his files begins anew."""
    with open(w.config, "a", encoding="ascii") as f:
        f.write("evidence: {directory: /proc/none}\n")
    before = children(w.pid)
    os.kill(w.pid, signal.SIGHUP)
    if not w.wait_for("not reloaded, the settings of before stay"):
        return ["a wrong configuration was taken: " + w.said()]
    until(lambda: children(w.pid).get("output") not in (None, before["output"]))
    now = settled(w.pid)
    before["output"] = now.get("output")
    return [] if now == before else [f"a wrong configuration changed the processes: {before} {now}: {w.said()}"]


def interface_problems(w):
    before = children(w.pid)
    ip("-n", NS, "link", "del", "opsa")
    interface()
    if not w.wait_for("interface opsb is back"):
        return ["the interface that came back was not opened: " + w.said()]
    anew = until(lambda: all(children(w.pid).get(r) not in (None, before[r]) for r in ("capture0", "capture1")))
    return [] if anew else ["capture did not begin anew: " + w.said()]


def death_problems(w):
    pids = list(children(w.pid).values())
    w.run.kill()
    w.run.wait()
    until(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids), 60)
    return [f"process {p} outlived the supervisor" for p in pids if os.path.exists(f"/proc/{p}")]


def by_root(folder):
    w = Watch([], folder)
    problems = all_problems(w.pid, True)
    for part in (reload_problems, reload_problems, interface_problems, reload_problems):
        problems += part(w)
    problems += ["anew: " + p for p in all_problems(w.pid, True)]
    problems += unwritable_problems(w)
    if os.stat(os.path.join(folder, "events.ndjson")).st_uid != NOBODY:
        problems.append("the output is not nobody's")
    status = w.end()
    return problems + ([] if status == 0 else [f"the end: {status}: {w.said()}"])


def by_nobody(folder):
    names = "+net_raw,+bpf"
    w = Watch(["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups", "--inh-caps", names, "--ambient-caps",
               names], folder)
    return all_problems(w.pid, False) + interface_problems(w) + death_problems(w)


def refused(folder):
    """Where the user cannot write nothing starts."""
    os.chmod(folder, 0o711)
    os.chown(folder, 0, 0)
    w = Watch([], folder)
    try:
        status = w.run.wait(20)
    except subprocess.TimeoutExpired:
        w.run.kill()
        status = "none"
    text = w.said()
    return [] if status == 2 and "as user nobody" in text else [f"status {status}: {text}"]


def check(name, function):
    global passed, failed
    with tempfile.TemporaryDirectory(prefix="ops-rights-") as folder:
        os.chown(folder, NOBODY, NOBODY)
        try:
            problems = function(folder)
        except Exception as e:  # the namespace must go, whatever happens
            problems = [f"{type(e).__name__}: {e}"]
    if problems:
        failed += 1
        print(f"{name}:", *problems, sep="\n  ")
    else:
        passed += 1


def main():
    reachable = os.geteuid() == 0 and subprocess.run(["test", "-x", PROGRAM], preexec_fn=lambda: os.setuid(NOBODY),
                                                     check=False).returncode == 0
    if not reachable or subprocess.run(["ip", "netns", "add", NS], check=False, stderr=subprocess.DEVNULL).returncode:
        print("watch_rights: 0 passed, 0 failed, 3 skipped (needs root, ip netns, and a program that nobody can reach)")
        return 0
    try:
        interface()
        check("refused", refused)
        check("by root", by_root)
        check("by nobody", by_nobody)
    finally:
        ip("netns", "del", NS)
    note = f", {len(skipped)} skipped ({skipped[0]})" if skipped else ""
    print(f"watch_rights: {passed} passed, {failed} failed{note}")
    return failed != 0


sys.exit(main())
