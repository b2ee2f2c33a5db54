#!/usr/bin/env python3
"""rotate.py MXWITNESS: files that are renamed while they are written, by the sensor or by logrotate(8), miss nothing.

Own        rotate_size, rotate_every and rotate_keep, by `read -c` and by `watch` in its sandbox: no file grows beyond its size, no line is
           torn, none is missing, and new files have the owner and the mode of the old ones
Full       a disk without room for one more file: said once, and all stands in the old one
Logrotate  create and SIGHUP, also when the configuration cannot be read any more; copytruncate; by `watch` and by `judge`

The live part needs root, ip(8), mount(8) and editcap(1). Last line: "rotate: N passed, N failed"."""
import collections, glob, json, os, pwd, re, shutil, signal, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "load"), HERE]
import delivery, sensor
from delivery import ANCHOR, PROGRAM, Mail, Watch, config, ids, lines_of, until

LOGROTATE = shutil.which("logrotate") or shutil.which("logrotate", path="/usr/sbin:/sbin")
STAMP = re.compile(r"\.\d{8}T\d{6}Z(-\d+)?$")
LIMIT = 65536
CAPTURES = sorted(glob.glob(os.path.join(HERE, "pcaps", "*.pcapng")))[:60]
passed = failed = 0
skipped = []


def check(what, good, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAILED {what}: {str(detail)[:3000]}", flush=True)


def user(name):
    """Who the sensor becomes, and so the owner of folders that it is to write in; None: nobody else."""
    try:
        return pwd.getpwnam(name) if os.getuid() == 0 else None
    except KeyError:
        return None


# of `watch`, by its configuration; of `read` and `judge`, where there is one
WATCHER, READER = user("nobody"), user("mxwitness")


def own(path, mode, who):
    os.chmod(path, mode)
    if who:
        os.chown(path, who.pw_uid, who.pw_gid)
    return path


def folder(work, name, who):
    path = os.path.join(work, name)
    os.mkdir(path)
    return own(path, 0o755, who)


def in_order(path):
    """The sensor's own older files and the file itself, oldest first."""
    def key(p):
        m = STAMP.search(p)
        return (m[0].split("-")[0], int((m[1] or "-0")[1:]))
    return sorted((p for p in glob.glob(path + ".*") if STAMP.search(p)), key=key) + [path]


def whole(path):
    """All lines are whole ones."""
    with open(path, "rb") as f:
        data = f.read()
    return data == b"" or (data[:1] == b"{" and data[-1:] == b"\n" and b"\0" not in data)


def gather(paths):
    return [e for p in paths for e in lines_of(p)]


def base(more=""):
    return "state: none\nstatus: {socket: none}\nlimits: {flows: 20000}\nuser: nobody\n" + more


# ---- the sensor's own ----

def by_read(work):
    place = folder(work, "read", READER)
    path = os.path.join(place, "events")

    def read(**keys):
        conf = config(os.path.join(work, "read.yaml"), dict({"type": "file", "path": path}, **keys))
        r = subprocess.run([PROGRAM, "read", "--trust-anchor", ANCHOR, "-c", conf, *CAPTURES], capture_output=True, text=True, timeout=120)
        check("read: ends as it should, and says nothing", r.returncode == 1 and not r.stderr, (r.returncode, r.stderr))
    read()
    want = lines_of(path)
    os.unlink(path)
    read(rotate_size="64KiB")
    files = in_order(path)
    check("read: several files", len(files) > 2, os.listdir(place))
    check("read: none is larger than it may be", all(os.path.getsize(p) <= LIMIT for p in files), [os.path.getsize(p) for p in files])
    check("read: together they are the one that it was", gather(files) == want, (len(gather(files)), len(want)))
    read(rotate_size="64KiB", rotate_keep=2)
    check("read: the newest are kept", len(in_order(path)) == 3 and gather(in_order(path)) == want[-len(gather(in_order(path))):], os.listdir(place))


def by_watch(wire, work):
    place = folder(work, "own", WATCHER)
    path = os.path.join(place, "alerts.ndjson")
    with open(path, "w", encoding="ascii") as f:
        f.write("{}\n")
    own(path, 0o604, WATCHER)
    yesterday = time.time() - 86400
    os.utime(path, (yesterday, yesterday))
    conf = config(os.path.join(work, "own.yaml"), {"type": "file", "path": path, "datasets": ["alert"], "rotate_size": "64KiB", "rotate_every": "1d"},
                  more=base())
    watch, mail = Watch(wire, work, conf), Mail(wire)
    watch.up()
    check("watch: what yesterday left is renamed at the start", until(lambda: len(in_order(path)) == 2 and os.path.getsize(path) == 0, 5),
          (os.listdir(place), watch.log()))
    mail.send(200)
    until(lambda: len(gather(in_order(path))) >= 201, 20)
    check("watch: ends cleanly", watch.end() == 0 and not watch.log().count("cannot"), watch.log())
    mail.end()
    files = in_order(path)
    events = gather(files[1:])
    check("watch: renamed many times", len(files) > 4, os.listdir(place))
    check("watch: none is larger than it may be", all(os.path.getsize(p) <= LIMIT for p in files), [os.path.getsize(p) for p in files])
    check("watch: whole lines", all(whole(p) for p in files))
    check("watch: every alert, once, in order", [e["event"]["sequence"] for e in events] == list(range(1, len(events) + 1)) and
          len(ids(events)) == len(events) >= 200, len(events))
    stats = [os.stat(p) for p in files]
    check("watch: the same owner and mode", len({(s.st_mode, s.st_uid, s.st_gid) for s in stats}) == 1 and stats[-1].st_mode & 0o7777 == 0o604,
          [(oct(s.st_mode), s.st_uid) for s in stats])
    check("watch: nothing lies about", len(os.listdir(place)) == len(files), os.listdir(place))


def full(wire, work):
    place = folder(work, "full", WATCHER)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "nr_inodes=3,mode=1777", "tmpfs", place], check=True)
    try:
        path = os.path.join(place, "alerts")
        for name in (path, os.path.join(place, "last")):
            own(open(name, "w").name, 0o644, WATCHER)
        conf = config(os.path.join(work, "full.yaml"), {"type": "file", "path": path, "datasets": ["alert"], "rotate_size": "64KiB"}, more=base())
        watch, mail = Watch(wire, work, conf), Mail(wire)
        watch.up()
        mail.send(80)
        until(lambda: len(lines_of(path)) >= 80, 20)
        mail.send(20)
        until(lambda: len(lines_of(path)) >= 100, 20)
        said = watch.log().count("cannot be renamed")
        check("full: ends cleanly", watch.end() == 0, watch.log())
        mail.end()
        check("full: said once", said == 1 and "No space left" in watch.log(), watch.log())
        check("full: all stands in the old file", whole(path) and len(ids(lines_of(path))) == len(lines_of(path)) >= 100, len(lines_of(path)))
        check("full: nothing lies about", sorted(os.listdir(place)) == ["alerts", "last"], os.listdir(place))
    finally:
        subprocess.run(["umount", "-l", place], check=False)


