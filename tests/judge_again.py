#!/usr/bin/env python3
"""mxwitness judge: sessions judged once more from their lines give what `read` gave; what is no line does no harm.

usage: judge_again.py MXWITNESS ROUNDTRIP [--long]
Captures (a share of them, others each day; --long: all): read's lines come back the same (ROUNDTRIP); judged again they give the same
sessions and the same alerts, as they are, shuffled, every line twice, and with damaged ones between. Then several sensors, a state on
disk and a kill, a stream that does not end, sessions that are not over, the processes and their rights, and the command line."""
import concurrent.futures
import glob
import json
import os
import pwd
import random
import select
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM, ROUNDTRIP = (os.path.abspath(p) for p in sys.argv[1:3])
LONG = "--long" in sys.argv
PCAPS = os.path.join(HERE, "pcaps")
ANCHOR = os.path.join(PCAPS, "root.anchor")
SHARE = 1 if LONG else int(os.environ.get("JUDGE_SHARE", "16"))
WORDS = ("event.id", "rule.id", "mxwitness.alert.level", "mxwitness.certainty", "mxwitness.variant", "mxwitness.alert.incident",
         "mxwitness.alert.revision", "mxwitness.alert.sessions", "mxwitness.alert.count", "mxwitness.alert.state", "message", "event.reason")
EVER = ("--lateness", "36500d", "--silent", "36500d")
AHEAD = ("--ahead", "36500d")      # some captures tell of months to come


def member(event, name):
    for part in name.split("."):
        if not isinstance(event, dict) or part not in event:
            return None
        event = event[part]
    return event


def dataset(event):
    return event["event"]["dataset"].split(".")[1]


def alerts(events):
    """What counts of alerts about sessions: those about the sensor itself are the sensor's."""
    return [[member(e, w) for w in WORDS] for e in events if dataset(e) == "alert" and member(e, "mxwitness.alert.sessions")]


def sessions(events):
    out = [json.loads(json.dumps(e)) for e in events if dataset(e) == "session"]
    for e in out:
        del e["event"]["sequence"]
        e["observer"].pop("name", None)
    return out


def parse(data):
    return [json.loads(line) for line in data.splitlines()]


