"""Every shipped device as others see it: each profile answers on an address of its own, 127.0.1.N of a
network namespace, while real fingerprinting tools look."""

import concurrent.futures
import ctypes
import json
import os
import re
import shutil
import socket
import subprocess
import time
import xml.etree.ElementTree as ET

import pytest

from town import Noroshi, SOURCE, call, free_port


def profiles():
    done = call("profiles", "--json", check=0)
    return json.loads(done.stdout)


class PlainNoroshi(Noroshi):
    """The services are those of the configuration's own file."""

    def __init__(self, data, config):
        super().__init__(data, config=config)
        self.options = [f"honeypot.profiles={SOURCE / 'conf' / 'profiles'}"]


class Street:
    """All devices side by side: houses[name] = (address, port)."""

    def __init__(self, folder, port):
        self.rows = profiles()
        self.port = port
        assert len(self.rows) < 250
        self.houses = {row["name"]: f"127.0.1.{number + 1}" for number, row in enumerate(self.rows)}
        # One listener per address, so that nothing but loopback is reachable; the rule by address is what chooses.
        listeners = ", ".join(f'{{service: telnet, listen: "{address}:{self.port}", profiles: [{{address: {address}/32, profile: {name}}}]}}'
                              for name, address in self.houses.items())
        config = folder / "noroshi.yaml"
        config.write_text(f"services: [{listeners}]\n")
        folder.chmod(0o755)
        config.chmod(0o644)
        self.noroshi = PlainNoroshi(folder / "data", config)


CLONE_NEWNET = 0x40000000