# ---- logrotate's ----

def rotate(work, path, *directives):
    conf, state = os.path.join(work, "logrotate.conf"), os.path.join(work, "logrotate.state")
    with open(conf, "w", encoding="ascii") as f:
        f.write(f"{path} {{\n\trotate 50\n\tmissingok\n\tnotifempty\n\t" + "\n\t".join(directives) + "\n}\n")
    os.chmod(conf, 0o644)
    r = subprocess.run([LOGROTATE, "-f", "-s", state, conf], capture_output=True, text=True, timeout=60)
    check("logrotate has nothing to say", r.returncode == 0 and not r.stderr, r.stderr)


def hup(pid):
    return "sharedscripts", "postrotate", f"kill -HUP {pid}", "endscript"


def numbered(path):
    """logrotate's files, oldest first, and the file itself."""
    return sorted(glob.glob(path + ".[0-9]*"), key=lambda p: -int(p.rsplit(".", 1)[1])) + [path]


def created(wire, work):
    place = folder(work, "create", WATCHER)
    path = os.path.join(place, "alerts")
    conf = config(os.path.join(work, "create.yaml"), {"type": "file", "path": path, "datasets": ["alert"]}, more=base())
    watch, mail = Watch(wire, work, conf), Mail(wire)
    watch.up()
    create = f"create 0640 {WATCHER.pw_name if WATCHER else 'root'}"
    thread = threading.Thread(target=mail.send, args=(600, 300))
    thread.start()
    for _ in range(3):
        time.sleep(0.6)
        rotate(work, path, create, *hup(watch.process.pid))
    thread.join()
    check("create: every alert is there", until(lambda: len(ids(gather(numbered(path)))) >= 600, 20), (len(ids(gather(numbered(path)))), watch.log()))
    mail.send(20)   # where the machine was slow, all were sent before the last renaming
    check("create: the new file is written", until(lambda: os.path.getsize(path) > 0, 20), os.listdir(place))
    before = len(lines_of(path))
    with open(conf, "a", encoding="ascii") as f:
        f.write("nonsense: 1\n")
    rotate(work, path, create, *hup(watch.process.pid))
    check("create: a configuration that is broken by now is told", until(lambda: "not reloaded" in watch.log(), 30), watch.log())
    time.sleep(0.5)
    mail.send(20)
    check("create: and the file is opened anew all the same", until(lambda: len(lines_of(path)) >= 20, 10), (os.listdir(place), before, watch.log()))
    check("create: ends cleanly", watch.end() == 0, watch.log())
    mail.end()
    events = gather(numbered(path))
    check("create: whole lines", all(whole(p) for p in numbered(path)))
    check("create: each once", len(events) == len(ids(events)) >= 620, collections.Counter(ids(events).values()))


