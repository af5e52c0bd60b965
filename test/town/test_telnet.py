"""Real clients and scanners against the telnet honeypot: what they believe, and what is kept of them."""

import os
import pathlib
import re
import select
import shutil
import socket
import struct
import subprocess

import pytest

from town import Noroshi, call, free_port

# Any login is taken, an ash follows.
ASH = "xiongmai-h264"
# Only the logins of its list are taken.
LISTED = "hikvision-ds7616"
LISTED_LOGIN = ("root", "12345")


def needs(name):
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")


def tool(*command, text=None, timeout=90):
    done = subprocess.run([str(word) for word in command], input=text, capture_output=True, text=True, errors="replace", timeout=timeout)
    return done.stdout + done.stderr


def words(folder, name, lines):
    path = pathlib.Path(folder) / name
    path.write_text("".join(line + "\n" for line in lines))
    return path


def logins(n):
    return {(row["user.name"], row["noroshi.password"]): row for row in n.report("credentials")}


@needs("telnet")
def test_the_telnet_program_logs_in_and_types(data):
    with Noroshi(data, profile=ASH) as n:
        # The program reads its input when it likes: a pipe is closed only after the answers came.
        client = subprocess.Popen(["telnet", "127.0.0.1", str(n.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        seen = b""

        def until(wanted):
            nonlocal seen
            while wanted not in seen:
                assert select.select([client.stdout], [], [], 20)[0], seen
                more = os.read(client.stdout.fileno(), 4096)
                assert more, seen
                seen += more
            seen = b""

        def say(text):
            client.stdin.write(text)
            client.stdin.flush()

        until(b"login: ")
        say(b"root\n")
        until(b"assword")
        say(b"xc3511\n")
        until(b"# ")
        say(b"cat /proc/version\n")
        until(b"Linux version")
        say(b"exit\n")
        client.stdout.read()
        client.wait(20)
    assert ("root", "xc3511") in logins(n)
    rows = n.report("sessions")
    assert len(rows) == 1


@needs("hydra")
def test_hydra_finds_the_login_that_is_taken(data, tmp_path):
    passwords = words(tmp_path, "passwords", ["wrong", "admin", LISTED_LOGIN[1], "1234"])
    with Noroshi(data, profile=LISTED) as n:
        # One connection for each: after a failed try hydra spends its next pair on an empty name, with any telnet daemon.
        said = tool("hydra", "-I", "-t", "4", "-l", LISTED_LOGIN[0], "-P", passwords, "-s", n.port, "telnet://127.0.0.1")
    found = re.findall(r"login: (\S+)\s+password: (\S+)", said)
    assert found == [LISTED_LOGIN], said
    tried = logins(n)
    assert (LISTED_LOGIN[0], "wrong") in tried and LISTED_LOGIN in tried


@needs("medusa")
def test_medusa_finds_the_login_that_is_taken(data, tmp_path):
    passwords = words(tmp_path, "passwords", ["wrong", LISTED_LOGIN[1]])
    with Noroshi(data, profile=LISTED) as n:
        said = tool("medusa", "-h", "127.0.0.1", "-n", n.port, "-u", LISTED_LOGIN[0], "-P", passwords, "-M", "telnet", "-t", "1")
    assert re.search(rf"ACCOUNT FOUND: .*User: {LISTED_LOGIN[0]} Password: {LISTED_LOGIN[1]} \[SUCCESS\]", said), said


@needs("ncrack")
def test_ncrack_finds_the_login_that_is_taken(data, tmp_path):
    passwords = words(tmp_path, "passwords", ["wrong", LISTED_LOGIN[1]])
    with Noroshi(data, profile=LISTED) as n:
        said = tool("ncrack", "-T4", "--user", LISTED_LOGIN[0], "-P", passwords, f"telnet://127.0.0.1:{n.port}")
    assert f"'{LISTED_LOGIN[0]}' '{LISTED_LOGIN[1]}'" in said, said


@needs("nmap")
def test_nmap_never_says_honeypot(data):
    # A device with delays, one with a command line of its own, one with a list of logins, and whatever the address's hash gives.
    for profile in (ASH, LISTED, "huawei-ar151", "any"):
        with Noroshi(data, profile=profile) as n:
            said = tool("nmap", "-Pn", "-n", "-sV", "--version-intensity", "2", "--host-timeout", "150", "-p", n.port, "127.0.0.1", timeout=240)
        assert f"{n.port}/tcp open" in said, said
        assert not re.search("honeypot|cowrie|kippo|dionaea", said, re.I), said
        assert "telnet" in said, said


def test_peers_behind_a_relay_keep_their_addresses(data):
    relayed = socket.socket()
    relayed.bind(("127.0.0.1", 0))
    port = relayed.getsockname()[1]
    relayed.close()
    listeners = f'[{{service: telnet, listen: "127.0.0.1:{port}", profile: "{ASH}", relays: ["127.0.0.0/30"]}}]'
    with Noroshi(data, listeners=listeners, port=port) as n:
        header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", 12) + socket.inet_aton("192.0.2.7") + socket.inet_aton("198.51.100.1") + struct.pack(
            ">HH", 40000, 23)
        with socket.create_connection(("127.0.0.1", port), 20) as s:
            s.sendall(header)
            got = b""
            while b"login: " not in got:
                got += s.recv(4096)
            s.sendall(b"root\r\nvizxv\r\n")
        with socket.create_connection(("127.0.0.1", port), 20) as s:  # no header: refused, and counted
            s.sendall(b"root\r\n")
            assert s.recv(100) == b""
        with socket.create_connection(("127.0.0.1", port), 20, source_address=("127.0.0.9", 0)) as s:  # not a relay
            assert s.recv(100) == b""
    rows = n.report("attackers")
    assert [row["source.ip"] for row in rows if row["connections"] > 0] == ["192.0.2.7"]


def greeting(host, port, until=b"login: "):
    with socket.create_connection((host, port), 20) as s:
        got = b""
        while until not in got:
            more = s.recv(4096)
            assert more, got
            got += more
    return got


def test_the_device_shown_depends_on_the_local_address_and_port(data):
    port, six = free_port(), free_port()
    listeners = (f'[{{service: telnet, listen: "0.0.0.0:{port}", profile: "{ASH}", '
                 f'profiles: [{{address: 127.0.0.2, profile: dahua-hcvr}}, {{address: 127.0.0.0/29, port: {port}, profile: avtech-kpd}}]}}, '
                 f'{{service: telnet, listen: "[::1]:{six}", profile: "{ASH},dahua-hcvr"}}]')
    with Noroshi(data, listeners=listeners, port=port) as n:
        assert b"dahua login: " in greeting("127.0.0.2", port)
        assert b"AVTECH login: " in greeting("127.0.0.3", port)
        assert b"(none) login: " in greeting("127.0.0.9", port)
        # By a hash of the peer's address: the same each time.
        assert len({greeting("::1", six) for _ in range(4)}) == 1
    rows = n.report("sessions")
    assert {(row["source.ip"], row["destination.ip"]) for row in rows} == {("127.0.0.1", "127.0.0.2"), ("127.0.0.1", "127.0.0.3"),
                                                                         ("127.0.0.1", "127.0.0.9"), ("::1", "::1")}
    shown = call("show", "session", next(row["noroshi.session"] for row in rows if row["source.ip"] == "::1"), data=data, check=0).stdout
    assert "noroshi.syn.options=mss,sok,ts,nop,ws" in shown


def speak(n, *pieces, login=True, wait=20):
    """Logs in, sends the pieces as fast as they are taken, then reads to the end (or half-closes when it does not come)."""
    with socket.create_connection(("127.0.0.1", n.port), wait) as s:
        if login:
            s.sendall(b"root\r\nxc3511\r\nsh\r\n")

        s.settimeout(wait)
        try:
            for piece in pieces:
                s.sendall(piece)
            s.shutdown(socket.SHUT_WR)
            while s.recv(1 << 20):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass


def memory(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def test_hostile_input_stays_inside_its_caps_and_ends_with_a_reason(data):
    iac = b"\xff"
    options = ["honeypot.input_max=24M", "honeypot.login_timeout=2s", "honeypot.idle_timeout=3s", "honeypot.output_max=8M"]
    cases = {
        "endless input": ([b"A" * (1 << 20)] * 40, True, {"input limit"}),
        "a million options": ([(iac + b"\xfb\x22" + iac + b"\xfd\x63") * 100000] * 5, False, {"option limit"}),
        "a line of ten million": ([b"x" * 10_000_000 + b"\r\n"], True, {"peer closed"}),
        "while true": ([b"while true; do echo AAAAAAAAAAAAAAAAAAAAAAAA; done\r\n"], True, {"work limit", "output limit"}),
        "a fork bomb": ([b":(){ :|:& };:\r\n", b"a(){ a|a& a; }; a\r\n"], True, {"work limit", "peer closed", "memory limit"}),
        "deep quoting": ([b"$(" * 20000 + b"echo" + b")" * 20000 + b"\r\n", b"`" * 30001 + b"\r\n", b"((" * 20000 + b"\r\n"], True,
                         {"work limit", "peer closed", "memory limit"}),
        "sleeping": ([b"while :; do sleep 1; done\r\n"], True, {"idle", "work limit", "too long", "peer closed"}),
        "nothing": ([], False, {"login time-out", "peer closed"}),
    }
    with Noroshi(data, profile=ASH, options=options) as n:
        edge = n.roles()["edge.0"]
        for pieces, login, _ in cases.values():
            speak(n, *pieces, login=login)
        with socket.create_connection(("127.0.0.1", n.port), 20) as s:  # says nothing, and stays
            while s.recv(4096):
                pass
        assert n.roles()["edge.0"] == edge
        assert memory(edge) < 200_000
    rows = sorted(n.report("sessions"), key=lambda row: row["event.start"])
    reasons = [row["event.reason"] for row in rows]
    assert len(reasons) == len(cases) + 1, reasons
    for (name, (_, _, expected)), reason in zip(cases.items(), reasons):
        assert reason in expected, (name, reasons)
    assert reasons[-1] == "login time-out"


def test_a_whole_session_is_shown_with_its_transcript(data):
    with Noroshi(data, profile=ASH) as n:
        with socket.create_connection(("127.0.0.1", n.port), 20) as s:
            got = b""
            while b"login: " not in got:
                got += s.recv(4096)
            s.sendall(b"root\r\nxc3511\r\nsh\r\n/bin/busybox MIRAI\r\n")
            while b"MIRAI: applet not found" not in got:
                got += s.recv(4096)
    session = n.report("sessions")[0]
    assert session["noroshi.session.logged_in"] == 1 and session["noroshi.profile"] == ASH
    shown = call("show", "session", session["noroshi.session"], data=data, check=0).stdout
    assert "MIRAI: applet not found" in shown
