"""Looking back: attacks make visits, and each visit keeps to policy, whoever is killed, opted out, hostile or industrial meanwhile. Everything
stays on 127.0.0.0/8, in a network namespace of the test's own where it may make one."""

import asyncio
import collections
import concurrent.futures
import contextlib
import ctypes
import datetime
import json
import os
import signal
import socket
import sqlite3
import ssl
import subprocess
import time

import pytest
import servers
import town
from servers import Capture, Modbus, Quarter, answers, page, says
from test_hostile import SANITIZED, harmless, kilobytes, log_is_clean

OK, USAGE, NOTHING, PARTLY = 0, 2, 3, 4
NAMED = ("operator.organisation=Example CSIRT", "operator.mail=abuse@csirt.example", "operator.page=https://csirt.example/probing")
LABORATORY = ("outside.test_network=[127.0.0.0/8]",)
# No budget or rate stands in the way of what is not about budgets.
RICH = ("outside.rate=100000", "outside.rate_per_address=100000", "outside.rate_per_network=1000000", "outside.rate_ics=100000", "outside.daily=1000000",
        "outside.daily_per_address=100000", "outside.daily_per_network=1000000", "outside.daily_ics=100000")
SOON = ("probe.delay=0s", "probe.jitter=0s", "probe.quiet=300ms", "probe.first_byte=2s", "probe.deadline=5s", "probe.connect_timeout=3s")
USUAL = NAMED + LABORATORY + RICH + SOON

DVR_PAGE = dict(status=b"401 Unauthorized", headers=[b"Server: DVRDVS-Webs", b'WWW-Authenticate: Basic realm="DVRNVRDVS"'])
DVR_LOGIN = b"DS-7204HI-S login: "

DEVICE = "dlink-dir600"  # of the honeypot: it takes what the bot logs in with

FOLDERS = (f"honeypot: {{profiles: {town.SOURCE}/conf/profiles}}\nfingerprint: {{rules: {town.SOURCE}/conf/fingerprints}}\n"
           f"contact: {{lists: {town.SOURCE}/conf/lists/contact}}\n")
SERVICES = 'services=[{service: telnet, listen: "127.0.0.1:1"}]'

CLONE_NEWNET = 0x40000000


@pytest.fixture(scope="module", autouse=True)
def alone():
    """True in a network namespace of this file's own, where nothing else passes and every port is free."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    made = libc.unshare(CLONE_NEWNET) == 0
    if made:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    yield made
    if made:
        assert libc.setns(home, CLONE_NEWNET) == 0
    os.close(home)


@pytest.fixture
def capture(alone):
    if not alone:
        pytest.skip("no network namespace may be made here: a capture would see others")
    return Capture


@pytest.fixture
def quarter():
    with Quarter() as q:
        yield q


def running(data, *more, options=USUAL, **others):
    return town.Noroshi(data, options=[*options, *more], profile=DEVICE, **others)


def call(data, *arguments, options=USUAL, **more):
    return town.call(*arguments, data=data, options=options, **more)


def probe(data, *arguments, options=USUAL, check=None, wait="60s"):
    return json.loads(call(data, "--quiet", "probe", "--json", "--wait", wait, *arguments, options=options, check=check).stdout)


def settle(check, wait=60):
    """What check() says as soon as it is true; fails when it never is."""
    end = time.monotonic() + wait
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.05)


def select(file, sql, values=()):
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=20)) as db:
        try:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(sql, values)]
        except sqlite3.OperationalError as error:
            assert "no such table" in str(error), error
            return []


def ip(packed):
    if packed is None:
        return None
    return socket.inet_ntop(socket.AF_INET6, packed).removeprefix("::ffff:") if len(packed) == 16 else socket.inet_ntop(socket.AF_INET, packed)


def records(data, kind, **wanted):
    """Rows of one kind as far as they are committed, in their order; `address`, `port` and `reason` are the destination's and event.reason."""
    found = []
    for day in sorted((data / "days").glob("*.db")):
        for row in select(day, f'SELECT * FROM "{kind}" ORDER BY seq'):
            row.update(address=ip(row["destination_ip"]), port=row["destination_port"], reason=row.get("event_reason"))
            if all(row[name] == value for name, value in wanted.items()):
                found.append(row)
    return found


def tasks(data):
    """{key: state}"""
    return {row["key"]: row["state"] for row in select(data / "control.db", "SELECT key, state FROM task WHERE kind = 'probe'")}


def visited(data, address, times=1):
    return settle(lambda: len(records(data, "visit", address=address)) >= times)


def attack(n, address):
    """A bot of that address: logs in, looks around, and leaves."""
    with town.Telnet(n.port, source=(address, 0), timeout=60) as bot:
        assert bot.login() is not None
        bot.say(b"/bin/busybox PROOF\r\nexit\r\n")
        with contextlib.suppress(OSError):
            while bot.socket.recv(4096):
                pass


def findings(data, address):
    found = []
    for day in sorted((data / "days").glob("*.db")):
        found += [row for row in select(day, "SELECT * FROM finding WHERE rule_name = 'attack'") if ip(row["source_ip"]) == address]
    return found


def attacked(n, address):
    attack(n, address)
    settle(lambda: [row for row in findings(n.data, address) if row["noroshi_finding"] == "attack"])


