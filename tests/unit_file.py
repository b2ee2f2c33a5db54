#!/usr/bin/env python3
"""unit_file.py MXWITNESS: what `make install` gives to systemd, and `make uninstall` takes. systemd-analyze finds nothing wrong and an exposure of at most
2.5, with each thing that is left open explained beside it; the unit for one interface differs in nothing but names; and what
`watch` asks of the kernel (strace, as root) is allowed by the unit, to the last call."""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
UNITS = os.path.join(TOP, "contrib", "systemd")
MOST = 2.5
NS = f"ops-unit-{os.getpid()}"
passed = failed = 0
skipped = []


def text(name):
    with open(os.path.join(UNITS, name), encoding="utf-8") as f:
        return f.read()


def settings(unit):
    """Its settings, those that are given several times as lists."""
    found = {}
    for line in unit.splitlines():
        if re.match(r"[A-Za-z]+=", line):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def installed(folder):
    """Units as installed below folder, with the program where they say it is."""
    os.makedirs(os.path.join(folder, "bin"))
    for program in ("mxwitness", "mxcheck"):
        os.symlink(os.path.join(os.path.dirname(PROGRAM), program), os.path.join(folder, "bin", program))
    paths = []
    for name in ("mxwitness.service", "mxwitness@.service", "mxcheck-sts.service", "mxcheck-sts.timer"):
        path = os.path.join(folder, name.replace("@", "@eth1"))
        with open(path, "w", encoding="utf-8") as f:
            f.write(text(name).replace("@PREFIX@", folder))
        paths.append(path)
    return paths


def verify_problems(folder):
    result = run("systemd-analyze", "verify", "--man=no", *installed(folder))
    ours = [x for x in result.stderr.splitlines() if "mxwitness" in x or "mxcheck" in x]
    return ours + ([f"systemd-analyze verify ended with {result.returncode}"] if result.returncode and ours else [])


def explained(unit, setting):
    """Is there a comment that names it, or one right above it?"""
    lines = unit.splitlines()
    return any(x.startswith("#") and setting in x for x in lines) or \
        any(x.startswith(setting + "=") and i and lines[i - 1].startswith("#") for i, x in enumerate(lines))


def security_problems(folder):
    problems = []
    for path in [p for p in installed(folder) if p.endswith(".service")]:
        own = text("mxcheck-sts.service" if "mxcheck" in path else "mxwitness.service")
        out = run("systemd-analyze", "security", "--offline=true", "--no-pager", path).stdout
        level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", out)
        if not level or float(level.group(1)) > MOST:
            problems.append(f"{os.path.basename(path)}: exposure {level and level.group(1)}, more than {MOST}")
        open_ = {re.match(r"✗ ([A-Za-z]+)=", x).group(1) for x in out.splitlines() if x.startswith("✗")}
        problems += [f"{s}= is left open, and no comment says why" for s in sorted(open_) if not explained(own, s)]
    return problems


def same_problems(_):
    one, each = settings(text("mxwitness.service")), settings(text("mxwitness@.service"))
    names = {"Description", "ConditionPathExists", "ExecStart", "StateDirectory", "RuntimeDirectory", "LogsDirectory"}
    problems = [f"{k}= is not the same in both" for k in sorted(set(one) | set(each)) if k not in names and one.get(k) != each.get(k)]
    return problems + [f"{k}= does not name the interface" for k in sorted(names) if "%i" not in each[k][0]]


def user_problems(folder):
    """The user is made by sysusers.d, and all that tmpfiles.d makes is root's or his."""
    os.makedirs(os.path.join(folder, "etc"))
    made = run("systemd-sysusers", "--root=" + folder, os.path.join(UNITS, "mxwitness.sysusers"))
    with open(os.path.join(folder, "etc", "passwd"), encoding="utf-8") as f:
        line = [x for x in f if x.startswith("mxwitness:")]
    problems = [] if line and line[0].rstrip().endswith("nologin") else [f"no user without a shell: {line} {made.stderr}"]
    if os.geteuid() == 0:
        run("systemd-tmpfiles", "--root=" + folder, "--create", os.path.join(UNITS, "mxwitness.tmpfiles"))
        uid = int(line[0].split(":")[2]) if line else -1
        for path, mode, owner in (("etc/mxwitness", 0o750, 0), ("var/lib/mxwitness", 0o700, uid), ("var/log/mxwitness", 0o750, uid)):
            st = os.stat(os.path.join(folder, path)) if os.path.exists(os.path.join(folder, path)) else None
            if not st or (st.st_mode & 0o7777, st.st_uid) != (mode, owner):
                problems.append(f"{path}: {st}")
    return problems


def files_below(folder):
    return {os.path.relpath(os.path.join(d, f), folder) for d, _, fs in os.walk(folder) for f in fs}


