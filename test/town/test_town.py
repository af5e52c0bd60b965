"""Noroshi looks at a small internet whose truth is known: what each host is, who shares an address, whom nobody may ask, and that the audit
holds every connection that was on the wire."""

import collections
import json
import re
import time

import net
import net_truth
import pytest
import town
from net_truth import ALL, BLOCKED, FORBIDDEN, HUB, INDUSTRIAL, OPTED_OUT

pytestmark = pytest.mark.skipif(not net.can_build(), reason="network namespaces need root")

CLASS, MAKER, MODEL = "noroshi.device.class", "device.manufacturer", "device.model.name"
PORTS = sorted({(port, "udp" if service.get("udp") else "tcp") for house in ALL for port, service in house.ports.items()})
OPTIONS = ["operator.organisation=Example CSIRT", "operator.mail=abuse@csirt.example", "operator.page=https://csirt.example/probing",
           "outside.test_network=[10.77.0.0/16]", "outside.rate=2000", "outside.rate_per_address=1000", "outside.rate_per_network=100000",
           "outside.rate_per_as=2000", "outside.rate_ics=100000", "outside.daily_per_address=200", "outside.daily_per_network=100000", "outside.daily_ics=100000",
           "probe.delay=0s", "probe.jitter=0s", "probe.interval=1h", "probe.first_byte=2s", "probe.quiet=400ms", "probe.connect_timeout=3s",
           f"fingerprint.rules={town.SOURCE / 'conf' / 'fingerprints'}", f"honeypot.profiles={town.SOURCE / 'conf' / 'profiles'}"]
KINDS_OF_PROBES = ["probe.extra=[snmp]", "probe.ics=true", "probe.ics_ports=[502, 47808/udp, 102, 1911]"]


def passable(folder):
    """The roles run as another user."""
    for part in [folder, *folder.parents]:
        if str(part).startswith("/tmp/"):
            part.chmod(part.stat().st_mode | 0o111)
    return folder


class Station(town.Noroshi):
    """A Noroshi in the hub. It reads the blocklist in its data folder's parent."""

    def __init__(self, small, data, options=(), ports=(2323,)):
        self.small = small
        self.blocklist = data.parent / f"{data.name}.blocklist"
        self.blocklist.write_text(f"{BLOCKED}  # the operator's\n")
        self.blocklist.chmod(0o644)
        super().__init__(data, options=[*OPTIONS, f"outside.blocklist={self.blocklist}", *options], listeners="[" + ", ".join(f'{{service: telnet, listen: "{HUB}:{port}"}}' for port in ports) + "]",
                         before=small.becoming("hub", daemon=False))

    def call(self, *arguments, check=None):
        return town.call(*arguments, data=self.data, options=self.options, check=check, preexec_fn=self.small.becoming("hub", daemon=False))

    def probe(self, houses, ports, wait="90s"):
        """{address: what is said of the target}."""
        words = ",".join(f"{port}/{transport}" if transport == "udp" else str(port) for port, transport in ports)
        done = self.call("probe", "--json", "--wait", wait, "--ports", words, *[house.address for house in houses])
        assert done.stdout, done.stderr
        return {target["destination.ip"]: target for target in json.loads(done.stdout)}

    def records(self, kind):
        rows = [json.loads(line) for line in self.call("export", "ecs").stdout.splitlines()]
        return [row for row in rows if value(row, "event.dataset") == f"noroshi.{kind}"]

    def dials(self):
        """[(outcome, reason, address, port, transport)] of the audit."""
        return [(value(r, "event.outcome"), value(r, "event.reason"), value(r, "destination.ip"), value(r, "destination.port"), value(r, "network.transport"))
                for r in self.records("dial")]


def value(row, name):
    """Of ECS, whether nested or dotted."""
    if name in row:
        return row[name]
    for part in name.split("."):
        row = row.get(part) if isinstance(row, dict) else None
    return row


def attack(small, house):
    for port, arrives in house.attacks.items():
        with small.connect_from(house, port, arrives) as s:
            for word in (b"root", b"admin"):
                seen = b""
                while not seen.rstrip().endswith(b":"):
                    more = s.recv(4096)
                    assert more, seen
                    seen += more
                s.sendall(word + b"\r\n")
            time.sleep(0.2)