def banner_of(data, row):
    """The bytes of an answer: in its row, or, when they are many, in a file of their own."""
    kept = row["noroshi_banner"]
    return (data / "blobs" / kept[:2] / kept[2:4] / kept).read_bytes() if isinstance(kept, str) else kept or b""


def log_of(n):
    return n.log.read_text(errors="replace")


# ---- an attack is looked back at ----


def test_an_attack_brings_one_visit_that_names_the_device(data, quarter):
    web, login, closed = quarter.open(page(**DVR_PAGE)), quarter.open(says(DVR_LOGIN)), town.free_port()
    ports = f"probe.ports=[\"{web}:http\", \"{login}:telnet\", {closed}]"
    with running(data, ports) as n:
        assert "reach.0" in n.roles()
        begin = time.time()
        attacked(n, "127.0.0.66")
        visited(data, "127.0.0.66")
        attacked(n, "127.0.0.66")  # again: it was visited lately
        attacked(n, "127.0.0.67")  # who attacks after that is visited, so the other's turn has been
        visited(data, "127.0.0.67")
        settle(lambda: set(tasks(data).values()) == {"done"})
    assert len(tasks(data)) == 2
    assert quarter.count("127.0.0.66", login) == 1 and 1 <= quarter.count("127.0.0.66", web) <= 2  # a page, and perhaps its icon
    assert {m.address for m in quarter.met} == {"127.0.0.66", "127.0.0.67"}

    [finding] = findings(data, "127.0.0.66")
    dials = records(data, "dial", address="127.0.0.66")
    assert {row["port"] for row in dials} == {web, login, closed} and {row["event_outcome"] for row in dials} == {"success"}
    # Why: the record that caused it, which is one of this source, older than the connection; and each connection has its record.
    [cause] = {row["noroshi_cause"] for row in dials}
    [task] = {row["noroshi_task"] for row in dials}
    assert task == f"probe 127.0.0.66 {cause}" and cause != "operator"
    assert finding["time"] / 1e6 >= begin - 1
    for meeting in quarter.met:
        assert records(data, "dial", address=meeting.address, port=meeting.port), meeting
    answered = {row["port"]: row for row in records(data, "answer", address="127.0.0.66")}
    assert set(answered) == {web, login, closed}
    assert (answered[login]["reason"], answered[login]["noroshi_banner"]) == ("quiet", DVR_LOGIN)
    assert (answered[web]["reason"], answered[web]["http_response_status_code"]) == ("answered", 401)
    assert (answered[closed]["reason"], answered[closed]["event_outcome"]) == ("refused", "failure")
    assert answered[login]["source_ip"] is not None and answered[login]["source_port"] > 0
    [visit] = records(data, "visit", address="127.0.0.66")
    assert (visit["event_outcome"], visit["reason"], visit["noroshi_count"]) == ("success", "visited", 2)
    assert visit["noroshi_ports"] == f"{web}/tcp,{login}/tcp,{closed}/tcp"
    assert {bytes(row["session"]) for row in [*dials, *answered.values(), visit]} == {bytes(dials[0]["id"])}
    said = {row["rule_name"]: row for row in records(data, "device", address="127.0.0.66")}
    assert said["hikvision-ds7-telnet"]["device_model_name"] == "DS-7204HI-S" and said["hikvision-dvrnvr-realm"]["noroshi_device_class"] == "dvr"

    [devices] = [row for row in n.report("devices") if row["noroshi.device.class"] == "dvr"]
    assert devices["hosts"] == 2 and devices["models"] == 1
    probes = {row["noroshi.probe"]: row for row in n.report("probes")}
    assert (probes["telnet"]["sent"], probes["telnet"]["answered"], probes["telnet"]["refused"]) == (2, 2, 0)
    assert probes["banner"]["closed"] == 2
    shown = call(data, "show", "host", "127.0.0.66", check=OK).stdout
    assert "DS-7204HI-S" in shown and "Hikvision" in shown and "hikvision-ds7-telnet" in shown
    hosts = json.loads(call(data, "search", f"class:dvr port:{login} attacked:yes model:DS-72", "--json", check=OK).stdout)
    assert "127.0.0.66" in json.dumps(hosts) and "127.0.0.67" in json.dumps(hosts)
    call(data, "search", "class:printer", check=NOTHING)


def test_replies_have_their_own_ttl_per_port(data, quarter, capture):
    near, far = quarter.open(says(b"near login: "), ttl=61), quarter.open(says(b"far login: "), ttl=117)
    [target] = probe(data, "127.0.0.60", "--ports", f"{near}:telnet,{far}:telnet", check=OK)
    found = {answer["destination.port"]: answer for answer in target["answers"]}
    assert (found[near]["noroshi.reply.ttl"], found[far]["noroshi.reply.ttl"]) == (61, 117)
    assert "mss" in found[near]["noroshi.reply.options"] and found[near]["noroshi.reply.window"] > 0
    assert target["device"]["hosts_at_least"] == 2 and target["device"]["hosts_reason"]


# ---- nothing goes out ----