def install_problems(folder):
    """Everything that is made here for the user arrives, readable; and goes again."""
    os.environ.pop("MAKEFLAGS", None)  # who called us may have been make
    make = ["make", "-s", "-C", TOP, "-o", "all", "B=" + os.path.dirname(PROGRAM), "DESTDIR=" + folder, "PREFIX=/usr"]
    made = run(*make, "install")
    files = files_below(folder)
    want = {"usr/bin/mxcheck", "usr/lib/systemd/system/mxcheck-sts.service", "usr/lib/systemd/system/mxcheck-sts.timer"}
    want |= {"usr/bin/mxwitness", "usr/lib/systemd/system/mxwitness.service", "usr/lib/systemd/system/mxwitness@.service",
            "usr/lib/sysusers.d/mxwitness.conf", "usr/lib/tmpfiles.d/mxwitness.conf", "usr/share/doc/mxwitness/mxwitness.yaml"}
    want |= {f"usr/share/man/man{p[-1]}/{p}" for p in os.listdir(os.path.join(TOP, "man"))}
    want |= {"usr/share/mxwitness/rules/" + f for f in files_below(os.path.join(TOP, "rules")) if f.endswith(".yaml")}
    want |= {"usr/share/mxwitness/schema/event.schema.json"}
    want |= {"usr/share/doc/mxwitness/" + f for f in files_below(os.path.join(TOP, "contrib")) if not f.startswith("systemd/")}
    problems = [f"{f} is missing" for f in sorted(want - files)] + [f"{f} is not known" for f in sorted(files - want)]
    problems += [f"{f} is not for everybody" for f in files if os.stat(os.path.join(folder, f)).st_mode & 0o444 != 0o444]
    unit = os.path.join(folder, "usr/lib/systemd/system/mxwitness.service")
    if not made.stderr and "ExecStart=/usr/bin/mxwitness " not in open(unit, encoding="utf-8").read():
        problems.append("the unit does not start what was installed")
    gone = run(*make, "uninstall")
    return problems + [f"{f} is left" for f in sorted(files_below(folder))] + (made.stderr + gone.stderr).splitlines()


def heard(s, until, seconds=20):
    """The words that came until one of them is there, and when."""
    words, end = [], time.time() + seconds
    while until not in [w for w, _ in words] and time.time() < end:
        s.settimeout(max(0.1, end - time.time()))
        try:
            words += [(w, time.time()) for w in s.recv(4096).decode().splitlines()]
        except socket.timeout:
            break
    return words


