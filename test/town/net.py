"""A small internet in network namespaces, for tests: a hub where Noroshi runs, routers one behind the other, streets of hosts behind each, and
a gateway whose one address two hosts share. What lives there stands in net_truth.py.

    hub ── r1 ── r2 ── r3 ── r4 ── gate ═ linux, windows
            │     │     │     │
        streets of houses, each address a host

`with Town(folder) as town:` builds it, `town.run([...])` runs a command in the hub, `with town.capture(place)` sees what passes there. Needs
root (CAP_SYS_ADMIN, CAP_NET_ADMIN) and iproute2; nothing outside of the namespaces is touched. Leaving ends all of it."""

import atexit
import ctypes
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time

import net_truth
from net_truth import GATE, GATE_HOPS, HUB, STREETS

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
HERE = pathlib.Path(__file__).resolve().parent
PYTHON = "/usr/bin/python3"  # the one that has Debian's modules
ROUTERS = 4
# Which of the two hosts behind the gate has a port; what is asked of any other goes to the first. Their own connections begin from ports of
# their own (RFC 6346), so that answers find back.
GATE_HOSTS = {"linux": (64, (20000, 29999)), "windows": (128, (40000, 49999))}


def enter(namespace):
    """Moves the calling thread, or the process that is about to become a program."""
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if LIBC.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(fd)