def elsewhen():
    """A time of day that is not now, nor in the next hours."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return "-".join((now + datetime.timedelta(hours=h)).strftime("%H:%M") for h in (5, 6))


@pytest.mark.parametrize("options, reason", [(USUAL[1:], None), (("operator.mail=",), None), (("outside.dry_run=true",), "dry run"),
                                             ((f"outside.hours={elsewhen()}",), "")], ids=["nameless", "no mail", "dry run", "time of day"])
def test_nothing_goes_out(data, quarter, options, reason):
    port = quarter.open(says(b"login: "))
    options = options if options == USUAL[1:] else USUAL + options
    with running(data, f"probe.ports=[\"{port}:telnet\"]", options=options) as n:
        assert ("reach.0" in n.roles()) == (reason is not None)
        attacked(n, "127.0.0.66")
        done = call(data, "--quiet", "probe", "127.0.0.65", "--ports", f"{port}:telnet", "--wait", "3s", options=options)
        if reason is None:
            assert done.returncode == USAGE and len(done.stderr.splitlines()) == 1 and "must be filled in first" in done.stderr, done
        elif reason:
            assert done.returncode == NOTHING and reason in done.stdout, done
            visited(data, "127.0.0.66")
        else:
            assert done.returncode == PARTLY, done  # it is not over: its time has not come
    assert quarter.met == []
    assert [row for row in records(data, "dial") if row["event_outcome"] == "success"] == [] and records(data, "answer") == []
    if reason:
        assert {row["reason"] for row in records(data, "dial")} == {reason}
    else:
        assert records(data, "dial") == [] and records(data, "visit") == []


# ---- opting out ----


def test_opting_out_holds_within_a_second_and_stays(data, quarter, capture):
    ports = [quarter.open(says(b"login: ", after=0.2)) for _ in range(60)]
    listed = ",".join(f"{port}:telnet" for port in ports)
    blocklist = data.parent / "blocklist.conf"
    blocklist.write_text("192.0.2.0/24 # an example\n")
    more = (f"outside.blocklist={blocklist}",)
    with running(data, *more) as n, concurrent.futures.ThreadPoolExecutor() as pool:
        visits = {address: pool.submit(probe, data, address, "--ports", listed, options=USUAL + more) for address in ("127.0.0.77", "127.0.0.78")}
        settle(lambda: quarter.count("127.0.0.77") >= 3 and quarter.count("127.0.0.78") >= 3)
        call(data, "optout", "127.0.0.77", "--reason", "the owner asked", check=OK)
        after_optout = time.time() + 1
        blocklist.write_text("192.0.2.0/24\n127.0.0.78/31 # edited while it runs\n")
        after_edit = time.time() + 1
        for address, limit in (("127.0.0.77", after_optout), ("127.0.0.78", after_edit)):
            [target] = visits[address].result(90)
            times = [m.time for m in quarter.met if m.address == address]
            assert 3 <= len(times) < len(ports) and max(times) <= limit, (address, len(times), max(times) - limit)
            refusals = {dial["event.reason"] for dial in target["refused"]}
            ended = [answer.get("noroshi.detail") for answer in target["answers"] if answer["event.reason"] == "policy"]
            wanted = "opted out" if address == "127.0.0.77" else "blocklist"
            assert refusals | set(ended) == {wanted}, target
        with capture() as seen:
            for address, why in (("127.0.0.77", "opted out"), ("127.0.0.78", "blocklist"), ("127.0.0.79", "blocklist")):
                [target] = probe(data, address, "--ports", listed, options=USUAL + more, check=NOTHING)
                assert [dial["event.reason"] for dial in target["refused"]] == [why]
            probe(data, "127.0.0.80", "--ports", f"{ports[0]}:telnet", options=USUAL + more, check=OK)
        assert len(seen.of("127.0.0.80")) > 4
        assert [packet for address in ("127.0.0.77", "127.0.0.78", "127.0.0.79") for packet in seen.of(address)] == []
        assert log_of(n).count(" error: ") == 0
    # It stays: after a restart, when it attacks, and when the file has a bad line.
    with open(data / "optout.conf", "a") as file:
        file.write("nonsense\n")
    call(data, "optout", "127.0.0.82", check=OK)
    with capture() as seen, running(data, *more, f"probe.ports=[\"{ports[0]}:telnet\"]") as n:
        for address in ("127.0.0.77", "127.0.0.82", "127.0.0.81"):
            attacked(n, address)
            visited(data, address)
    assert [(row["reason"], row["noroshi_cause"] != "operator") for row in records(data, "dial", address="127.0.0.82")] == [("opted out", True)]
    # What answers the attack itself comes from the honeypot's port, and is all.
    to = [packet for packet in seen.packets if packet.destination in ("127.0.0.77", "127.0.0.82") and packet.source_port != n.port]
    assert to == [], to
    assert seen.begun(ports[0]) and {packet.destination for packet in seen.begun(ports[0])} == {"127.0.0.81"}


def test_a_list_that_is_named_and_missing_stops_the_start(data):
    done = call(data, "--quiet", "run", options=USUAL + (f"outside.blocklist={data.parent}/missing.conf", SERVICES))
    assert done.returncode == USAGE and len(done.stderr.splitlines()) == 1 and "missing.conf" in done.stderr, done


# ---- nothing is asked twice, nothing is left out ----


def kill(n, role):
    pid = n.roles().get(role)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return pid is not None


def test_roles_may_be_killed_among_many_visits(data, quarter):
    ports = [quarter.open(says(b"220 ready\r\n", after=0.1)) for _ in range(2)]
    targets = [f"127.0.{block}.{host}" for block in (3, 4) for host in range(1, 111)]
    (data.parent / "targets").write_text("\n".join(targets) + "\n")
    in_flight, kills = 24, collections.Counter()
    with running(data, f"outside.in_flight={in_flight}") as n, concurrent.futures.ThreadPoolExecutor() as pool:
        done = pool.submit(call, data, "--quiet", "probe", "--json", "--file", str(data.parent / "targets"), "--ports",
                           ",".join(f"{port}:ftp" for port in ports), "--wait", "100s")
        for reached, role in ((40, "reach.0"), (100, "store.0"), (160, "reach.0"), (220, "reach.0"), (280, "store.0"), (340, "reach.0")):
            settle(lambda: quarter.count() >= reached)
            settle(lambda: kill(n, role))
            kills[role] += 1
        settle(lambda: len(tasks(data)) == len(targets) and set(tasks(data).values()) == {"done"}, 100)
        assert done.result(120).returncode in (OK, PARTLY)
        assert log_of(n).count("reach.0 killed by signal 9") == kills["reach.0"] == 4
    met = quarter.by_port()
    dialled = collections.Counter((row["address"], row["port"]) for row in records(data, "dial", event_outcome="success"))
    wanted = {(target, port) for target in targets for port in ports}
    # Every target was visited, every connection has its record, and no service met us twice.
    assert {row["address"] for row in records(data, "visit")} == set(targets)
    assert set(met) <= set(dialled) == wanted
    assert max(met.values()) == 1, [place for place, count in met.items() if count > 1]
    # A connection that was asked for when its process was killed may be missing; no more than were under way. It has no answer then.
    unmet = wanted - set(met)
    assert len(unmet) <= in_flight * kills["reach.0"]
    answered = {(row["address"], row["port"]): row["reason"] for row in records(data, "answer")}
    assert {answered.get(place) for place in unmet} <= {None, "stopped"}
    whole = {place for place in wanted if answered.get(place) == "answered"}
    assert whole <= set(met) and len(whole) >= len(wanted) - in_flight * kills["reach.0"]
    # What was said is stored: nothing of the audit is lost, by whomever's death.
    for stream in n.report("pipeline"):
        assert stream["records_lost"] == stream["dropped"] == 0 and stream["accepted"] == stream["stored"], stream
    ids = [bytes(row["id"]) for kind in ("dial", "answer", "visit") for row in records(data, kind)]
    assert len(ids) == len(set(ids))


def test_stopping_in_the_middle_goes_on_at_the_next_start(data, quarter):
    ports = [quarter.open(says(b"220 ready\r\n", after=0.2)) for _ in range(12)]
    listed = ",".join(f"{port}:ftp" for port in ports)
    with running(data) as n:
        call(data, "--quiet", "probe", "127.0.0.50", "--ports", listed, "--wait", "1s")
        settle(lambda: quarter.count() >= 2)
    assert quarter.count() < len(ports) and set(tasks(data).values()) != {"done"}
    with running(data) as n:
        settle(lambda: set(tasks(data).values()) == {"done"})
    assert sorted(m.port for m in quarter.met) == sorted(ports)
    [visit] = records(data, "visit")
    assert (visit["event_outcome"], visit["reason"]) == ("success", "visited")
    assert log_of(n).count(" error: ") == 0


# ---- industry ----


def test_industrial_devices_are_asked_once_and_gently(data, quarter, capture):
    device, mute = Modbus(), Modbus(mute=True)
    port = quarter.open(device.talk, 502)
    quarter.behave("127.0.0.91", port, mute.talk)
    gentle = USUAL + ("probe.ics=true", "probe.deadline=2s")
    with capture() as seen:
        found = probe(data, "127.0.0.90", "127.0.0.91", "--ports", "502", options=gentle, check=PARTLY)
    assert found[0]["device"]["noroshi.ics.protocol"] == "modbus" and found[0]["answers"][0]["device.manufacturer"] == "Example Works"
    assert found[1]["answers"][0]["event.reason"] in ("silent", "deadline") and found[1]["answers"][0]["event.outcome"] == "failure"
    for address, server in (("127.0.0.90", device), ("127.0.0.91", mute)):
        [question] = server.requests
        assert question[1][:2] == b"\x2b\x0e"  # read device identification, and nothing that writes
        [first] = [packet for packet in seen.begun(502) if packet.destination == address]
        ours = [packet for packet in seen.packets if packet.destination == address and packet.source_port == first.source_port]
        asked = {packet.sequence for packet in ours if packet.length > 0}
        assert len(asked) == 1 and len([p for p in ours if p.flags & servers.FIN]) >= 1, ours
        assert [packet for packet in ours if packet.flags & servers.RST] == []
    assert seen.begun(502) and len(seen.begun(502)) == 2
    assert set(quarter.ends.values()) == {"fin"}


def test_industrial_devices_are_left_alone_unless_asked_for(data, quarter, capture):
    device = Modbus()
    quarter.open(device.talk, 502)
    login = quarter.open(says(b"login: "))
    with capture() as seen:
        # Not by its port either, whatever the probe is called.
        [target] = probe(data, "127.0.0.92", "--ports", f"502,102:banner,{login}:telnet", check=OK)
    assert [dial["event.reason"] for dial in target["refused"]] == ["industrial probes off"] * 2
    assert [packet for packet in seen.packets if packet.destination_port in (102, 502)] == []
    assert len(seen.begun(login)) == 1 and device.requests == []


# ---- hostile answers ----


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """{name: file with a key and certificates}"""
    folder = tmp_path_factory.mktemp("certificates")

    def make(name, subject, extension=None, more=()):
        config = folder / f"{name}.cnf"
        config.write_text("[req]\nprompt = no\ndistinguished_name = dn\nx509_extensions = ext\nstring_mask = utf8only\nutf8 = yes\n"
                          f"[dn]\nCN = {subject}\n[ext]\nbasicConstraints = CA:TRUE\n" + (extension or ""))
        key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-keyout", key,
                        "-out", certificate, "-config", config], check=True, capture_output=True)
        whole = folder / f"{name}.pem"
        whole.write_text(key.read_text() + certificate.read_text() + "".join(more))
        return whole
    plain = make("plain", "dvr.example")
    one = (folder / "plain.crt").read_text()
    names = ",".join(f"DNS:host{number:06}.{'x' * 40}.example" for number in range(16000))  # a megabyte
    return {"plain": plain, "chain": make("chain", "chain.example", more=[one] * 400), "names": make("names", "names.example", f"subjectAltName = {names}\n"),
            "escapes": make("escapes", "evil\x1b[2J\x1b]0;owned\x07")}


BIG = b"A" * 65536
HEADER = b"X-Header-%d: " + b"v" * 60 + b"\r\n"
OVER = {"too much"}
ANSI = b"\x1b[2J\x1b]0;owned\x07\xc2\x9b31m\xe2\x80\xae"


def header_bomb():
    yield b"HTTP/1.1 200 OK\r\n"
    number = 0
    while True:
        yield b"".join(HEADER % (number + i) for i in range(500))
        number += 500


def chunked(size, body):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\n"
    return answers(False, lambda: [head, *body])


def over_length(length, body):
    return answers(False, lambda: (piece for part in ([b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\n"], body()) for piece in part))


async def at_once_reset(reader, writer, meeting):
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


async def at_once_gone(reader, writer, meeting):
    writer.write_eof()


def hostile_telnet():
    gigabyte = lambda: (BIG for _ in range(1 << 14))  # noqa: E731
    return {
        "endless": (answers(True, servers.endless(BIG)), OVER),
        "a gigabyte": (answers(True, gigabyte), OVER),
        "a byte at a time": (answers(True, servers.slow(b"a", 0.05)), {"deadline", "quiet"}),
        "garbage": (says(bytes(range(256)) * 40 + os.urandom(4096)), {"quiet", "deadline"}),
        "NULs": (says(b"\0" * 8192), {"quiet", "deadline", "silent"}),
        "NULs without end": (answers(True, servers.endless(b"\0" * 65536)), OVER),
        "options without end": (answers(True, servers.storm), OVER),
        "an option that never ends": (answers(True, servers.endless(b"\xff\xfa\x18" + b"x" * 60000)), OVER),
        "escapes": (says(b"login " + ANSI + b": "), {"quiet"}),
        "silence": (servers.silent, {"silent"}),
        "gone at once": (at_once_gone, {"silent", "closed"}),
        "reset at once": (at_once_reset, {"silent", "closed", "reset", "refused"}),
    }


def hostile_web():
    ansi_page = page(status=b"200 " + ANSI, headers=[b"Server: " + ANSI, b'WWW-Authenticate: Basic realm="' + ANSI + b'"'],
                     body=b"<html><title>dvr " + ANSI + b"</title></html>")
    whole = {"answered", "too much"}
    return {
        "headers without end": (answers(False, header_bomb), OVER),
        "headers that trickle": (answers(False, servers.slow(b"A: b\r\n", 0.05)), {"deadline", "quiet", "other protocol"}),
        "a line without end": (answers(False, servers.endless(b"HTTP/1.1 200 " + BIG)), OVER | {"other protocol"}),
        "a gigantic length": (over_length(b"999999999999999999", servers.endless(BIG)), whole),
        "a length of no number": (over_length(b"99999999999999999999999999999999", servers.endless(BIG)), whole),
        "a negative length": (over_length(b"-1", servers.endless(BIG)), whole),
        "a length and nothing": (over_length(b"1000", lambda: [b"x"]), {"quiet", "deadline"}),
        "a gigantic chunk": (chunked(b"FFFFFFFFFFFFFFF0", [BIG] * 100), whole),
        "a chunk of no size": (chunked(b"FFFFFFFFFFFFFFFFFFFFFFFF", [BIG] * 100), whole),
        "chunks without end": (answers(False, lambda: (p for part in ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"],
                                                                       servers.endless(b"1\r\na\r\n" * 5000)()) for p in part)), whole),
        "interim answers without end": (answers(False, servers.endless(b"HTTP/1.1 100 Continue\r\n\r\n" * 500)), whole | {"other protocol"}),
        "packed junk": (page(headers=[b"Content-Encoding: gzip", b"Content-Type: text/html"], body=b"\x1f\x8b\x08\0" + os.urandom(50000)), whole),
        "escapes in all it says": (ansi_page, {"answered"}),
        "a page that leads to itself": (page(status=b"302 Found", headers=[b"Location: /"]), {"answered"}),
        "no web at all": (says(os.urandom(3000) + b"\r\n\r\n"), {"other protocol", "quiet", "closed"}),
    }


def over_tls(file, inner=None):
    """Ends TLS itself, since other addresses at the port speak none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    async def talk(reader, writer, meeting):
        coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(coming, going, server_side=True)

        async def step(action):
            while True:
                try:
                    result = action()
                    break
                except ssl.SSLWantReadError:
                    writer.write(going.read())
                    await writer.drain()
                    more = await reader.read(65536)
                    if not more:
                        return None
                    coming.write(more)
            writer.write(going.read())
            await writer.drain()
            await asyncio.sleep(0)
            return result
        try:
            await step(tls.do_handshake)
            if await step(lambda: tls.read(65536)) is None:
                return
            for piece in inner():
                if await step(lambda: tls.write(piece)) is None:
                    return
        except ssl.SSLError:
            pass
    return talk


