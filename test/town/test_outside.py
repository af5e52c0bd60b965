"""Looking at other hosts, by hand: who we are, who opted out, what policy says, what hosts answer. Everything stays on loopback."""

import contextlib
import json
import socket
import threading
import time

import pytest
import town

OK, USAGE, NOTHING, PARTLY = 0, 2, 3, 4

NAMED = ("operator.organisation=Example CSIRT", "operator.mail=abuse@csirt.example", "operator.page=https://csirt.example/probing")
LABORATORY = NAMED + ("outside.test_network=[127.0.0.0/8]", "probe.tap=false")


class Server:
    """Says a greeting to whoever connects, and counts them."""

    def __init__(self, greeting, host="127.0.0.1"):
        self.greeting = greeting
        self.host = host
        self.met = 0
        self.socket = socket.create_server((host, 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.socket.accept()
                self.met += 1
                with peer, contextlib.suppress(OSError):
                    peer.settimeout(5)
                    peer.sendall(self.greeting)
                    peer.recv(4096)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Resolver:
    """A recursive resolver that knows the names in `names`, {question in lower case: name}, says nothing to those in `mute`, and no to others."""

    def __init__(self):
        self.names, self.mute, self.asked = {}, set(), []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.53", 0))
        self.option = "outside.resolver=127.0.0.53:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                query, peer = self.socket.recvfrom(4096)
                if query == b"":
                    return
                end = query.index(0, 12) + 5
                labels, at = [], 12
                while query[at]:
                    labels.append(query[at + 1:at + 1 + query[at]].decode().lower())
                    at += 1 + query[at]
                question = ".".join(labels)
                self.asked.append(question)
                if question in self.mute:
                    continue
                name = self.names.get(question)
                answer = b""
                if name is not None:
                    target = b"".join(bytes([len(label)]) + label for label in name.split(b".")) + b"\0"
                    answer = b"\xc0\x0c\0\x0c\0\1\0\0\0\x3c" + len(target).to_bytes(2, "big") + target
                head = query[:2] + (b"\x81\x80" if name else b"\x81\x83") + b"\0\1\0" + bytes([name is not None]) + b"\0\0\0\0"
                self.socket.sendto(head + query[12:end] + answer, peer)

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self.socket.getsockname())
        self.thread.join(5)
        self.socket.close()


@pytest.fixture
def resolver():
    resolver = Resolver()
    yield resolver
    resolver.close()


@pytest.fixture
def server():
    server = Server(b"220 example FTP server ready.\r\n")
    yield server
    server.close()


def call(data, *arguments, options=LABORATORY, check=None):
    return town.call(*arguments, data=data, options=options, check=check)


def probe(data, *arguments, options=LABORATORY, check=None):
    return json.loads(call(data, "probe", "--json", "--wait", "60s", *arguments, options=options, check=check).stdout)


def test_probing_txt_names_the_operator(data):
    text = call(data, "probing", check=OK).stdout
    fields = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert list(fields) == ["Canonical", "Contact", "Expires", "Preferred-Languages", "Description"]
    assert fields["Canonical"] == "https://csirt.example/.well-known/probing.txt"
    assert fields["Contact"] == "mailto:abuse@csirt.example"
    assert "Example CSIRT" in fields["Description"] and "https://csirt.example/probing" in fields["Description"]
    agent = call(data, "probing", "--user-agent", check=OK).stdout.strip()
    assert agent.startswith("Mozilla/5.0 (compatible; Noroshi/") and agent.endswith("; +https://csirt.example/probing)")
    assert "must be filled in" in call(data, "probing", options=NAMED[:2], check=USAGE).stderr


def test_opting_out_is_durable_and_idempotent(data):
    call(data, "optout", "--list", check=NOTHING)
    call(data, "optout", "192.0.2.7", "198.51.100.0/24", "--reason", "owner wrote\nto us", check=OK)
    call(data, "optout", "192.0.2.7", "198.51.100.9", check=OK)
    listed = json.loads(call(data, "optout", "--list", "--json", check=OK).stdout)
    assert [entry["network"] for entry in listed] == ["192.0.2.7", "198.51.100.0/24"]
    assert len((data / "optout.conf").read_text().splitlines()) == 2
    call(data, "optout", "198.51.100.9", "--remove", check=NOTHING)
    call(data, "optout", "192.0.2.7", "--remove", check=OK)
    assert "192.0.2.7" not in (data / "optout.conf").read_text()
    assert "expected an address or a network" in call(data, "optout", "example.org", check=USAGE).stderr


def test_many_may_opt_out_at_once(data):
    threads = [threading.Thread(target=call, args=(data, "optout", f"192.0.2.{n}")) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(json.loads(call(data, "optout", "--list", "--json", check=OK).stdout)) == 8


def test_a_dry_run_sends_nothing_and_says_why(data, server):
    call(data, "optout", "127.0.0.9", check=OK)
    done = call(data, "probe", "--dry-run", "--json", "127.0.0.1", "127.0.0.9", "10.0.0.1", "--ports", f"{server.port}:ftp,502,161/udp", check=PARTLY)
    said = {target["destination.ip"]: [port["event.reason"] for port in target["ports"]] for target in json.loads(done.stdout)}
    assert said["127.0.0.1"] == ["", "industrial probes off", "probe not switched on"]
    assert said["127.0.0.9"] == ["opted out"] * 3
    assert said["10.0.0.1"] == ["special-purpose address"] * 3
    assert server.met == 0
    assert not (data / "control.db").exists()


def test_nothing_goes_out_for_a_nameless_operator(data, server):
    done = call(data, "probe", "127.0.0.1", "--ports", f"{server.port}:ftp", options=LABORATORY[1:], check=USAGE)
    assert "must be filled in first" in done.stderr
    call(data, "probe", "--dry-run", "127.0.0.1", "--ports", f"{server.port}:ftp", options=LABORATORY[1:], check=USAGE)
    assert server.met == 0


def test_a_host_is_asked_without_a_running_noroshi(data, server):
    [target] = probe(data, "127.0.0.1", "--ports", f"{server.port}:ftp", check=OK)
    assert server.met == 1
    assert target["destination.ip"] == "127.0.0.1" and target["event.outcome"] == "success"
    [answer] = target["answers"]
    assert answer["destination.port"] == server.port and answer["noroshi.probe"] == "ftp"
    assert answer["noroshi.banner"].startswith("220 example FTP server ready.")
    assert target["refused"] == []
    # Asked for again, it is asked again.
    probe(data, "127.0.0.1", "--ports", f"{server.port}:ftp", check=OK)
    assert server.met == 2


def test_a_host_has_the_name_its_resolver_tells(data, resolver):
    servers = {n: Server(b"220 example FTP server ready.\r\n", host=f"127.0.0.{n}") for n in (21, 22, 23)}
    resolver.names = {"21.0.0.127.in-addr.arpa": b"Camera-7.customers.example.net", "23.0.0.127.in-addr.arpa": b"a\x1b[m.example.net"}
    options = LABORATORY + (resolver.option,)
    call(data, "optout", "127.0.0.24", check=OK)
    try:
        for n, other in servers.items():
            ports = f"{other.port}:ftp,{town.free_port()}:ftp"
            probe(data, f"127.0.0.{n}", "--ports", ports, options=options, check=OK)
        probe(data, "127.0.0.24", "--ports", "21", options=options, check=NOTHING)
        probe(data, "127.0.0.22", "--ports", f"{servers[22].port}:ftp", check=OK)  # without a resolver
    finally:
        for other in servers.values():
            other.close()
    # Once for a visit, and not for who opted out.
    assert sorted(resolver.asked) == [f"{n}.0.0.127.in-addr.arpa" for n in (21, 22, 23)]
    shown = {n: json.loads(call(data, "show", "host", f"127.0.0.{n}", "--json", check=OK).stdout) for n in servers}
    assert [host["device"].get("host.domain") for host in shown.values()] == ["camera-7.customers.example.net", None, None]
    assert "camera-7.customers.example.net" in call(data, "show", "host", "127.0.0.21", check=OK).stdout
    assert "127.0.0.21" in call(data, "search", "name:Customers.Example", "--json", check=OK).stdout
    call(data, "search", "name:elsewhere", check=NOTHING)


def test_a_visit_does_not_wait_long_for_a_name(data, server, resolver):
    resolver.mute = {"1.0.0.127.in-addr.arpa"}
    begin = time.monotonic()
    [target] = probe(data, "127.0.0.1", "--ports", f"{server.port}:ftp", options=LABORATORY + (resolver.option,), check=OK)
    assert target["event.outcome"] == "success" and time.monotonic() - begin < 15
    assert 1 <= len(resolver.asked) <= 2
    wrong = LABORATORY + ("outside.resolver=nobody",)
    assert "names     asked of 127.0.0.53:" in call(data, "check", options=LABORATORY + (resolver.option,), check=OK).stdout
    assert 'outside.resolver: expected the address of a resolver' in call(data, "check", options=wrong, check=USAGE).stderr
    assert server.met == 1 and call(data, "probe", "127.0.0.1", "--ports", f"{server.port}:ftp", options=wrong).returncode == USAGE
    assert server.met == 1


def test_closed_ports_and_refusals_are_told(data, server):
    call(data, "optout", "127.0.0.9", check=OK)
    first, second = probe(data, "127.0.0.1", "127.0.0.9", "--ports", f"{town.free_port()}:ftp", check=NOTHING)
    assert first["event.outcome"] == "failure" and [answer["event.reason"] for answer in first["answers"]] == ["refused"]
    assert [dial["event.reason"] for dial in second["refused"]] == ["opted out"] and second["answers"] == []


def test_opting_out_holds_at_once_in_a_running_noroshi(data, server):
    with town.Noroshi(data, options=LABORATORY):
        [target] = probe(data, "127.0.0.1", "--ports", f"{server.port}:ftp", check=OK)
        assert target["event.outcome"] == "success" and server.met == 1
        call(data, "optout", "127.0.0.1", "--reason", "asked us", check=OK)
        time.sleep(1)
        [target] = probe(data, "127.0.0.1", "--ports", f"{server.port}:ftp", check=NOTHING)
        assert {dial["event.reason"] for dial in target["refused"]} == {"opted out"}
        assert server.met == 1
        call(data, "optout", "127.0.0.1", "--remove", check=OK)
        time.sleep(1)
        probe(data, "127.0.0.1", "--ports", f"{server.port}:ftp", check=OK)
        assert server.met == 2


def test_check_explains_what_would_be_sent(data):
    off = call(data, "check", options=LABORATORY[2:], check=OK).stdout
    assert "off: nothing is sent to other hosts until these are filled in: operator.organisation operator.mail" in off
    on = call(data, "check", check=OK).stdout
    assert "Example CSIRT, abuse@csirt.example, https://csirt.example/probing" in on
    (data.parent / "block.conf").write_text("192.0.2.0/24\nnonsense\n")
    listed = call(data, "check", options=LABORATORY + (f"outside.blocklist={data.parent}/block.conf",), check=OK).stdout
    assert "block.conf: 1 network" in listed and 'block.conf:2: "nonsense" is no address or network' in listed
    assert "operator.page: expected an https URL" in call(data, "check", options=NAMED[:2] + ("operator.page=http://x.example",), check=USAGE).stderr