RESIDUE = next(house for house in ALL if house.before)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = passable(tmp_path_factory.mktemp("net"))
    with net.Town(folder / "town", [house for house in ALL if house is not RESIDUE]) as built:
        yield built


@pytest.fixture(scope="module")
def visited(small, tmp_path_factory):
    """Everybody was asked, after the industrial hosts attacked us; what came of it."""
    data = passable(tmp_path_factory.mktemp("visited")) / "data"
    station = Station(small, data, KINDS_OF_PROBES, ports=(23, 445, 3389))
    # Its street has its address only while someone lives there.
    net.ip_batch([f"addr add {RESIDUE.address}/24 dev lan"], small.namespace(small.place_of(RESIDUE)))
    with station, small.capture() as hub, small.capture("street6") as street:
        assert station.call("optout", OPTED_OUT, "--reason", "the owner wrote").returncode == 0
        past = small.open_before(RESIDUE)
        station.earlier = station.probe([RESIDUE], [(23, "tcp")])[RESIDUE.address]
        small.stop(past)
        small.open_houses([RESIDUE])
        for house in INDUSTRIAL:
            attack(small, house)
        station.targets = station.probe(ALL, PORTS)
        station.hub, station.street = hub, street
        yield station


def device(visited, house):
    return visited.targets[house.address]["device"] or {}


def test_the_class_of_hosts(visited):
    asked = [house for house in ALL if house.class_ and house not in FORBIDDEN]
    wrong = [(house.name, house.address, house.class_, device(visited, house)) for house in asked if device(visited, house).get(CLASS) != house.class_]
    assert len(wrong) <= len(asked) // 20, wrong


def test_maker_and_model(visited):
    named = [house for house in ALL if house.maker and house not in FORBIDDEN]
    wrong = [(house.name, house.maker, device(visited, house).get(MAKER)) for house in named if device(visited, house).get(MAKER) != house.maker]
    assert len(wrong) <= len(named) // 20, wrong
    models = [house for house in ALL if house.model and house not in FORBIDDEN]
    wrong = [(house.name, house.model, device(visited, house).get(MODEL)) for house in models if device(visited, house).get(MODEL) != house.model]
    assert len(wrong) <= len(models) // 20, wrong


def test_the_device_says_which_rule_said_it(visited):
    for house in ALL:
        said = device(visited, house)
        assert (CLASS in said) == (CLASS in said.get("rules", {})), (house, said)


@pytest.mark.parametrize("house", INDUSTRIAL, ids=lambda house: house.name)
def test_table_two(visited, house):
    """A, B, D and E are one host as far as TTLs say; behind C are two, behind F three."""
    said = device(visited, house)
    assert said.get("hosts_at_least") == house.hosts, said
    if house.hosts > 1:
        assert re.search(r"\b64\b", said["hosts_reason"]) and re.search(r"\b128\b", said["hosts_reason"]), said
        for port in house.attacks:
            assert str(port) in said["hosts_reason"]


def test_replies_have_the_ttl_that_was_on_the_wire(visited):
    wrong = []
    for house in ALL:
        for answer in visited.targets[house.address]["answers"]:
            service = house.ports.get(answer["destination.port"])
            if service is not None and answer.get("noroshi.reply.ttl") != net_truth.arriving(house, service):
                wrong.append((house.name, answer["destination.port"], answer.get("noroshi.reply.ttl"), net_truth.arriving(house, service)))
    assert not wrong


def test_residue_is_no_device(visited):
    assert visited.earlier["device"][CLASS] == RESIDUE.class_
    said = device(visited, RESIDUE)
    assert said.get("noroshi.residue") == RESIDUE.residue
    assert said[CLASS] == RESIDUE.class_ and said[MAKER] == RESIDUE.maker


def test_somebody_elses_honeypot_is_marked(visited):
    for house in ALL:
        if house not in FORBIDDEN:
            assert device(visited, house).get("noroshi.honeypot", "") in (house.honeypot, ""), house
            assert not house.honeypot or device(visited, house).get("noroshi.honeypot") == house.honeypot