def hostile_tls(certificates):
    failed = {"tls failed"}
    hello = b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03" + bytes(32) + b"\x20" + bytes(30)  # the first half of a ServerHello
    good = b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\nConnection: close\r\n\r\n<html><title>tls</title></html"
    return {
        "garbage": (answers(False, lambda: [os.urandom(5000)]), failed),
        "plain text": (answers(False, lambda: [b"HTTP/1.1 400 Bad Request\r\n\r\n"]), failed),
        "an alert": (answers(False, lambda: [b"\x15\x03\x03\x00\x02\x02\x28"]), failed),
        "half a handshake": (answers(False, lambda: [hello]), failed),
        "a record at a time": (answers(False, servers.slow(b"\x16\x03\x03\x00\x01\x02", 0.05)), failed),
        "records without end": (answers(False, servers.endless(b"\x16\x03\x03\x40\x00" + b"\x0b" * 16384)), failed),
        "nothing": (servers.silent, failed | {"silent"}),
        "a chain of hundreds": (over_tls(certificates["chain"], lambda: [good]), failed),
        "a megabyte of names": (over_tls(certificates["names"], lambda: [good]), failed),
        "a subject with escapes": (over_tls(certificates["escapes"], lambda: [good]), {"answered"}),
        "an endless page": (over_tls(certificates["plain"], lambda: (b"HTTP/1.1 200 OK\r\n\r\n" if n == 0 else BIG for n in range(10000))),
                            {"answered", "too much"}),
    }


