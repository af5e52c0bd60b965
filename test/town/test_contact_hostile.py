"""Everybody who is asked is hostile (farm_hostile.py): replies without end, bombs, loops, names that lead to our own machine, what spoils a terminal.
Every search ends, in bounded time and memory; no connection goes where none may; nothing that is printed does anything but be read."""

import json
import pathlib
import re
import threading
import time

import farm_hostile
import farm_place
import farm_station
import pytest
from farm_hostile import BLOCK, OWN
from farm_station import Station
from test_contact import passable

pytestmark = pytest.mark.skipif(not farm_place.can_build(), reason="network namespaces need root, and names need named")

CHANNELS = ["ip_whois", "rdap", "ip_web", "certificate", "security_txt", "soa_rname", "abuse_zone", "maker", "domain_whois"]
OPTIONS = ["contact.timeout=4s", "contact.patience=30s", "contact.abuse_zones=[zone.hostile.net]"]
MEMORY_MAX = 200 << 20  # of reach: the bodies under way may hold 96 MiB


class Memory(threading.Thread):
    """The most that a role had."""

    def __init__(self, station, role):
        super().__init__(daemon=True)
        self.station, self.role, self.most, self.ending = station, role, 0, False

    def run(self):
        while not self.ending:
            for name, pid in self.station.roles().items():
                if name.split(".")[0] == self.role:
                    try:
                        text = pathlib.Path(f"/proc/{pid}/status").read_text()
                    except OSError:
                        continue
                    self.most = max(self.most, int(re.search(r"VmHWM:\s*(\d+)", text)[1]) << 10)
            time.sleep(0.2)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with farm_hostile.HostilePlace(tmp_path_factory.mktemp("hostile")) as built:
        yield built


@pytest.fixture(scope="module")
def searched(place, tmp_path_factory):
    station = Station(place, passable(tmp_path_factory.mktemp("searched")) / "data", CHANNELS, OPTIONS)
    with station:
        memory = Memory(station, "reach")
        memory.start()
        begin = time.monotonic()
        done = station.call("contact", str(place.write_targets()), "--json", "--wait", "100s")
        station.took = time.monotonic() - begin
        assert done.returncode in (3, 4), (done.returncode, done.stderr)
        memory.ending = True
        memory.join()
        station.memory, station.said, station.done = memory.most, json.loads(done.stdout), done
        yield station


def debts(searched, last):
    return searched.quests()[BLOCK + str(last)][1]


def test_every_search_ends_and_bounds_hold(searched, place):
    quests = searched.quests()
    assert set(farm_hostile.targets()) <= set(quests), "a search did not end"
    assert searched.took < 95
    assert 0 < searched.memory < MEMORY_MAX, searched.memory >> 20
    assert "reach" in {name.split(".")[0] for name in searched.roles()} and "killed" not in searched.log.read_text(errors="replace")


def test_no_connection_goes_where_none_may(searched):
    export = searched.call("export", "ecs", check=0).stdout.splitlines()
    dials = [record for record in map(json.loads, export) if record["event"]["dataset"] == "noroshi.dial" and record["event"]["outcome"] == "success"]
    where = {(record["destination"]["ip"], record["destination"]["port"]) for record in dials}
    assert len(where) > 30
    assert {port for _, port in where} <= {43, 4321, 80, 443}
    wrong = {ip for ip, _ in where if not ip.startswith((BLOCK, "10.79."))}
    assert wrong == set(), "special addresses, and our own"
    counts = [sum(record["destination"]["ip"] == BLOCK + str(last) for record in dials) for last in farm_hostile.WEB]
    assert max(counts) <= 24, dict(zip(farm_hostile.WEB, counts))  # redirects and frames are counted


def asked_of(place, last):
    """[(who was asked, port)] for that address."""
    return [tuple(line.split()[:2]) for line in (place.folder / "asked").read_text().splitlines() if line.split()[2] == BLOCK + str(last)]


@pytest.mark.parametrize("last", [last for last in farm_hostile.WHOIS if last not in (101, 105, 108)])
def test_hostile_registries_are_debts(searched, last):
    outcome, owed = searched.quests()[BLOCK + str(last)]
    assert "ip_whois" in owed, (farm_hostile.WHOIS[last], outcome, owed)


@pytest.mark.parametrize("last", [106, 107, 113])
def test_what_did_not_come_is_not_taken_for_a_no(searched, last):
    """Without end, a byte a second, a greeting and then nothing."""
    assert "its reply was cut" in debts(searched, last), debts(searched, last)


def test_rings_of_referrals_end(searched, place):
    """Each is asked once, in each form of the question."""
    assert len(asked_of(place, 100)) <= 4 and len(asked_of(place, 101)) <= 2, (asked_of(place, 100), asked_of(place, 101))
    assert {port for last in farm_hostile.WHOIS for _, port in asked_of(place, last)} <= {"43", "4321"}


def test_a_chain_of_referrals_ends(searched, place):
    assert 5 <= len(asked_of(place, 102)) <= 9
    assert "too many hops" in debts(searched, 102)


@pytest.mark.parametrize("last", [1, 3, 22])
def test_pages_without_end_are_cut(searched, last):
    assert "only its beginning was read" in debts(searched, last) or last == 22, debts(searched, last)


def test_bombs_and_slow_pages_owe_or_are_cut(searched):
    for last in (2, 4, 5, 6):
        assert "ip_web" in debts(searched, last), (farm_hostile.WEB[last], debts(searched, last))


def test_a_device_is_told_of_its_maker(searched):
    with searched.control() as db:
        rows = {(farm_station.word(value), farm_station.word(choice or "")) for address, value, choice in db.execute("SELECT address, value, choice FROM contact")
                if farm_station.text_of(address) == BLOCK + "21"}
    assert ("security@tp-link.com", "copy") in rows, rows


def test_nothing_printed_is_more_than_text(searched):
    """Not on a terminal, not in a table, not in a file: control bytes, escapes and what turns text round are shown as what they are."""
    address = BLOCK + "108"
    page = BLOCK + "20"
    calls = [("contact", address, page), ("contact", address, page, "--csv"), ("contact", address, page, "--json"), ("show", "contact", address),
             ("show", "contact", page), ("show", "contact", page, "--json"), ("whois", address, "--trace"), ("whois", address, "--trace", "--json"),
             ("whois", BLOCK + "105", "--trace"), ("report", "contacts"), ("report", "contact-validity"), ("report", "registries"),
             ("report", "registries", "--json"), ("report", "privacy-proxies"), ("report", "sns")]
    for arguments in calls:
        done = searched.call(*arguments)
        assert done.returncode in (0, 3, 4), (arguments, done.returncode, done.stderr)
        text = done.stdout + done.stderr  # decoded as UTF-8 by call, strictly
        raw = {hex(ord(c)) for c in text if ord(c) in farm_hostile.SHOWN}
        if "--json" in arguments:
            json.loads(done.stdout)
            raw = {hex(ord(c)) for c in text if ord(c) < 0x20 and c != "\n"}
        assert raw == set(), (arguments, raw)
    assert "abuse@mail.net" in searched.call("contact", address).stdout
    assert OWN not in searched.call("report", "registries").stdout
