"""A running Noroshi for end-to-end tests: starts the real program on a loopback port with a data folder of its own."""

import errno
import itertools
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("NOROSHI", SOURCE / "build" / "noroshi"))
SHARED = pathlib.Path(os.environ.get("NOROSHI_SHARED", SOURCE.parent / "shared"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def call(*arguments, data=None, options=(), check=None, config=None, **more):
    """Runs a verb to its end; `options` are section.key=value."""
    command = [str(PROGRAM), "--config", str(config or SOURCE / "conf" / "noroshi.yaml")]
    if data is not None:
        command += ["--data", str(data)]
    for option in options:
        command += ["-o", option]
    done = subprocess.run(command + list(arguments), capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL, **more)
    if check is not None:
        assert done.returncode == check, (done.returncode, done.stdout, done.stderr)
    return done


class Noroshi:
    """`with Noroshi(data) as n:` waits for the line `ready`; leaving stops it and expects exit status 0."""

    def __init__(self, data, options=(), profile="any", port=None, config=None, arguments=(), listeners=None, before=None):
        self.data = pathlib.Path(data)
        self.port = port or free_port()
        self.options = list(options)
        services = listeners or f'[{{service: telnet, listen: "127.0.0.1:{self.port}", profile: "{profile}"}}]'
        self.options.append(f"services={services}")
        self.config = config or SOURCE / "conf" / "noroshi.yaml"
        self.arguments = list(arguments)
        self.before = before  # called in the new process before it becomes the program
        self.process = None
        self.log = self.data.parent / (self.data.name + ".log")

    def start(self, wait=30):
        command = [str(PROGRAM), "--config", str(self.config), "--data", str(self.data)]
        for option in self.options:
            command += ["-o", option]
        with open(self.log, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen(command + ["run"] + self.arguments, stderr=log, stdout=log, stdin=subprocess.DEVNULL, preexec_fn=self.before)
        end = time.monotonic() + wait
        while time.monotonic() < end:
            text = self.log.read_bytes()[begin:]
            if re.search(rb"^ready$", text, re.M):
                return self
            assert self.process.poll() is None, text.decode(errors="replace")
            time.sleep(0.02)
        raise AssertionError("not ready: " + self.log.read_text(errors="replace"))

    def stop(self, status=0, wait=60):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(wait)
        assert code == status, (code, self.log.read_text(errors="replace"))

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
        else:
            self.process.kill()
            self.process.wait()
            print(self.log.read_text(errors="replace")[-4000:])

    def roles(self):
        """{"edge.0": pid, …} of the running roles."""
        found = {}
        for pid in children(self.process.pid):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if b"--role" in words:
                found[words[words.index(b"--role") + 1].decode()] = pid
        return found

    def processes(self):
        return [self.process.pid] + children(self.process.pid)

    def report(self, name, *more):
        done = call("report", name, "--json", *more, data=self.data)
        assert done.returncode in (0, 3), done.stderr
        return json.loads(done.stdout)["rows"]


def children(pid):
    try:
        return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


# Below the range the kernel chooses from, so that no two clients of one run have the same port: a session is known by it.
SOURCE_PORTS = itertools.cycle(range(10000, 30000))
for _ in range(os.getpid() * 641 % 20000):
    next(SOURCE_PORTS)


def connect(host, port, timeout):
    own = "::" if ":" in host else "0.0.0.0"
    for source in SOURCE_PORTS:
        try:
            return socket.create_connection((host, port), timeout, source_address=(own, source))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                raise


class Telnet:
    """A plain client: says bytes, waits for bytes. Options are never answered."""

    def __init__(self, port, host="127.0.0.1", timeout=20, source=None):
        self.socket = connect(host, port, timeout) if source is None else socket.create_connection((host, port), timeout, source_address=source)
        self.seen = b""

    def until(self, *wanted):
        """Everything up to one of the byte strings; None at the end of the connection."""
        while not any(w in self.seen for w in wanted):
            more = self.socket.recv(65536)
            if not more:
                return None
            self.seen += more
        seen, self.seen = self.seen, b""
        return seen

    def say(self, data):
        self.socket.sendall(data)

    def login(self, user=b"root", password=b"admin"):
        assert self.until(b"ogin:", b"ame:", b"ser:", b"ogin :") is not None
        self.say(user + b"\r\n")
        assert self.until(b"assword") is not None
        self.say(password + b"\r\n")
        return self.until(b"# ", b"$ ", b"> ")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