def hostile_ssh():
    return {
        "lines without end": (answers(True, servers.endless(b"Welcome!\r\n" * 5000)), OVER | {"other protocol"}),
        "a gigantic packet": (says(b"SSH-2.0-x\r\n\xff\xff\xff\xff" + os.urandom(2000)), {"answered", "other protocol"}),
        "a version with escapes": (says(b"SSH-2.0-" + ANSI + b"\r\n"), {"answered", "quiet", "deadline"}),
    }


def hostile_ftp():
    return {"a greeting without end": (answers(True, servers.endless(b"220-hello\r\n" * 5000)), OVER)}


@pytest.mark.sanitized
def test_hostile_answers_are_recorded_bounded_and_nobody_elses_matter(data, quarter, certificates):
    groups = {"telnet": hostile_telnet(), "http": hostile_web(), "https": hostile_tls(certificates), "ssh": hostile_ssh(), "ftp": hostile_ftp()}
    ports, expected, names = {}, {}, {}
    for number, (name, cases) in enumerate(groups.items()):
        port = ports[name] = quarter.open(servers.silent)
        for host, (case, (talk, endings)) in enumerate(cases.items(), 1):
            expected[f"127.0.{20 + number}.{host}", port] = endings
            names[f"127.0.{20 + number}.{host}"] = f"{name}: {case}"
            quarter.behave(f"127.0.{20 + number}.{host}", port, talk)
    good = {quarter.open(says(DVR_LOGIN)): "telnet", quarter.open(page(**DVR_PAGE)): "http", quarter.open(says(b"220 example FTP server ready.\r\n")): "ftp"}
    crowd = [f"127.0.30.{host}" for host in range(1, 101)]

    def ask(listed, addresses):
        return call(data, "--quiet", "probe", *addresses, "--ports", listed, "--json", "--wait", "100s")
    limit = 5 * (4 if SANITIZED else 1)
    patient = [option for option in USUAL if not option.startswith("probe.quiet")] + [f"probe.deadline={limit}s", "probe.quiet=1s"]
    with running(data, "log.level=debug", options=patient) as n, concurrent.futures.ThreadPoolExecutor() as pool:
        reach = n.roles()["reach.0"]
        hostile = [pool.submit(ask, f"{ports[name]}:{name}", [a for a, p in expected if p == ports[name]]) for name in groups]
        settle(lambda: quarter.count() > len(expected) / 2)
        crowded = pool.submit(ask, ",".join(f"{port}:{name}" for port, name in good.items()), crowd)
        said = [future.result(120) for future in [*hostile, crowded]]
        peak = kilobytes(reach, "VmHWM")
        assert n.roles().get("reach.0") == reach, log_of(n)[-2000:]
        shown = [["report", name] for name in ("devices", "device-classes", "unknown", "probes", "ics")]
        shown += [["search", "ip:127.0.0.0/8"], ["search", "ip:127.0.0.0/8", "--json"], ["export", "ecs"]]
        for words in shown + [["show", "host", address] for address in names]:
            done = call(data, *words)
            assert done.returncode in (OK, NOTHING), (words, done.stderr)
            assert harmless(done.stdout + done.stderr), (words, names.get(words[-1]), done.stdout)
    for done in said:
        assert harmless(done.stdout), done.stdout[:2000]
    print(f"reach took {peak} kB at most")
    assert SANITIZED or peak < 120 * 1024
    log_is_clean(n)
    # Each of the hostile is recorded, once, with why it ended, in time, and within its cap.
    found = {(row["address"], row["port"]): row for row in records(data, "answer")}
    wrong = {names[place[0]]: found[place]["reason"] for place, endings in expected.items() if found[place]["reason"] not in endings}
    assert wrong == {}
    for place in expected:
        row, name = found[place], names[place[0]]
        assert len(banner_of(data, row)) <= 96 * 1024, name
        assert row["event_duration"] / 1e9 < 2 * (limit + 3 + 1) + 10, name  # two connections, each with its time to connect and to part
        if row["reason"] == "too much":
            assert len(banner_of(data, row)) == 96 * 1024 and row["noroshi_banner_cut"] > 0, name
    assert quarter.count(port=ports["http"]) <= 2 * len(groups["http"])
    escapes = [address for address, name in names.items() if name == "https: a subject with escapes"]
    assert "evil" in found[escapes[0], ports["https"]]["tls_server_subject"]
    # The others noticed nothing.
    wanted = {"telnet": ("quiet", DVR_LOGIN), "ftp": ("answered", b"220 example FTP server ready.\r\n")}
    for address in crowd:
        for port, name in good.items():
            row = found[address, port]
            assert row["reason"] == wanted.get(name, ("answered",))[0], (address, name, row["reason"])
            assert name == "http" or row["noroshi_banner"] == wanted[name][1]
            assert name != "http" or row["http_response_status_code"] == 401
    [devices] = json.loads(call(data, "search", "model:DS-7204HI-S", "--json", "--limit", "0", check=OK).stdout)["rows"][:1]
    assert devices


