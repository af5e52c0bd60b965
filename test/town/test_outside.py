"""Looking at other hosts, by hand: who we are, who opted out, what policy says, what hosts answer. Everything stays on loopback."""

import contextlib
import json
import socket
import threading
import time

import pytest
import town

OK, FAILED, USAGE, NOTHING, PARTLY = 0, 1, 2, 3, 4

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