def truncated(wire, work):
    place = folder(work, "copy", WATCHER)
    path = os.path.join(place, "alerts")
    conf = config(os.path.join(work, "copy.yaml"), {"type": "file", "path": path, "datasets": ["alert"]}, more=base())
    watch, mail = Watch(wire, work, conf), Mail(wire)
    watch.up()
    for i in range(3):
        mail.send(60)
        check("copytruncate: written", until(lambda: len(lines_of(path)) >= 60, 20), (len(lines_of(path)), watch.log()))
        time.sleep(0.5)
        rotate(work, path, "copytruncate")
        check("copytruncate: emptied", os.path.getsize(path) == 0, os.path.getsize(path))
    thread = threading.Thread(target=mail.send, args=(300, 300))  # and while it is written: what comes between copy and cut is lost
    thread.start()
    time.sleep(0.5)
    rotate(work, path, "copytruncate")
    thread.join()
    time.sleep(1.5)
    check("copytruncate: ends cleanly", watch.end() == 0, watch.log())
    mail.end()
    events = gather(numbered(path))
    check("copytruncate: no hole, no torn line", all(whole(p) for p in numbered(path)))
    check("copytruncate: each once, and hardly one is missing", len(events) == len(ids(events)) > 400, len(events))


def by_judge(work):
    """Lines by a pipe for as long as one likes: SIGHUP has the file opened anew, and does not end it."""
    place = folder(work, "judge", READER)
    path = os.path.join(place, "out")
    lines = subprocess.run([PROGRAM, "read", "--trust-anchor", ANCHOR, "--format", "ndjson", *CAPTURES], capture_output=True, text=True, timeout=120).stdout
    sessions = [line for line in lines.splitlines(True) if '"mxwitness.session"' in line]
    conf = config(os.path.join(work, "judge.yaml"), {"type": "file", "path": path, "datasets": ["alert"]})
    command = [PROGRAM, "judge", "--lateness", "1ms", "--silent", "1s"]
    plain = subprocess.run([*command, "--format", "ndjson", "-"], input="".join(sessions), capture_output=True, text=True, timeout=60).stdout
    want = [json.loads(line) for line in plain.splitlines() if '"mxwitness.alert"' in line]
    with subprocess.Popen([*command, "-c", conf, "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        half = len(sessions) // 2
        p.stdin.writelines(sessions[:half])
        p.stdin.flush()
        until(lambda: os.path.exists(path) and os.path.getsize(path) > 0, 20)
        time.sleep(1)
        if LOGROTATE:
            rotate(work, path, "create 0640", *hup(p.pid))
        else:
            os.rename(path, path + ".1")
            p.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        p.stdin.writelines(sessions[half:])
        p.stdin.close()
        p.wait(timeout=60)
        said = p.stderr.read()
    check("judge: was not ended by SIGHUP", p.returncode in (0, 1) and not said, (p.returncode, said))
    first, second = lines_of(path + ".1"), lines_of(path)
    check("judge: two files, and together they are all", first and second and ids(first + second) == ids(want), (len(first), len(second), len(want)))


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        by_read(work)
        by_judge(work)
        why = sensor.usable() or ("" if delivery.TEMPLATE else "editcap is missing")
        parts = [by_watch, full] if not why else []
        if why:
            skipped.append("live: " + why)
        elif LOGROTATE:
            parts += [created, truncated]
        if not LOGROTATE:
            skipped.append("logrotate is missing")
        for part in parts:
            with sensor.Wire(part.__name__[:5]) as wire, tempfile.TemporaryDirectory() as place:
                os.chmod(place, 0o755)
                part(wire, place)
    print(f"rotate: {passed} passed, {failed} failed" + (f", {len(skipped)} skipped ({'; '.join(skipped)})" if skipped else ""))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
