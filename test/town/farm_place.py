"""The world of farm_truth.py in two network namespaces, the registries, names and sites in one, who asks in the other. `with Place(folder, world=…,
speed=…) as place:` builds them; place.options are the settings with which a Noroshi started by place.before meets nobody else. Needs root, iproute2, named and openssl."""

import atexit
import concurrent.futures
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import time

import farm_dns
import farm_sites
import farm_truth
import farm_web
import net

HERE = pathlib.Path(__file__).resolve().parent


def can_build():
    return pathlib.Path(farm_dns.NAMED).exists() and net.can_build()


class Place:
    def __init__(self, folder, world, speed=1, limits=None):
        self.folder = pathlib.Path(folder)
        self.arguments = world
        self.world = farm_truth.World(**world)
        self.config = {"world": world, "speed": speed, "limits": limits or {}, "folder": str(self.folder)}
        prefix = f"noroshi-{os.getpid()}-{id(self) & 0xffff:x}-"
        self.namespace, self.registries = prefix + "asker", prefix + "registries"
        self.processes = {}
        self.options = ["operator.organisation=Example CSIRT", "operator.mail=abuse@csirt.example", "operator.page=https://csirt.example/probing",
                        f"outside.test_network=[{farm_truth.NETWORK}]", f"outside.resolver={farm_truth.RESOLVER}:53", f"outside.ca_file={self.folder}/authority.pem",
                        f"contact.clock_speed={speed}", "probe.attackers=false", "probe.tap=false"]

    def __enter__(self):
        atexit.register(self.end)
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in [self.folder, *self.folder.parents]:
            if str(part).startswith("/tmp/"):
                part.chmod(part.stat().st_mode | 0o111)
        try:
            self.build()
            farm_web.make_authority(self.folder, self.world)
            (self.folder / "farm.json").write_text(json.dumps(self.config))
            named = farm_dns.write(self.world, self.folder / "named")
            self.start("named", [farm_dns.NAMED, "-g", "-n", "1", "-U", "1", "-c", str(named)], ready=None)
            self.start("farm", [net.PYTHON, str(HERE / "farm.py"), str(self.folder / "farm.json")])
            self.start("web", [net.PYTHON, str(HERE / "farm_web.py"), str(self.folder / "farm.json")])
            self.wait_for_names()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def build(self):
        """Every address of the world's servers and sites is one of the registries' namespace; to any other there is no route."""
        here, there = self.namespace, self.registries
        local = [farm_truth.NETWORK] + [f"{site.address}/32" for site in self.world.sites if site.of_address() != "nothing"]
        net.ip_batch([f"netns add {here}", f"netns add {there}", f"link add name out netns {here} type veth peer name in netns {there}"])
        net.ip_batch(["link set lo up", "link set in up", "addr add 10.78.0.2/30 dev in", f"addr add {farm_truth.RESOLVER}/32 dev lo",
                      *[f"route add local {prefix} dev lo" for prefix in local]], there)
        net.ip_batch(["link set lo up", "link set out up", "addr add 10.78.0.1/30 dev out", *[f"route add {prefix} via 10.78.0.2" for prefix in local]], here)

    def end(self):
        atexit.unregister(self.end)
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()
        self.processes = {}
        for name in (self.namespace, self.registries):
            if pathlib.Path("/run/netns", name).exists():
                subprocess.run(["ip", "netns", "del", name], capture_output=True)

    def before(self):
        """preexec_fn of who asks."""
        net.enter(self.namespace)

    def start(self, name, command, ready="ready"):
        def before():
            net.enter(self.registries)
            net.LIBC.prctl(net.PR_SET_PDEATHSIG, signal.SIGKILL)
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(command, preexec_fn=before, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if ready else log, stderr=log,
                                       cwd=self.folder, text=True)
        self.processes[name] = process
        if ready:
            assert process.stdout.readline() == ready + "\n", (self.folder / f"{name}.log").read_text()

    def inside(self, work):
        """Calls work() in a thread of who asks."""
        with concurrent.futures.ThreadPoolExecutor(1, initializer=self.before) as pool:
            return pool.submit(work).result()

    def wait_for_names(self):
        question = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\5whois\4arin\3net\0\0\1\0\1"

        def ask():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.3)
                try:
                    s.sendto(question, (farm_truth.RESOLVER, 53))
                    return s.recv(512)[3] & 15
                except OSError:
                    return None
        end = time.monotonic() + 20
        while self.inside(ask) != 0:
            assert self.processes["named"].poll() is None and time.monotonic() < end, (self.folder / "named.log").read_text()[-3000:]
            time.sleep(0.1)

    def stats(self, command="stats"):
        """{registry: what it counted}"""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(self.folder / "farm.sock"))
            s.sendall(command.encode())
            data = b""
            while more := s.recv(1 << 20):
                data += more
        return json.loads(data)

    def limit(self, whose, **limit):
        self.stats(f"limit {whose} {json.dumps(limit)}")

    def asked_of_web(self):
        return farm_web.asked(self.folder)

    def write_resolutions(self, now=None):
        """The world's passive DNS in two formats; the second half of the rows in the other one: {reader: file}."""
        rows = farm_sites.resolutions(self.world.sites, int(now or time.time()))
        half = len(rows) // 2
        files = {"cof": self.folder / "resolutions.cof", "dnsdb": self.folder / "resolutions.dnsdb"}
        files["cof"].write_text(farm_sites.as_cof(rows[:half]))
        files["dnsdb"].write_text(farm_sites.as_dnsdb(rows[half:]))
        return files

    def write_targets(self):
        """In no order, so that all registries have something to do."""
        path = self.folder / "targets"
        targets = sorted(self.world.targets())
        random.Random(1).shuffle(targets)
        path.write_text("\n".join(targets) + "\n")
        path.chmod(0o644)
        return path