# ---- the operator ----


class Filed(town.Noroshi):
    """Driven by a file, which a reload reads again."""

    def __init__(self, data):
        super().__init__(data, config=data.parent / "noroshi.yaml")
        self.options = []
        self.write()

    def write(self, text=""):
        self.config.write_text(f'services:\n  - {{service: telnet, listen: "127.0.0.1:{self.port}", profile: {DEVICE}}}\n{FOLDERS}{text}')

    def reload(self, says):
        before = log_of(self).count(says)
        self.process.send_signal(signal.SIGHUP)
        settle(lambda: log_of(self).count(says) > before)


def judged(data):
    """Has the analysis followed, and kept, what the last attack did to its end? What it had not is judged again by the next, by its settings."""
    places = select(data / "control.db", "SELECT max(row) AS row FROM place")
    return records(data, "session") and places[0]["row"] is not None and places[0]["row"] >= records(data, "session")[-1]["seq"]


OPERATOR = "operator: {organisation: Example CSIRT, mail: abuse@csirt.example, page: \"https://csirt.example/probing\"}\n"


def test_a_reload_switches_the_operator_on_and_off(data, quarter):
    port = quarter.open(says(b"login: "))
    outside = f'outside: {{test_network: ["127.0.0.0/8"]}}\nprobe: {{delay: 0s, jitter: 0s, quiet: 300ms, ports: ["{port}:telnet"]}}\n'
    with Filed(data) as n:
        n.write(outside)
        n.reload("info: reloaded")
        assert "reach.0" not in n.roles()
        attacked(n, "127.0.0.40")
        settle(lambda: judged(data))
        n.write(outside + OPERATOR)
        n.reload("info: reloaded")
        settle(lambda: "reach.0" in n.roles())
        attacked(n, "127.0.0.41")
        visited(data, "127.0.0.41")
        first = n.roles()["reach.0"]
        # A mistake changes nothing.
        n.write(outside + OPERATOR.replace("https", "gopher"))
        n.reload("not reloaded: ")
        assert "operator.page" in log_of(n).rsplit("not reloaded: ", 1)[1].splitlines()[0]
        assert n.roles()["reach.0"] == first
        n.write(outside)
        n.reload("info: reloaded")
        settle(lambda: "reach.0" not in n.roles())
        attacked(n, "127.0.0.42")
        time.sleep(0.5)
        assert log_of(n).count(" error: not reloaded") == 1 and log_of(n).count(" error: ") == 1, log_of(n)
    # Who attacked while nobody was named is not visited, then or later.
    assert {m.address for m in quarter.met} == {"127.0.0.41"}


