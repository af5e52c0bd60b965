"""`noroshi run` as an operator or systemd drives it: starting, failing to start, stopping, reloading, losing roles."""

import os
import pathlib
import re
import shutil
import signal
import socket
import threading
import time

import pytest

from town import Noroshi, SOURCE, Telnet, call, free_port

AS_ROOT = os.geteuid() == 0


def services(*ports):
    return "services=[" + ", ".join(f'{{service: telnet, listen: "127.0.0.1:{port}"}}' for port in ports) + "]"


def refused(data, *options, config=None):
    """A start that can't succeed: its status and what it says, one line."""
    done = call("--quiet", "run", data=data, options=options, config=config)
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert done.stdout == ""
    return done.returncode, lines[0]


def speaks(port, host="127.0.0.1"):
    with Telnet(port, host=host) as client:
        return client.until(b":") is not None


def alive(pid):
    """Neither gone nor waiting to be reaped."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def settle(check, wait=20):
    end = time.monotonic() + wait
    while time.monotonic() < end:
        if check():
            return True
        time.sleep(0.05)
    return False


def test_it_says_ready_once_serves_and_stops(data):
    with Noroshi(data, options=["process.edges=2"]) as n:
        assert sorted(n.roles()) == ["analyse.0", "edge.0", "edge.1", "store.0"]
        for _ in range(8):
            assert speaks(n.port)
        processes = n.processes()
    log = n.log.read_text().splitlines()
    assert log.count("ready") == 1
    assert not [pid for pid in processes if alive(pid)]
    assert not [line for line in log if " error: " in line or " warning: " in line], log
    assert not (data / "control").exists()


def test_interrupt_of_the_whole_group_stops_cleanly(data):
    """Ctrl-C reaches the roles, too; it is the supervisor that says when they end."""
    with Noroshi(data) as n:
        for pid in reversed(n.processes()):
            os.kill(pid, signal.SIGINT)
        n.process.wait(30)
    assert " error: " not in n.log.read_text()


def test_roles_stand_behind_walls(data):
    with Noroshi(data) as n:
        for name, pid in n.roles().items():
            status = dict(line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
            assert status["NoNewPrivs"].strip() == "1", name
            assert status["Seccomp"].strip() == "2", name
            for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                assert int(status[capabilities], 16) == 0, (name, capabilities)
            if AS_ROOT:
                assert int(status["CapBnd"], 16) == 0, name
                assert set(status["Uid"].split()) == {"65534"}, (name, status["Uid"])
                assert "0" not in status["Groups"].split(), name
        if AS_ROOT:
            status = pathlib.Path(f"/proc/{n.process.pid}/status").read_text()
            kept = int(status.split("CapEff:")[1].split()[0], 16)
            allowed = sum(1 << bit for bit in (2, 5, 6, 7, 8, 10, 13))  # DAC_READ_SEARCH KILL SETGID SETUID SETPCAP NET_BIND_SERVICE NET_RAW
            assert kept & ~allowed == 0, hex(kept)


def test_port_in_use(data):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, line = refused(data, services(port))
    assert status == 1
    assert f"127.0.0.1:{port}" in line and "in use" in line and "listen elsewhere" in line


def test_port_of_another_noroshi_is_in_use(data):
    with Noroshi(data) as n:
        status, line = refused(data.parent / "other", services(n.port))
    assert status == 1 and "in use" in line


def test_data_folder_of_another_noroshi_is_in_use(data):
    with Noroshi(data) as n:
        status, line = refused(data, services(free_port()))
        assert speaks(n.port)
    assert status == 1 and str(data) in line and "in use" in line and "--data" in line


def test_unwritable_data_folder(data):
    data.parent.joinpath("file").write_text("not a folder")
    status, line = refused(data.parent / "file" / "data", services(free_port()))
    assert status == 1 and "data folder" in line and "--data" in line


@pytest.mark.skipif(not AS_ROOT, reason="only root hands the folder to another user")
def test_data_folder_the_roles_cannot_reach(data):
    data.mkdir()
    data.chmod(0o700)
    status, line = refused(data / "deep", services(free_port()), "process.user=nobody")
    assert status == 1 and "nobody gets no further than" in line


@pytest.mark.skipif(not AS_ROOT, reason="only root becomes another user")
def test_unknown_user(data):
    status, line = refused(data, services(free_port()), "process.user=no-such-user")
    assert status == 2 and "no-such-user" in line


def test_unreadable_profiles(data):
    status, line = refused(data, services(free_port()), "honeypot.profiles=/nonexistent/profiles")
    assert status in (1, 2) and "/nonexistent/profiles" in line


def test_broken_profile(data):
    profiles = data.parent / "profiles"
    profiles.mkdir()
    profiles.joinpath("broken.yaml").write_text("hostname: [not, a, name]\n")
    status, line = refused(data, services(free_port()), f"honeypot.profiles={profiles}")
    assert status == 2 and "broken.yaml" in line


@pytest.mark.parametrize(
    "option, wanted",
    [
        ("process.edges=many", "process.edges"),
        ("no.such=1", "no.such"),
        ('services=[{service: gopher, listen: "127.0.0.1:70"}]', "gopher"),
        ('services=[{service: telnet, listen: "23"}]', "address:port"),
    ],
)
def test_bad_configuration(data, option, wanted):
    status, line = refused(data, option)
    assert status == 2 and wanted in line


def test_bad_configuration_file_names_file_and_line(data):
    file = data.parent / "bad.yaml"
    file.write_text("sensor:\n  name: x\nprocess:\n  edges: 0\n")
    status, line = refused(data, config=file)
    assert status == 2 and "bad.yaml:4" in line


def test_any_role_may_be_killed(data):
    with Noroshi(data) as n:
        for name in ("edge.0", "store.0", "analyse.0"):
            pid = n.roles()[name]
            os.kill(pid, signal.SIGKILL)
            assert settle(lambda: n.roles().get(name, pid) != pid), name
            assert settle(lambda: f"{name} killed by signal 9" in n.log.read_text())
            assert speaks(n.port)
        with Telnet(n.port) as client:
            client.until(b":")
    assert n.log.read_text().splitlines().count("ready") == 1


def test_supervisor_killed_takes_the_roles_along_and_the_next_takes_over(data):
    n = Noroshi(data).start()
    roles = n.roles()
    n.process.kill()
    n.process.wait()
    with Noroshi(data, port=n.port) as again:
        assert speaks(again.port)
        assert not set(again.roles().values()) & set(roles.values())
    assert not [pid for pid in roles.values() if alive(pid)]


class Reloaded(Noroshi):
    """Driven by a file, which a reload reads again."""

    def __init__(self, data, *ports):
        self.file = data.parent / "noroshi.yaml"
        super().__init__(data, config=self.file, port=ports[0])
        self.options = []
        self.write(*ports)

    def write(self, *ports, more=""):
        lines = "".join(f'  - {{service: telnet, listen: "127.0.0.1:{port}"}}\n' for port in ports)
        self.file.write_text(f"honeypot: {{profiles: {SOURCE}/conf/profiles}}\nservices:\n{lines}{more}")

    def reload(self, says):
        before = self.log.read_text().count(says)
        self.process.send_signal(signal.SIGHUP)
        assert settle(lambda: self.log.read_text().count(says) > before), self.log.read_text()


def test_reload_opens_and_closes_ports_and_lets_conversations_end(data):
    first, second = free_port(), free_port()
    with Reloaded(data, first) as n:
        with Telnet(first) as old:
            assert old.until(b":") is not None
            before = n.roles()
            n.write(second)
            n.reload("info: reloaded")
            assert speaks(second)
            with pytest.raises(ConnectionRefusedError):
                speaks(first)
            # The conversation that was open goes on with the edge that drains.
            assert n.roles()["edge.0"] == before["edge.0"]
            old.say(b"root\r\n")
            assert old.until(b"assword") is not None
        assert settle(lambda: "edge.0" not in n.roles())
        assert speaks(second)
    assert n.log.read_text().splitlines().count("ready") == 1


def test_reload_loses_no_connection(data):
    port = free_port()
    failures, done = [], threading.Event()

    def knock():
        while not done.is_set():
            try:
                assert speaks(port)
            except (OSError, AssertionError) as error:
                failures.append(error)

    with Reloaded(data, port) as n:
        knocker = threading.Thread(target=knock)
        knocker.start()
        for edges in (2, 3, 1):
            n.write(port, more=f"process: {{edges: {edges}}}\n")
            n.reload("info: reloaded")
        done.set()
        knocker.join()
    # Fewer edges have fewer sockets; what waited on one that is closed is reset. Growing loses none.
    assert len(failures) <= 2, failures


def test_reload_reads_changed_tables_again(data, tmp_path):
    """What a role was given of files that are others now: that role alone starts anew."""
    port, lists = free_port(), tmp_path / "lists"
    shutil.copytree(SOURCE / "conf/lists/contact", lists)
    named = f"contact: {{lists: {lists}}}\noperator: {{organisation: Example, mail: probes@operator.example, page: \"https://operator.example/p\"}}\n" \
            "outside: {dry_run: true}\n"
    with Reloaded(data, port) as n:
        n.write(port, more=named)
        n.reload("info: reloaded")
        assert settle(lambda: "reach.0" in n.roles())
        before = n.roles()
        n.reload("info: reloaded")
        assert n.roles()["reach.0"] == before["reach.0"]
        with (lists / "servers").open("a") as table:
            table.write("\n[whois.another.example]\nper-second: 1\n")
        n.reload("info: reloaded")
        assert settle(lambda: n.roles().get("reach.0") not in (None, before["reach.0"]))
        assert {role: n.roles()[role] for role in ("store.0", "analyse.0")} == {role: before[role] for role in ("store.0", "analyse.0")}
        renewed = n.roles()["reach.0"]
        with (lists / "servers").open("a") as table:
            table.write("[broken\n")
        n.reload("not reloaded: ")
        assert n.roles()["reach.0"] == renewed


def test_bad_reload_changes_nothing(data):
    port = free_port()
    with Reloaded(data, port) as n:
        before = n.roles()
        n.write(port, more="process: {edges: many}\n")
        n.reload("not reloaded: ")
        n.file.write_text("services: {")
        n.reload("not reloaded: ")
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            n.write(port, other.getsockname()[1])
            n.reload("in use")
        assert n.roles() == before
        assert speaks(port)


def test_dual_stack_listener(data):
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    port = free_port()
    with Noroshi(data, port=port, listeners=f'[{{service: telnet, listen: "[::]:{port}"}}]'):
        assert speaks(port)
        assert speaks(port, host="::1")


def test_public_listens_where_it_says(data):
    here, there = free_port(), free_port()
    listeners = f'[{{service: telnet, listen: "127.0.0.1:{here}", public: "127.0.0.1:{there}"}}]'
    with Noroshi(data, port=there, listeners=listeners, arguments=["--public"]):
        assert speaks(there)
        with pytest.raises(ConnectionRefusedError):
            speaks(here)


@pytest.mark.skipif(not AS_ROOT, reason="only root may read what others may not")
def test_a_data_folder_that_only_root_reaches(tmp_path):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    with Noroshi(private / "data", profile="dlink-dir600") as n:
        assert "the roles stay root, without capabilities" in n.log.read_text()
        for pid in n.roles().values():
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            assert re.search(r"^CapEff:\s+0+$", status, re.M) and re.search(r"^CapBnd:\s+0+$", status, re.M)
        with Telnet(n.port) as t:
            assert t.login()
    assert n.report("attackers")