def notify_problems(folder):
    """What Type=notify and WatchdogSec= rest on."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(os.path.join(folder, "notify"))
    config = os.path.join(folder, "c.yaml")
    with open(config, "w", encoding="ascii") as f:
        f.write(f"state: none\nstatus: {{socket: none}}\noutputs: [{{type: file, path: {folder}/events.ndjson}}]\n")
    env = dict(os.environ, NOTIFY_SOCKET=os.path.join(folder, "notify"), WATCHDOG_USEC="3000000")
    w = subprocess.Popen(["ip", "netns", "exec", NS, PROGRAM, "watch", "-i", "lo", "--dns", "off", "-c", config], env=env,
                         stderr=subprocess.DEVNULL)
    problems = []
    try:
        for number, until in ((None, "READY=1"), (None, "WATCHDOG=1"), (None, "WATCHDOG=1"), (signal.SIGHUP, "RELOADING=1"),
                              (None, "READY=1"), (signal.SIGTERM, "STOPPING=1")):
            began = time.time()
            if number:
                w.send_signal(number)
            words = heard(s, until)
            if until not in [x for x, _ in words]:
                problems.append(f"no {until}: {words}")
            if until == "WATCHDOG=1" and time.time() - began > 3:
                problems.append("the watchdog was fed too late")
        w.wait(60)
    finally:
        w.kill()
        s.close()
    return problems


def notify(folder):
    try:
        run("ip", "-n", NS, "link", "set", "lo", "up")
        return notify_problems(folder)
    finally:
        run("ip", "netns", "del", NS)


def group(name, cache):
    """The system calls of a group, or the one call."""
    if not name.startswith("@"):
        return {name}
    if name not in cache:
        cache[name] = set()
        for line in run("systemd-analyze", "syscall-filter", name).stdout.splitlines()[1:]:
            if line.strip() and not line.strip().startswith("#"):
                cache[name] |= group(line.strip(), cache)
    return cache[name]


def allowed_calls():
    cache, allowed = {}, set(group("@default", {}))
    for value in settings(text("mxwitness.service"))["SystemCallFilter"]:
        for word in value.removeprefix("~").split():
            allowed = allowed - group(word, cache) if value.startswith("~") else allowed | group(word, cache)
    return allowed


def traced(folder):
    """The trace of a `watch` as the unit starts it: another user, two capabilities; some mail, a reload, its end."""
    os.chown(folder, 65534, 65534)
    config, trace = os.path.join(folder, "c.yaml"), os.path.join(folder, "trace")
    with open(config, "w", encoding="ascii") as f:
        f.write(f"state: {folder}\nstatus: {{socket: none}}\nevidence: {{directory: {folder}/evidence}}\n"
                f"outputs: [{{type: file, path: {folder}/events.ndjson}}]\n")
    caps = "+net_raw,+bpf"
    w = subprocess.Popen(["ip", "netns", "exec", NS, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                          "--inh-caps", caps, "--ambient-caps", caps, "strace", "-f", "-qq", "-o", trace, PROGRAM, "watch",
                          "-i", "opsv", "-c", config, "--resolver", "127.0.0.1"], stderr=subprocess.PIPE, text=True, cwd="/")
    time.sleep(4)
    pcaps = os.path.join(TOP, "tests", "pcaps")
    capture = os.path.join(pcaps, min(x for x in os.listdir(pcaps) if x.endswith(".pcapng")))
    run("ip", "netns", "exec", NS, "tcpreplay", "-q", "-M", "10", "-i", "opsu", capture)
    time.sleep(3)
    inner = [int(p) for p in os.listdir("/proc") if p.isdigit() and parent(p) == w.pid]
    for number, wait in ((signal.SIGHUP, 4), (signal.SIGTERM, 0)):
        for pid in inner:
            os.kill(pid, number)
        time.sleep(wait)
    try:
        err = w.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        w.kill()
        err = "no end"
    with open(trace, encoding="utf-8", errors="replace") as f:
        return f.read(), err


def parent(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            return int(f.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return -1


def need_problems(folder):
    trace, err = traced(folder)
    calls = set(re.findall(r"^\d+ +([a-z0-9_]+)\(", trace, re.M))
    problems = [f"{c} is called and not allowed" for c in sorted(calls - allowed_calls())]
    if not {"bpf", "landlock_create_ruleset", "seccomp", "socket"} <= calls or "reloaded" not in err:
        problems.append(f"the run was not what it should be: {sorted(calls)} {err}")
    one = settings(text("mxwitness.service"))
    families = set(re.findall(r"^\d+ +socket(?:pair)?\((AF_[A-Z0-9]+)", trace, re.M))
    problems += [f"{f} is used and not allowed" for f in sorted(families - set(one["RestrictAddressFamilies"][0].split()))]
    spaces = {x for flags in re.findall(r"unshare\(([A-Z_|]+)\)", trace) for x in flags.split("|")}
    names = {"CLONE_NEWNET": "net", "CLONE_NEWUSER": "user"}
    problems += [f"{s} is used and not allowed" for s in sorted(spaces)
                 if names.get(s) not in one["RestrictNamespaces"][0].split()]
    if re.search(r"(mmap|mprotect)\([^)]*PROT_WRITE\|PROT_EXEC", trace):
        problems.append("memory is both written and executed")
    return problems


def needs(folder):
    try:
        for line in ("link add opsu type veth peer name opsv", "link set opsu up", "link set opsv up", "link set lo up"):
            run("ip", "-n", NS, *line.split())
        return need_problems(folder)
    finally:
        run("ip", "netns", "del", NS)


def check(name, function):
    global passed, failed
    with tempfile.TemporaryDirectory(prefix="ops-unit-") as folder:
        try:
            problems = function(folder)
        except Exception as e:  # the other parts are worth knowing about
            problems = [f"{type(e).__name__}: {e}"]
    if problems:
        failed += 1
        print(f"{name}:", *problems, sep="\n  ")
    else:
        passed += 1


def here(program):
    return run("sh", "-c", f"command -v {program}").returncode == 0


def main():
    check("both units are the same", same_problems)
    check("install", install_problems)
    if os.geteuid() == 0 and run("ip", "netns", "add", NS).returncode == 0:
        check("notify", notify)
    else:
        skipped.append("the service manager's part needs root and network namespaces")
    if here("systemd-analyze"):
        check("verify", verify_problems)
        check("security", security_problems)
    else:
        skipped.extend(["no systemd-analyze here"] * 2)
    if here("systemd-sysusers") and here("systemd-tmpfiles"):
        check("user and folders", user_problems)
    else:
        skipped.append("no systemd-sysusers here")
    sanitizer = b"__asan_init" in open(PROGRAM, "rb").read()   # it asks the kernel for more
    if not sanitizer and os.geteuid() == 0 and all(map(here, ("systemd-analyze", "strace", "setpriv", "tcpreplay"))) and \
            run("ip", "netns", "add", NS).returncode == 0:
        check("needs", needs)
    else:
        skipped.append("the trace needs root, no sanitizer, strace, setpriv, tcpreplay and network namespaces")
    note = f", {len(skipped)} skipped ({skipped[0]})" if skipped else ""
    print(f"unit_file: {passed} passed, {failed} failed{note}")
    return failed != 0


sys.exit(main())