@pytest.mark.parametrize("setting, wanted", [
    ("operator: {mail: nobody}", "operator.mail"),
    ("operator: {page: \"http://csirt.example/\"}", "operator.page"),
    ("outside: {hours: \"9 to 5\"}", "outside.hours"),
    ("outside: {test_network: [\"everything\"]}", "outside.test_network"),
    ("probe: {ports: [\"80:gopher\"]}", "probe.ports"),
    ("probe: {ics_ports: [0]}", "probe.ics_ports"),
    ("probe: {extra: [gopher]}", "probe.extra"),
])
def test_mistakes_cost_one_line_that_says_where_and_how(data, setting, wanted):
    file = data.parent / "bad.yaml"
    extra = "" if setting.startswith("operator") else OPERATOR
    lines = (extra + FOLDERS + SERVICES.replace("=", ": ", 1) + "\n" + setting + "\n").splitlines()
    file.write_text("\n".join(lines) + "\n")
    done = town.call("--quiet", "run", data=data, config=file)
    said = done.stderr.splitlines()
    assert done.returncode == USAGE and len(said) == 1 and wanted in said[0], done
    assert f"bad.yaml:{len(lines)}" in said[0], said
    assert "such as" in said[0] or "for example" in said[0] or "e.g." in said[0], said