@pytest.fixture(scope="module")
def port():
    """Telnet's own port in a network namespace of this test's own; a free one on this machine's loopback when that needs more rights."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    if libc.unshare(CLONE_NEWNET) != 0:
        yield free_port()
    else:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        yield 23
        assert libc.setns(home, CLONE_NEWNET) == 0
    os.close(home)


@pytest.fixture(scope="module")
def street(tmp_path_factory, port):
    folder = tmp_path_factory.mktemp("street")
    for part in [folder, *folder.parents]:
        if str(part).startswith("/tmp/"):
            part.chmod(part.stat().st_mode | 0o111)
    s = Street(folder, port)
    with s.noroshi:
        yield s


def without_telnet(data):
    """What a terminal shows: options and subnegotiations are taken out (RFC 854)."""
    data = re.sub(rb"\xff\xfa.*?\xff\xf0", b"", data, flags=re.S)
    data = re.sub(rb"\xff[\xfb-\xfe].", b"", data, flags=re.S)
    return data.replace(b"\xff\xff", b"\xff")


def first_bytes(address, port):
    """All that comes before anything is said, until 0.5 s are silent."""
    seen = b""
    with socket.create_connection((address, port), 10) as s:
        s.settimeout(1.5)
        end = time.monotonic() + 6
        while time.monotonic() < end:
            try:
                more = s.recv(4096)
            except socket.timeout:
                break
            if not more:
                break
            seen += more
            s.settimeout(0.5)
    return seen


@pytest.fixture(scope="module")
def greetings(street):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return dict(zip(street.houses, pool.map(lambda address: first_bytes(address, street.port), street.houses.values())))


def test_the_first_bytes_are_a_device_and_no_two_the_same(greetings):
    for name, seen in greetings.items():
        assert seen[:1] == b"\xff", f"{name} does not begin with an option"
        assert not seen.startswith(b"\xff\xfd\x1flogin: "), name
        assert without_telnet(seen).rstrip().endswith(b":"), (name, seen)
        assert b"\x1b[4h" not in seen and b"\x1b[4l" not in seen
    assert len({without_telnet(seen) for seen in greetings.values()}) == len(greetings)


LOGINS = [(b"root", b"12345"), (b"admin", b"admin"), (b"ubnt", b"ubnt"), (b"root", b"root")]


class Visitor:
    """Logs in the way bots do and gets a shell, whatever stands before it."""

    def __init__(self, address, port):
        self.at = (address, port)
        self.socket = None
        self.seen = b""

    def until(self, pattern, seconds=12):
        """What came up to the end of the match; the rest waits for the next call. None when the device hung up."""
        end = time.monotonic() + seconds
        while not (match := re.search(pattern, self.seen)):
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                more = self.socket.recv(65536)
            except socket.timeout:
                raise AssertionError(f"{self.at}: no {pattern} in {self.seen!r}")
            if not more:
                return None
            self.seen += more
        taken, self.seen = self.seen[:match.end()], self.seen[match.end():]
        return taken

    def login(self, user, password):
        """True in front of a prompt, False after a refusal, None when the device hung up."""
        if self.until(rb":\s*$") is None:
            return None
        self.socket.sendall(user + b"\r\n")
        if self.until(rb"assword") is None:
            return None
        self.socket.sendall(password + b"\r\n")
        seen = self.until(rb"[#>$]\s*$|ncorrect|ailed|nvalid|ry again")
        if seen is None:
            return None
        return re.search(rb"ncorrect|ailed|nvalid|ry again", seen) is None

    def enter(self):
        for user, password in LOGINS:
            self.socket = socket.create_connection(self.at, 10)
            self.seen = b""
            for _ in range(5):
                done = self.login(user, password)
                if done is None or done:
                    break
            if done:
                self.socket.sendall(b"enable\r\nsystem\r\nshell\r\nsh\r\n")
                self.run(b"")
                return
            self.socket.close()
        raise AssertionError(f"no login is taken at {self.at}")

    def run(self, command):
        """What a command shows, without its echo."""
        self.socket.sendall(command + b"; /bin/busybox ENDOF\r\n" if command else b"/bin/busybox ENDOF\r\n")
        seen = self.until(rb"ENDOF: applet not found")
        assert seen is not None, self.at
        seen = seen.split(b"/bin/busybox ENDOF\r\n", 1)[-1]
        return seen.rsplit(b"ENDOF: applet not found", 1)[0]


def shell_answers(address, port):
    visitor = Visitor(address, port)
    visitor.enter()
    commands = ["uname -a", "cat /proc/cpuinfo", "cat /proc/version", "ps", "mount", "busybox", "cat /proc/mounts", "hostname"]
    answers = {command: visitor.run(command.encode()) for command in commands}
    visitor.socket.close()
    return answers


@pytest.fixture(scope="module")
def shells(street):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return dict(zip(street.houses, pool.map(lambda address: shell_answers(address, street.port), street.houses.values())))


def test_no_two_devices_answer_alike(shells):
    for command in ["uname -a", "cat /proc/cpuinfo", "cat /proc/version", "ps", "mount", "busybox"]:
        seen = {}
        for name, answers in shells.items():
            assert len(answers[command]) > 40, (name, command, answers[command])
            assert answers[command] not in seen, f"{name} and {seen[answers[command]]} answer {command} alike"
            seen[answers[command]] = name


def test_a_device_agrees_with_itself(shells):
    for name, answers in shells.items():
        # A prompt may stand before the answer: not every device echoes.
        words = re.search(rb"Linux [^\r\n]+", answers["uname -a"]).group().split()
        assert re.search(re.escape(words[1]) + rb"\s*$", answers["hostname"].rsplit(b"\r\n", 1)[0].strip()), name
        assert words[2] in answers["cat /proc/version"], name
        assert b" ".join(words[3:9]) in b" ".join(answers["cat /proc/version"].split()), name
        assert re.search(rb"\brw\b", answers["cat /proc/mounts"]), name


def recog_rules(path):
    """recog's patterns are Ruby's: ^ and $ match at every line, (?m) and REG_MULTILINE let the dot match a line end."""
    for fingerprint in ET.parse(path).getroot().iter("fingerprint"):
        pattern, flags = fingerprint.get("pattern"), re.M
        if "REG_MULTILINE" in fingerprint.get("flags", "") or "(?m)" in pattern:
            flags |= re.S
        if "REG_ICASE" in fingerprint.get("flags", ""):
            flags |= re.I
        values = {param.get("name"): param.get("value") for param in fingerprint.iter("param")}
        makers = {values[key] for key in ("hw.vendor", "os.vendor", "service.vendor") if values.get(key)}
        yield re.compile(pattern.replace("(?m)", ""), flags), makers


def test_recog_names_the_maker_of_many(street, greetings, shared):
    rules = list(recog_rules(shared / "banners" / "recog_xml" / "telnet_banners.xml"))
    named = {}
    for row in street.rows:
        text = without_telnet(greetings[row["name"]]).decode("latin-1")
        for pattern, makers in rules:
            if pattern.search(text):
                # The first rule that fits decides, as recog does.
                if makers:
                    assert row["maker"] in makers, f"{row['name']} of {row['maker']} is taken for {makers}"
                    named[row["name"]] = row["maker"]
                break
    print(f"{len(named)} of {len(street.rows)} named by recog: {', '.join(sorted(set(named.values())))}")
    assert len(named) >= 20


@pytest.mark.skipif(shutil.which("nmap") is None, reason="nmap is not installed")
def test_nmap_never_says_honeypot(street):
    targets = list(street.houses.values())
    done = subprocess.run(["nmap", "-n", "-Pn", "-sT", "-sV", "-T4", "-p", str(street.port), "-oX", "-", *targets],
                          capture_output=True, text=True, errors="replace", timeout=600)
    assert done.returncode == 0, done.stderr
    assert not re.search("honeypot|cowrie|kippo|kojoney|nepenthes|dionaea", done.stdout, re.I)
    names = {address: name for name, address in street.houses.items()}
    hosts = ET.fromstring(done.stdout).findall("host")
    assert len(hosts) == len(targets)
    for host in hosts:
        name = names[host.find("address").get("addr")]
        port = host.find("ports/port")
        assert port.find("state").get("state") == "open", name
        service = port.find("service")
        assert service is not None, name
        print(f"{name:24} {service.get('name', ''):10} {service.get('product', '-')} {service.get('devicetype', '')} {service.get('extrainfo', '')}")