def test_who_is_not_to_be_asked_gets_no_packet(visited):
    reasons = {"on the blocklist": "blocklist", "opted out": "opted out"}
    for house in FORBIDDEN:
        assert visited.hub.of(house.address) == [] and visited.street.of(house.address) == []
        target = visited.targets[house.address]
        assert target["answers"] == []
        assert {refused["event.reason"] for refused in target["refused"]} == {reasons[house.name]}


def test_the_audit_holds_every_connection(visited):
    time.sleep(1)
    seen = collections.Counter(connection[:3] for connection in visited.hub.connections())
    written = collections.Counter(tuple(row[2:5]) for row in visited.dials() if row[0] == "success")
    assert len(written) > len(ALL)
    assert seen == written, ((seen - written), (written - seen))


def test_an_attack_makes_a_visit(visited):
    """On the ports of every visit and those of probe.ics_ports, without anybody asking by hand."""
    by_attack = {value(row, "destination.ip") for row in visited.records("visit") if value(row, "noroshi.cause") != "operator"}
    assert {house.address for house in INDUSTRIAL} <= by_attack


def test_opting_out_works_at_once_and_stays(visited, small):
    house = next(h for h in ALL if h.name == "camera with a page")
    assert visited.call("optout", house.address).returncode == 0
    with small.capture("street1") as street:
        time.sleep(0.3)
        target = visited.probe([house], [(80, "tcp"), (8080, "tcp")])[house.address]
    assert street.of(house.address) == []
    assert {refused["event.reason"] for refused in target["refused"]} == {"opted out"}
    visited.stop()
    visited.start()
    with small.capture("street1") as street:
        visited.probe([house], [(80, "tcp")])
    assert street.of(house.address) == []


def test_dry_run_sends_nothing(small, tmp_path):
    station = Station(small, passable(tmp_path) / "data")
    with small.capture() as hub:
        done = station.call("probe", "--dry-run", "--json", "--ports", "23,80", *[house.address for house in ALL[:10]], check=0)
    assert len(json.loads(done.stdout)) == 10
    assert hub.packets == []


@pytest.mark.parametrize("name,limit,house_count,ports", [("outside.daily", 12, 10, 3), ("outside.daily_per_address", 2, 4, 5),
                                                          ("outside.daily_per_network", 9, 8, 3)])
def test_budgets_hold(small, tmp_path, name, limit, house_count, ports):
    houses = [house for house in ALL if house.street == 1][:house_count]
    station = Station(small, passable(tmp_path) / "data", [f"{name}={limit}"])
    with station, small.capture() as hub:
        station.probe(houses, [(port, "tcp") for port in (21, 22, 23, 80, 8081)[:ports]])
    made = hub.connections()
    if name == "outside.daily_per_address":
        assert set(collections.Counter(connection[0] for connection in made).values()) == {limit}
    else:
        assert len(made) == limit
    assert {row[1] for row in station.dials() if row[0] == "failure"} != set()


def test_rates_hold(small, tmp_path):
    houses = [house for house in ALL if house.street in (1, 2)]
    rate = 25
    station = Station(small, passable(tmp_path) / "data", [f"outside.rate={rate}"])
    with station, small.capture() as hub:
        station.probe(houses, [(8081, "tcp"), (8082, "tcp"), (8083, "tcp")])
    times = sorted(p[0] for p in hub.packets if p[1] == HUB and p[3] == 6 and p[6] & 0x12 == 0x02)
    assert len(times) == 3 * len(houses)
    for first in range(len(times) - rate * 2):
        assert times[first + rate * 2] - times[first] >= 0.95, "more than the rate, and the second's worth that may be saved up"


def test_nobody_named_means_nobody_asked(small, tmp_path):
    data = passable(tmp_path) / "data"
    with small.capture() as hub:
        done = town.call("probe", ALL[0].address, data=data, options=["outside.test_network=[10.77.0.0/16]"],
                         preexec_fn=small.becoming("hub", daemon=False))
    assert done.returncode != 0 and "operator" in done.stderr
    assert hub.packets == []