# ---- by hand ----


def test_probing_by_hand_says_what_came_of_it(data, quarter):
    port = quarter.open(says(DVR_LOGIN))
    quarter.behave("127.0.0.12", port, at_once_gone)
    listed = f"{port}:telnet"
    for number, beside in enumerate((contextlib.nullcontext(), running(data))):
        with beside:
            [target] = probe(data, "127.0.0.10", "--ports", listed, check=OK)
            assert target["event.outcome"] == "success" and target["device"]["device.model.name"] == "DS-7204HI-S"
            assert target["device"]["rules"]["device.model.name"] == "hikvision-ds7-telnet"
            before = quarter.count()
            dry = probe(data, "127.0.0.10", "--ports", listed, "--dry-run", check=OK)
            assert dry and quarter.count() == before
            call(data, "--quiet", "probe", "127.0.0.12", "--ports", listed, check=NOTHING)
            found = probe(data, "127.0.0.10", "127.0.0.12", "--ports", listed, check=PARTLY)
            assert [target["event.outcome"] for target in found] == ["success", "failure"]
            for wrong in (["127.0.0.300"], ["127.0.0.1", "--ports", "http"], ["127.0.0.1", "--ports", "80:gopher"], []):
                assert call(data, "--quiet", "probe", *wrong).returncode == USAGE, wrong
        assert (quarter.count("127.0.0.10"), quarter.count("127.0.0.12")) == (2 * (number + 1), 2 * (number + 1))
    dials = records(data, "dial")
    assert len(dials) == quarter.count() == 8 and {row["noroshi_cause"] for row in dials} == {"operator"}


# ---- budgets ----


def test_daily_budgets_hold_across_a_restart(data, quarter):
    ports = [quarter.open(says(b"login: ")) for _ in range(5)]
    listed = ",".join(f"{port}:telnet" for port in ports)
    frugal = [option for option in USUAL if "daily_per" not in option] + ["outside.daily_per_address=4", "outside.daily_per_network=10", "probe.quiet=100ms"]
    [target] = probe(data, "127.0.5.1", "--ports", f"{ports[0]}:telnet,{ports[1]}:telnet", options=frugal, check=OK)
    assert quarter.count() == 2 and target["refused"] == []
    with running(data, options=frugal) as n:
        # Counted from the audit: a program that has just been started knows of the two.
        [target] = probe(data, "127.0.5.1", "--ports", listed, options=frugal, check=OK)
        assert quarter.count("127.0.5.1") == 4
        assert [dial["event.reason"] for dial in target["refused"]] == ["daily budget of the address"]
        kill(n, "reach.0")
        found = probe(data, *[f"127.0.5.{host}" for host in range(1, 10)], "--ports", listed, options=frugal, check=PARTLY)
        assert quarter.count("127.0.5.1") == 4 and quarter.count() == 10
        assert {dial["event.reason"] for target in found[1:] for dial in target["refused"]} <= {"daily budget of the address", "daily budget of the network"}
    with running(data, options=frugal):
        found = probe(data, "127.0.5.1", "127.0.5.200", "--ports", listed, options=frugal, check=NOTHING)
        assert [dial["event.reason"] for target in found for dial in target["refused"]][-1] == "daily budget of the network"
    assert quarter.count() == 10 and max(collections.Counter(m.address for m in quarter.met).values()) <= 4
    assert len(records(data, "dial", event_outcome="success")) == 10


def most_within(times, seconds):
    """The most of these moments that lie within so many seconds, however they are cut."""
    times = sorted(times)
    return max(len([t for t in times[i:] if t - first < seconds]) for i, first in enumerate(times))


def test_rates_hold_however_the_seconds_are_cut(data, quarter):
    ports = [quarter.open(says(b"login: ")) for _ in range(2)]
    slow = [option for option in USUAL if "rate" not in option] + ["outside.rate=20", "outside.rate_per_address=100000", "outside.rate_per_network=1000000",
                                                                   "probe.quiet=100ms"]
    found = probe(data, *[f"127.0.6.{host}" for host in range(1, 26)], "--ports", ",".join(f"{port}:telnet" for port in ports), options=slow, check=OK)
    assert len(found) == 25 and quarter.count() == 50
    times = [row["time"] / 1e6 for row in records(data, "dial", event_outcome="success")]
    assert len(times) == 50 and most_within(times, 1) <= 20
    assert max(m.time for m in quarter.met) - min(m.time for m in quarter.met) > 1.2