def judge(lines, *options, all_of_them=True):
    args = [PROGRAM, "judge", "--format", "ndjson", *AHEAD, *(["--all"] if all_of_them else []), *options, "-"]
    run = subprocess.run(args, input=b"".join(lines), stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    return parse(run.stdout), run.stderr.decode(errors="replace"), run.returncode


class Capture:
    """A capture, how its expectation says that it is read, and the lines that come of it."""

    def __init__(self, path):
        self.name = os.path.relpath(path, PCAPS)
        with open(os.path.splitext(path)[0] + ".expect.json", encoding="utf-8") as f:
            expect = json.load(f)
        folder = os.path.dirname(path)
        options = [os.path.join(folder, o) if o.endswith((".yaml", ".pcapng")) else o for o in expect.get("options", [])]
        self.state = bool(expect.get("state"))
        self.options = [w for i, o in enumerate(options) if o == "-c" for w in (o, options[i + 1])]
        with tempfile.TemporaryDirectory() as kept:
            args = [PROGRAM, "read", "--format", "ndjson", "--dns", expect.get("dns", "capture"), "--trust-anchor", ANCHOR, *options]
            self.lines = subprocess.run(args + self.kept(kept) + [path], stdout=subprocess.PIPE, check=False, timeout=120).stdout.splitlines(True)
        self.events = [json.loads(line) for line in self.lines]

    def kept(self, folder):
        os.chmod(folder, 0o777)         # whoever judges has no rights of root's
        return ["--state", folder] if self.state else []

    def judge(self, lines, *options):
        with tempfile.TemporaryDirectory() as folder:
            return judge(lines, *self.options, *options, *self.kept(folder))


def differs(capture, what, got):
    events, err, status = got
    problems = []
    for name, part in (("alerts", alerts), ("sessions", sessions)):
        have, want = part(events), part(capture.events)
        if have != want:
            first = next(((h, w) for h, w in zip(have, want) if h != w), (None, None))
            problems.append(f"{what}: {len(have)} {name}, read gave {len(want)}; {first[0]} for {first[1]}")
    if err or status not in (0, 1):
        problems.append(f"{what}: exit status {status}, {err.strip()}")
    if dataset(events[-1]) != "stats" or member(events[-1], "mxwitness.stats.complete") is not True:
        problems.append(f"{what}: the run does not say that it was complete")
    return problems


def one(path):
    capture = Capture(path)
    shuffled = list(capture.lines)
    random.Random(path).shuffle(shuffled)
    trip = subprocess.run([ROUNDTRIP], input=b"".join(capture.lines), stdout=subprocess.PIPE, check=False)
    problems = [] if trip.returncode == 0 else ["not the same lines again: " + trip.stdout.decode(errors="replace")[:2000]]
    first = capture.judge(capture.lines)
    problems += differs(capture, "as it is", first)
    problems += differs(capture, "shuffled", capture.judge(shuffled, *EVER))
    problems += differs(capture, "twice", capture.judge([line for line in capture.lines for _ in (0, 1)]))
    judged = [json.dumps(e).encode() + b"\n" for e in first[0]]
    problems += differs(capture, "what was judged, again", capture.judge(judged))
    return capture.name, problems


def captures():
    paths = sorted(p for p in glob.glob(os.path.join(PCAPS, "**", "*.pcap*"), recursive=True))
    share = paths[int(time.time() // 86400) % SHARE::SHARE]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, problems in pool.map(one, share):
            yield name, problems


def pick(*names):
    return [Capture(os.path.join(PCAPS, n + ".pcapng")) for n in names]


def damaged(line, rng):
    """What a network, a disk or an enemy makes of a line."""
    at = rng.randrange(1, len(line) - 2)
    yield line[:at] + b"\n"                                           # cut
    yield line[at:]                                                   # its end
    yield line[:at] + line                                            # cut, and the next one behind it
    yield line[:-1] + line                                            # two on one line
    yield line[:at] + bytes([rng.randrange(256) & 0x7f | 0x80]) * 4 + b'"' + line[at:].replace(b"}\n", b"\n")
    yield b'{"event":' * 40 + b"\n"
    yield b"\0" * 100 + b"\n"
    yield b"x" * 200000 + b"\n"
    yield line.replace(b'"mxwitness.session"', b'"mxwitness.session2"').replace(b'"module":"mxwitness"', b'"module":"other"')
    yield line.replace(b'"id":"', b'"id":"' + b"a" * 40)
    yield line.replace(b'"start":"2', b'"start":"9')
    yield line.replace(b'"schema":"1.', b'"schema":"2.')


def hostile():
    """Damaged lines between the good ones; each is counted, the first ten are named, and nothing else happens."""
    for capture in pick("auth-in-clear", "strip-dane-clear-ipv6", "several-steered-outage"):
        rng, lines, bad, numbers = random.Random(7), [], 0, []
        for line in capture.lines:
            for worse in damaged(line, rng) if b'"mxwitness.session"' in line else ():
                lines.append(worse)
                bad += 1
                numbers.append(len(lines))
            lines += [line, b"\n"]
        events, err, status = capture.judge(lines)
        problems = [p for p in differs(capture, "with damaged lines", (events[:-1] + capture.events[-1:], "", 0))]
        stats = member(events[-1], "mxwitness.stats")
        if status != 2 or stats["complete"] is not False or "standard input:1:" not in stats["reason"]:
            problems.append(f"exit status {status}, {stats.get('reason')}")
        if stats["lines"]["bad"] != bad or stats["lines"]["read"] != bad + len(capture.lines):
            problems.append(f"{stats['lines']} counted, {bad} are bad")
        named = [int(line.split("standard input:")[1].split(":")[0]) for line in err.splitlines() if "standard input:" in line]
        if named != numbers[:10] or f"{bad} lines were passed over" not in err:
            problems.append(f"named are {named}, of {bad}")
        yield capture.name + " with damaged lines", problems


def with_name(line, name):
    event = json.loads(line)
    event["observer"]["name"] = name
    return json.dumps(event).encode() + b"\n"


def sensors():
    """Every other session is another sensor's, whose lines come later, within the lateness or not."""
    for capture in pick("several-steered-outage", "several-masked-five", "incident-repeats"):
        lines = [line for line in capture.lines if b'"mxwitness.session"' in line]
        ours, theirs = ([with_name(line, name) for line in lines[i::2]] for i, name in enumerate(("here", "there")))
        turns = ours[:1] + theirs[:1] + ours[1:] + theirs[1:]
        got = capture.judge(turns, *EVER)
        problems = differs(capture, "of two sensors", got)
        if member(got[0][-1], "mxwitness.stats.lines.sensors") != min(2, len(lines)):
            problems.append("two sensors are not told apart")
        names = {member(e, "observer.name") for e in got[0] if dataset(e) == "session"}
        if names != ({"here", "there"} if len(lines) > 1 else {"here"}):
            problems.append(f"sessions are of {names}")
        late = capture.judge(turns, "--lateness", "0s", "--silent", "1ms")
        if sorted(e["event"]["id"] for e in sessions(late[0])) != sorted(e["event"]["id"] for e in sessions(capture.events)):
            problems.append("a late session is missing")
        last = max(json.loads(line)["@timestamp"] for line in ours)
        seen = [json.loads(line) for line in theirs[1:]]
        behind = [e for e in seen if e["@timestamp"] < last and member(e, "mxwitness.capture.end") in ("fin", "rst")]
        if (member(late[0][-1], "mxwitness.stats.lines.late") > 0) != bool(behind):
            problems.append(f"{member(late[0][-1], 'mxwitness.stats.lines.late')} sessions are late")
        yield capture.name + " of two sensors", problems


def stream(*options, lines=()):
    args = [PROGRAM, "judge", "--format", "ndjson", *AHEAD, *options, "-"]
    run = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
    run.stdin.write(b"".join(lines))
    run.stdin.flush()
    return run


def lines_within(run, seconds, n):
    """At most n lines that come in that time."""
    out, end = b"", time.monotonic() + seconds
    while out.count(b"\n") < n and time.monotonic() < end:
        if select.select([run.stdout], [], [], 0.1)[0]:
            more = os.read(run.stdout.fileno(), 65536)
            if not more:
                break
            out += more
    return parse(out)


def finish(run, number):
    run.send_signal(number)
    out, err = run.communicate(timeout=60)
    return parse(out), err.decode(errors="replace"), run.returncode


def live():
    """A stream that does not end: alerts come when it pauses, and SIGTERM is a good end."""
    capture, = pick("strip-dane-clear-ipv6")
    want = alerts(capture.events)
    run = stream("--lateness", "1s", lines=capture.lines)
    got = alerts(lines_within(run, 20, len(want)))
    rest, err, status = finish(run, signal.SIGTERM)
    yield "a stream that pauses", [] if want and got == want else [f"{len(got)} alerts in time, not {len(want)}"]
    good = status in (0, 1) and not err and not alerts(rest) and member(rest[-1], "mxwitness.stats.complete") is True
    yield "a stream that is ended", [] if good else [f"exit status {status}, {err}, {rest}"]
    run = stream("--lateness", "1h", lines=capture.lines)
    before = lines_within(run, 3, 1)
    rest, err, status = finish(run, signal.SIGINT)
    yield "what waits is judged at the end", [] if not before and alerts(rest) == want and not err else [f"{len(before)} before; {err}"]


def state():
    """What a judge that was killed has said is not said again; what it had not got to is."""
    capture, = pick("incident-repeats")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        options = (*capture.options, "--state", folder)
        want = alerts(capture.events)
        half = len(capture.lines) // 2
        run = stream(*options, "--lateness", "0s", lines=capture.lines[:half])
        first = alerts(lines_within(run, 3, 1000)) # and a second without a line, in which it is committed
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        events, err, _ = judge(capture.lines, *options)
        second = alerts(events)
        problems = [] if [a[0] for a in first + second] == [a[0] for a in want] else [
            f"{len(first)} and then {len(second)} alerts, of {len(want)}"]
        if not first or not second or err:
            problems.append(f"{len(first)} before, {len(second)} after; {err}")
        yield "killed and begun anew", problems
        events, err, status = judge(capture.lines, *options)
        n = len(sessions(capture.events))
        good = not alerts(events) and not sessions(events) and status == 0 and member(events[-1], "mxwitness.stats.lines.again") == n
        yield "all of it once more", [] if good else [f"{len(alerts(events))} alerts, exit status {status}, {err}"]


def interim():
    """A session that is not over is judged at once, out of turn, and its alert is not told again at its end."""
    capture, = pick("auth-in-clear")
    final, = [line for line in capture.lines if b'"mxwitness.session"' in line]
    event = json.loads(final)
    event["mxwitness"].setdefault("capture", {})["phase"] = "interim"
    event["mxwitness"]["capture"]["end"] = "none"
    early = json.dumps(event).encode() + b"\n"
    run = stream(*capture.options, *EVER, "--all", lines=[early, early])
    before = lines_within(run, 5, 1)
    run.stdin.write(final + early)
    run.stdin.close()
    events = parse(run.stdout.read())
    run.stderr.close()
    run.wait(timeout=60)
    want = {a[0] for a in alerts(capture.events)}
    got = [a[0] for a in alerts(before + events)]
    problems = [] if before and dataset(before[0]) == "alert" else ["no alert before the end"]
    if len(got) != len(set(got)) or not want <= set(got) or len(sessions(before + events)) != 1:
        problems.append(f"{len(got)} alerts of {len(want)}, {len(sessions(before + events))} sessions")
    yield "a session that is not over", problems


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(x) for x in f.read().split()]


def field(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        return next((line.split(":", 1)[1].strip() for line in f if line.startswith(name + ":")), None)


def rights():
    """Three processes; who parses lines has them and nothing else. One that dies is missed."""
    capture, = pick("auth-in-clear")
    uid = os.geteuid()
    if uid == 0 and "mxwitness" in [p.pw_name for p in pwd.getpwall()]:
        uid = pwd.getpwnam("mxwitness").pw_uid
    for victim in (None, "mxw-lines", "mxw-judge"):
        run = stream(*EVER, lines=capture.lines)
        time.sleep(1.5)
        pids = {field(p, "Name"): p for p in children(run.pid)}
        problems = [] if sorted(pids) == ["mxw-judge", "mxw-lines", "mxw-output"] else [f"processes are {sorted(pids)}"]
        for role, pid in pids.items():
            want = {"Seccomp": "2", "NoNewPrivs": "1", "CapEff": "0" * 16, "CapPrm": "0" * 16, "Uid": "\t".join([str(uid)] * 4)}
            problems += [f"{role}: {k} is {field(pid, k)}" for k, v in want.items() if field(pid, k) != v]
            if os.geteuid() == 0:
                inputs = [p for p in glob.glob(f"/proc/{pid}/fd/*") if int(os.path.basename(p)) > 2 and
                          os.readlink(p) == os.readlink(f"/proc/{run.pid}/fd/0")]
                if bool(inputs) != (role == "mxw-lines"):
                    problems.append(f"{role} has {len(inputs)} of the input")
        if victim and victim in pids:
            os.kill(pids[victim], signal.SIGKILL)
        run.stdin.close()
        out, err = run.stdout.read(), run.stderr.read().decode()
        run.stdout.close()
        run.stderr.close()
        status = run.wait(timeout=60)
        if victim and (status != 2 or victim[4:] not in err or member(parse(out)[-1], "mxwitness.stats.complete") is not False):
            problems.append(f"exit status {status}: {err}")
        yield f"rights, and the death of {victim}", problems


def usage():
    good = "/dev/null"
    for args, words in (([], "nothing named"), (["/no/such/file"], "/no/such/file: cannot be read"), ([HERE], "a directory"),
                        (["--lateness", "60", good], "--lateness 60"), (["--silent", "x", good], "--silent x"),
                        (["--ahead", "-1d", good], "--ahead -1d"), (["--dns", "off", good], "--dns means nothing to it"),
                        (["--evidence", "/tmp", good], "--evidence means nothing"), (["--state", "/no/such", good], "no such folder"),
                        (["--format", "cef", good], "table or ndjson"), (["-i", "lo", good], "-i belongs to"),
                        (["--rules", "/no/such", good], "/no/such")):
        run = subprocess.run([PROGRAM, "judge", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=60)
        err = run.stderr.decode()
        good_end = run.returncode == 2 and words in err and err.count("\n") == 1 and not run.stdout
        yield f"judge {' '.join(args)}", [] if good_end else [f"exit status {run.returncode}, {err.strip()}"]
    run = subprocess.run([PROGRAM, "read", "--lateness", "1s", good], stderr=subprocess.PIPE, stdout=subprocess.PIPE, timeout=60)
    yield "read --lateness", [] if run.returncode == 2 and b"belongs to: mxwitness judge" in run.stderr else [run.stderr.decode()]
    events, err, status = judge([])
    yield "no line at all", [] if status == 0 and not err and len(events) == 1 else [f"exit status {status}, {err}"]
    capture, = pick("auth-in-clear")
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in ("a", "b")]
        for path, line in zip(paths, (capture.lines[:1], capture.lines[1:])):
            with open(path, "wb") as f:
                f.writelines(line)
        run = subprocess.run([PROGRAM, "judge", *capture.options, "--format", "ndjson", *paths], stdout=subprocess.PIPE, check=False, timeout=60)
        yield "two files, and alerts alone", [] if alerts(parse(run.stdout)) == alerts(capture.events) and not sessions(parse(run.stdout)) else ["differ"]
        out = os.path.join(folder, "out")
        subprocess.run([PROGRAM, "judge", *capture.options, "--format", "table", "-o", out, *paths], check=False, timeout=60)
        with open(out, encoding="utf-8") as f:
            yield "as a table", [] if "1 session: 1 clear" in f.read() else ["no session in it"]


def main():
    passed = failed = 0
    for part in (usage, hostile, sensors, live, state, interim, rights, captures):
        for name, problems in part():
            for p in problems:
                print(f"{name}: {p}")
            passed += not problems
            failed += bool(problems)
    print(f"judge: {passed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