def can_build():
    """True where a test may make namespaces: the reason to skip is that it may not."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"noroshi-{os.getpid()}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode == 0
    if made:
        subprocess.run(["ip", "netns", "del", name], check=True)
    return made


def ip_batch(lines, namespace=None):
    # `ip -n` would remount "/", which is no mount point in a chroot.
    inside = (lambda: enter(namespace)) if namespace else None
    done = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, capture_output=True, preexec_fn=inside)
    assert done.returncode == 0, (namespace, done.stderr, lines)


class Capture:
    """Every IPv4 packet that passes an interface, from entering to leaving: [(time, source, destination, protocol, source port, destination
    port, TCP flags, TTL, outgoing)]."""

    def __init__(self, town, place, interface):
        self.socket = town.socket_in(place, socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
        self.socket.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
        self.socket.bind((interface, 0x0003))
        self.socket.settimeout(0.2)
        self.packets = []
        self.ending = False
        self.thread = threading.Thread(target=self.read, daemon=True)

    def read(self):
        while True:
            try:
                data, where = self.socket.recvfrom(65535)
            except socket.timeout:
                if self.ending:
                    return
                continue
            if len(data) < 24 or data[0] >> 4 != 4:
                continue
            head = (data[0] & 15) * 4
            protocol = data[9]
            ports = struct.unpack_from(">HH", data, head) if protocol in (6, 17) and len(data) >= head + 4 else (0, 0)
            flags = data[head + 13] if protocol == 6 and len(data) >= head + 14 else 0
            self.packets.append((time.time(), socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20]), protocol, *ports, flags, data[8], where[2] == 4))

    def of(self, address):
        return [p for p in self.packets if address in (p[1], p[2])]

    def connections(self):
        """{(destination, port, "tcp" or "udp", own port)} that were begun from the hub: SYNs without their repetitions, UDP conversations."""
        begun = set()
        for _, source, destination, protocol, own, port, flags, _, _ in self.packets:
            if source == HUB and (protocol == 17 or (protocol == 6 and flags & 0x12 == 0x02)):
                begun.add((destination, port, "tcp" if protocol == 6 else "udp", own))
        return begun

    def lost(self):
        """Packets the kernel could not hand over."""
        return struct.unpack("II", self.socket.getsockopt(263, 6, 8))[1]  # SOL_PACKET, PACKET_STATISTICS

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self.ending = True
        self.thread.join()
        assert self.lost() == 0
        self.socket.close()


class Town:
    def __init__(self, folder, houses=None):
        self.folder = pathlib.Path(folder)
        self.houses = houses if houses is not None else net_truth.ALL
        self.prefix = f"noroshi-{os.getpid()}-{id(self) & 0xffff:x}-"
        self.processes = []
        self.places = ["hub", *[f"r{n}" for n in range(1, ROUTERS + 1)], *[f"street{n}" for n in STREETS], "gate", *GATE_HOSTS]

    # ---- building ----

    def namespace(self, place):
        return self.prefix + place

    def __enter__(self):
        atexit.register(self.end)
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self.build()
            self.open_houses(self.houses)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        atexit.unregister(self.end)
        for process in self.processes:
            if process.poll() is None:
                process.kill()
        for process in self.processes:
            process.wait()
        self.processes = []
        existing = set(os.listdir("/run/netns")) if os.path.isdir("/run/netns") else set()
        mine = [self.namespace(place) for place in self.places if self.namespace(place) in existing]
        if mine:
            subprocess.run(["ip", "-batch", "-"], input="".join(f"netns del {name}\n" for name in mine), text=True, capture_output=True)

    def write(self, place, settings):
        """sysctls of one namespace."""
        def work():
            for name, value in settings.items():
                pathlib.Path("/proc/sys/net", *name.split("/")).write_text(str(value))
        self.inside(place, work)

    def build(self):
        n = self.namespace
        ip_batch([f"netns add {n(place)}" for place in self.places])
        links = [("hub", "core", "r1", "north")] + [(f"r{k}", "south", f"r{k + 1}", "north") for k in range(1, ROUTERS)]
        links += [(f"r{hops}", f"street{street}", f"street{street}", "lan") for street, (hops, _) in STREETS.items()]
        links += [(f"r{GATE_HOPS}", "gate", "gate", "north")] + [("gate", host, host, "lan") for host in GATE_HOSTS]
        ip_batch([f"link add name {a} netns {n(x)} type veth peer name {b} netns {n(y)}" for x, a, y, b in links])
        for place in self.places:
            self.write(place, {"ipv6/conf/all/disable_ipv6": 1, "ipv6/conf/default/disable_ipv6": 1, "ipv4/conf/all/rp_filter": 0,
                               "ipv4/conf/default/rp_filter": 0, "ipv4/ip_forward": int(place == "gate" or place[1:].isdigit())})
        ip_batch([f"addr add {HUB}/24 dev core", "link set lo up", "link set core up", "route add 10.77.0.0/16 via 10.77.0.254"], n("hub"))
        for k in range(1, ROUTERS + 1):
            self.build_router(k)
        for street, (_, ttl) in STREETS.items():
            self.write(f"street{street}", {"ipv4/ip_default_ttl": ttl})
            addresses = [house.address for house in self.houses if house.street == street] or [f"10.77.{street}.1"]
            ip_batch([f"addr add {address}/24 dev lan" for address in addresses]
                     + ["link set lo up", "link set lan up", f"route add default via 10.77.{street}.254"], n(f"street{street}"))
        self.build_gate()

    def build_router(self, k):
        """A router's networks: 10.77.(250 + k).0/24 lies between it and the next; streets are 10.77.STREET.0/24."""
        up = "10.77.0.254/24" if k == 1 else f"10.77.{249 + k}.2/24"
        lines = ["link set lo up", f"addr add {up} dev north", "link set north up"]
        for street, (hops, _) in STREETS.items():
            if hops == k:
                lines += [f"addr add 10.77.{street}.254/24 dev street{street}", f"link set street{street} up"]
            elif hops > k:
                lines += [f"route add 10.77.{street}.0/24 via 10.77.{250 + k}.2"]
        if k < ROUTERS:
            lines[3:3] = [f"addr add 10.77.{250 + k}.1/24 dev south", "link set south up"]
            lines += [f"route add {GATE}/32 via 10.77.{250 + k}.2"]
        if k == GATE_HOPS:
            lines += ["addr add 10.77.240.1/30 dev gate", "link set gate up", f"route add {GATE}/32 via 10.77.240.2"]
        if k > 1:
            lines += [f"route add default via 10.77.{249 + k}.1"]
        ip_batch(lines, self.namespace(f"r{k}"))

    def build_gate(self):
        """Ports are forwarded to whom they belong by policy routing, so that no packet filter is needed; both hosts have the gate's address."""
        lines = ["link set lo up", "addr add 10.77.240.2/30 dev north", "link set north up", "route add default via 10.77.240.1"]
        for number, (host, (ttl, (first, last))) in enumerate(GATE_HOSTS.items()):
            lines += [f"addr add 192.168.{number}.1/30 dev {host}", f"link set {host} up",
                      f"route add {GATE}/32 via 192.168.{number}.2 table {101 + number}",
                      f"rule add priority {100 + number} to {GATE} ipproto tcp dport {first}-{last} lookup {101 + number}"]
            self.write(host, {"ipv4/ip_default_ttl": ttl, "ipv4/ip_local_port_range": f"{first} {last}"})
            ip_batch(["link set lo up", f"addr add {GATE}/32 dev lo", f"addr add 192.168.{number}.2/30 dev lan", "link set lan up",
                      f"route add default via 192.168.{number}.1 src {GATE}"], self.namespace(host))
        ip_batch([*lines, f"rule add priority 200 to {GATE} lookup 101"], self.namespace("gate"))

    # ---- what happens there ----

    def inside(self, place, work):
        """Calls work() in a thread that is in that namespace."""
        result, error = [], []

        def body():
            try:
                enter(self.namespace(place))
                result.append(work())
            except BaseException as e:
                error.append(e)
        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if error:
            raise error[0]
        return result[0]

    def socket_in(self, place, *arguments):
        return self.inside(place, lambda: socket.socket(*arguments))

    def becoming(self, place, daemon=True):
        """preexec_fn of a process in that namespace; a daemon ends with this process."""
        def before():
            enter(self.namespace(place))
            if daemon:
                LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        return before

    def run(self, command, place="hub", **more):
        return subprocess.run(command, preexec_fn=self.becoming(place, daemon=False), **more)

    def start(self, command, place, **more):
        with open(self.folder / f"{place}.log", "ab") as log:
            process = subprocess.Popen(command, preexec_fn=self.becoming(place), stdin=subprocess.DEVNULL,
                                       **{"stdout": log, "stderr": log, "cwd": self.folder, **more})
        self.processes.append(process)
        return process

    def capture(self, place="hub", interface=None):
        return Capture(self, place, interface or ("core" if place == "hub" else "lan"))

    def place_of(self, house, attacking=False):
        if house.address == GATE:
            return "windows" if attacking else "linux"
        return f"street{house.street}"

    def open_houses(self, houses):
        """Starts what they serve, and waits until all of it listens."""
        from net_real import start_real  # it needs this module
        listening = []
        scripts = {}
        for house in houses:
            for port, service in house.ports.items():
                place = self.place_of(house)
                if service["kind"] == "real":
                    start_real(self, house, port, service)
                else:
                    scripts.setdefault(place, []).append(self.service(house, port, service))
                if not service.get("udp"):
                    listening.append((place, house.address, port))
        for place, services in scripts.items():
            self.start_scripts(place, services)
        end = time.monotonic() + 20
        for place, address, port in listening:
            self.inside(place, lambda: wait_for(address, port, end))

    def service(self, house, port, service):
        arrives = service.get("arrives")
        hops = GATE_HOPS + 1 if house.address == GATE else STREETS[house.street][0]
        return {**service, "address": house.address, "port": port, "ttl": arrives + hops if arrives else None}

    def start_scripts(self, place, services):
        file = self.folder / f"{place}-{len(self.processes)}.json"
        file.write_text(json.dumps(services))
        process = self.start([PYTHON, str(HERE / "net_servers.py"), str(file)], place, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "ready\n", (self.folder / f"{place}.log").read_text()
        return process

    def open_before(self, house):
        """The house as it was at an earlier time; call the result to end that time. Its street's other services must not have the port."""
        return self.start_scripts(self.place_of(house), [self.service(house, port, service) for port, service in house.before.items()])

    def stop(self, process):
        process.kill()
        process.wait()

    def connect_from(self, house, port, arrives=None, timeout=20):
        """A connection of that house to a port of the hub; its packets arrive with the TTL asked for."""
        place = self.place_of(house, attacking=True)
        s = self.socket_in(place, socket.AF_INET, socket.SOCK_STREAM)
        s.settimeout(timeout)
        if arrives:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, arrives + STREETS[house.street][0])
        if house.address != GATE:
            s.bind((house.address, 0))
        s.connect((HUB, port))
        return s


def wait_for(address, port, end):
    while True:
        with socket.socket() as s:
            s.settimeout(2)
            if s.connect_ex((address, port)) == 0:
                return
        assert time.monotonic() < end, f"nobody listens at {address}:{port}"
        time.sleep(0.05)
