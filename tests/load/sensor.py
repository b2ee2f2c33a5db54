"""A sensor on one end of a veth pair, in a network namespace of its own; packets go in at the other end. For load.py,
soak.py and bench/live_rates.py."""
import glob, json, os, resource, signal, socket, struct, subprocess, tempfile, time

PAGE = resource.getpagesize()


def run(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True).stdout


def usable():
    """Why there can be no such namespace here, or ''."""
    if os.getuid() != 0:
        return "it needs root"
    probe = f"mxwprobe{os.getpid()}"
    try:
        run("ip", "netns", "add", probe)
        run("ip", "netns", "del", probe)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "no network namespaces can be made here"
    return ""


class Wire:
    """with Wire(name) as wire: f0 is where a sensor listens, f1 where packets go in."""

    def __init__(self, name):
        self.name = f"mxw{name}{os.getpid()}"

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        try:
            run(*self.inside("ip", "link", "add", "f0", "mtu", "9000", "type", "veth", "peer", "name", "f1", "mtu", "9000"))
            for end in ("f0", "f1"):
                run(*self.inside("sysctl", "-q", "-w", f"net.ipv6.conf.{end}.disable_ipv6=1"))
                run(*self.inside("ip", "link", "set", end, "up"))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run(("ip", "netns", "del", self.name), check=False)

    def inside(self, *args):
        return ("ip", "netns", "exec", self.name) + args


class Sensor:
    """with Sensor(program, wire, ...) as sensor: `mxwitness watch` on f0, ended in the end. events: what it wrote, then."""

    def __init__(self, program, wire, *args, config=""):
        self.work = tempfile.TemporaryDirectory()
        os.chmod(self.work.name, 0o755)
        self.path = os.path.join(self.work.name, "out")
        self.log_path = os.path.join(self.work.name, "log")
        yaml = os.path.join(self.work.name, "mxwitness.yaml")
        with open(yaml, "w", encoding="ascii") as f:
            f.write(config if "state:" in config else "state: none\n" + config)
        self.command = wire.inside(os.path.abspath(program), "watch", "-i", "f0", "-c", yaml, "--format", "ndjson", *args)

    def __enter__(self):
        path = os.path.join(self.work.name, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, open(self.path, "wb") as out, open(self.log_path, "wb") as log:
            ready.bind(path)
            ready.settimeout(30)
            self.process = subprocess.Popen(self.command, stdout=out, stderr=log, env=dict(os.environ, NOTIFY_SOCKET=path))
            try:
                while b"READY=1" not in ready.recv(256):
                    pass
            except TimeoutError:
                self.process.kill()
                raise RuntimeError(f"the sensor does not start: {open(self.log_path, encoding='utf-8').read()}") from None
        until = time.monotonic() + 10
        while "mxwitness" in self.pids() and time.monotonic() < until:
            time.sleep(0.05)  # a process has its name a little later
        self.first = self.pids()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.status = self.process.wait(timeout=90)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.status = None
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            self.log = f.read()
        self.events = self.look()
        self.work.cleanup()

    def look(self):
        """The events so far."""
        with open(self.path, "rb") as f:
            lines = f.read().split(b"\n")
        return [json.loads(line) for line in lines[:-1]]

    def pids(self):
        """Of each process by its name; the supervisor's is mxwitness."""
        found = {}
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as f:
            children = [int(word) for word in f.read().split()]
        for pid in [self.process.pid] + children:
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii", errors="replace") as f:
                    found[f.read().strip().removeprefix("mxw-") if pid != self.process.pid else "supervisor"] = pid
            except FileNotFoundError:
                pass
        return found

    def memory(self):
        """Resident octets of each process by name."""
        found = {}
        for name, pid in self.pids().items():
            try:
                with open(f"/proc/{pid}/statm", encoding="ascii") as f:
                    found[name] = int(f.read().split()[1]) * PAGE
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def cpu(self):
        """Seconds of processor time of each process by name."""
        found = {}
        for name, pid in self.pids().items():
            found[name] = 0.0
            for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
                try:
                    with open(path, encoding="ascii") as f:
                        found[name] += int(f.read().split()[0]) / 1e9
                except (FileNotFoundError, ProcessLookupError):
                    pass
        return found

    def wait_idle(self, seconds=30):
        """Until the sensor needs no more processor time than it does without packets."""
        until, before = time.monotonic() + seconds, sum(self.cpu().values())
        while time.monotonic() < until:
            time.sleep(0.5)
            now = sum(self.cpu().values())
            if now - before < 0.05:
                return True
            before = now
        return False


def stats(events):
    """The numbers of the last stats event."""
    last = [e for e in events if e["event"]["dataset"] == "mxwitness.stats"]
    return last[-1]["mxwitness"]["stats"] if last else {}


def inject(wire, packets, pause=0.0):
    """Puts packets in at f1."""
    code = ("import socket,sys,struct,time\n"
            "s=socket.socket(socket.AF_PACKET,socket.SOCK_RAW);s.bind(('f1',0));i=sys.stdin.buffer\n"
            f"while (h:=i.read(4)):\n s.send(i.read(struct.unpack('I',h)[0]));time.sleep({pause})\n")
    subprocess.run(wire.inside("python3", "-c", code), check=True,
                   input=b"".join(struct.pack("I", len(p)) + p for p in packets))
