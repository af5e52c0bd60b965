"""Whom to notify, found out among the registries of farm_place.py: every contact of the truth and no other, the paper's tables 1 and 2, never a
question more than a registry allows, whoever is killed meanwhile."""

import collections
import ipaddress
import json
import threading
import time

import farm_place
import farm_station
import farm_truth
import farm_web
import pytest
import town
from farm_station import Station

pytestmark = pytest.mark.skipif(not farm_place.can_build(), reason="network namespaces need root, and names need named")

SHARED = str(town.SHARED / "data") if (town.SHARED / "data" / "contact" / "ip-whois").is_dir() else None
SMALL = {"seed": 11, "addresses": 300, "blocks": 130, "sites": 40, "shared": SHARED}
MANY = {"seed": 12, "addresses": 3000, "blocks": 400, "sites": 0, "shared": None, "hostile": False}
CHANNELS = ["ip_whois", "rdap", "ip_web", "domain_whois", "domain_web", "security_txt", "soa_rname"]
EXTRA = ["contact.timeout=4s", "contact.patience=30s"]


def passable(folder):
    """The roles run as another user."""
    for part in [folder, *folder.parents]:
        if str(part).startswith("/tmp/"):
            part.chmod(part.stat().st_mode | 0o111)
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with farm_place.Place(tmp_path_factory.mktemp("registries"), SMALL, speed=1000) as built:
        yield built


@pytest.fixture(scope="module")
def searched(place, tmp_path_factory):
    """Everybody was looked up by all channels of the paper and two more."""
    station = Station(place, passable(tmp_path_factory.mktemp("searched")) / "data", CHANNELS, EXTRA)
    with station:
        for reader, file in place.write_resolutions().items():
            station.call("import", "--format", reader, str(file), check=0)
        done = station.call("contact", str(place.write_targets()), "--json")
        assert done.returncode in (0, 3, 4), done.stderr
        station.said = json.loads(done.stdout)
        yield station


def test_every_contact_and_no_other(searched, place):
    found, _ = searched.pairs()
    assert farm_station.compare(found, place.world.pairs(), CHANNELS) == []
    assert len(searched.said) == len(place.world.targets())


def test_nobody_else_is_told(searched, place):
    """Registries' own mailboxes, updaters, mailboxes for other purposes: they are known, with why they are none."""
    found, refused = searched.pairs()
    targets = place.world.targets()
    wrong = [(address, mail) for address, mail, _ in found["ip_whois", "mail"] if mail in targets[address].wrong]
    assert wrong == []
    assert {mail for _, mail, _ in refused["ip_whois", "mail"]} & {"hostmaster@nic.ad.jp", "hostmaster@ripe.net"}


def test_the_choice(searched, place):
    """One primary for each address that has a mailbox that works; the block's best where nothing else was found."""
    chosen = collections.defaultdict(list)
    with searched.control() as db:
        for address, value in db.execute("SELECT address, value FROM contact WHERE choice = 'primary'"):
            chosen[farm_station.text_of(address)].append(farm_station.word(value))
    assert {len(values) for values in chosen.values()} == {1}
    sites = {site.address for site in place.world.sites}
    wrong = []
    for address, block in place.world.targets().items():
        fit = [mail for mail in block.contacts if place.world.exists(mail)]
        if address not in sites and fit and chosen[address] != [fit[0]]:
            wrong.append((block.registry, block.form, block.contacts, chosen[address]))
    assert len(wrong) <= len(place.world.targets()) // 20, wrong[:10]


def test_table_one(searched, place):
    assert farm_station.table_one(searched, CHANNELS) == farm_truth.table1(place.world, CHANNELS)


def test_table_two(searched, place):
    assert farm_station.table_two(searched, CHANNELS) == farm_truth.table2(place.world, CHANNELS)


def test_no_registry_was_asked_too_much(searched, place):
    stats = place.stats()
    assert farm_station.violations(stats) == []
    assert {"ARIN", "RIPE", "APNIC", "LACNIC", "AFRINIC", "JPNIC", "KRNIC", "TWNIC"} <= set(stats)
    assert max(account["most_open"] for account in stats.values()) == 1
    # A block is asked for once: neighbours have its answer.
    assert sum(account["queries"] for account in stats.values()) <= 5 * len(place.world.blocks)
    assert [name for name, account in stats.items() if account["queries"] > account["distinct"]] == []


def test_the_report_counts_as_the_registries_do(searched, place):
    """Each question that was put is in the report."""
    stats = place.stats()
    asked = collections.Counter()
    for row in farm_station.rows_of_report(searched, "registries"):
        name = row["noroshi.lookup.server"]
        whose = farm_truth.SERVERS.get(name, "RWHOIS")
        asked[name if whose in ("REGISTRAR", "RWHOIS") else whose] += row["queries"]
    # A question during which an hour of that clock ended counts in both.
    wrong = [(name, asked[name], account["queries"]) for name, account in stats.items() if not 0 <= asked[name] - account["queries"] <= 4]
    assert wrong == []


def test_sites_are_treated_with_manners(searched, place):
    asked = place.asked_of_web()
    decoys = {name for site in place.world.sites for domain in site.decoys for name in (domain, "www." + domain)}
    assert not decoys & {request["host"] for request in asked}, "passive DNS did not tie them well enough"
    forbidden = {site.domain for site in place.world.sites if site.kind == "robots"}
    assert {request["path"] for request in asked if request["host"] in forbidden} <= {"/robots.txt", "/.well-known/security.txt", "/security.txt"}
    assert {request["method"] for request in asked} == {"GET"}
    assert all("https://csirt.example/probing" in request["agent"] for request in asked)
    assert max(collections.Counter(request["host"] for request in asked if request["host"] not in farm_truth.RDAP).values()) <= 8
    assert sum(request["host"] in farm_truth.RDAP for request in asked) <= 2 * len(place.world.blocks), "a block is asked for once"


def test_hostile_servers_are_a_debt(searched, place):
    quests = searched.quests()
    for block in place.world.blocks:
        if block.form == "hostile" and block.server != "rwhois.zero-bytes.net":
            for address, row in place.world.targets().items():
                if row is block:
                    assert quests[address][1] != "", (block.server, quests[address])


def limited_lists(tmp_path):
    """RIPE's personal data sets a day are few, so that more than a day is needed."""
    return farm_station.lists_with(tmp_path / "lists", {"whois.ripe.net": {"personal-per-day": 60}})


def test_the_certificate_that_a_host_shows(place, tmp_path):
    """Whose mail address stands in it; names that lead elsewhere are no domains of the address."""
    site = next(site for site in place.world.sites if site.security_txt and site.domain)
    address = str(ipaddress.ip_address(site.address))
    with Station(place, passable(tmp_path) / "data", ["certificate"], EXTRA) as station:
        done = station.call("contact", address, "--json")
        assert done.returncode in (0, 3, 4), done.stderr
        found, _ = station.pairs()
        assert found["certificate", "mail"] == {(address, farm_web.CERTIFIED, "")}
        with station.control() as db:
            attributes = {farm_station.word(attribute) for attribute, in db.execute("SELECT attribute FROM contact_origin")}
        assert attributes == {"certificate subjectAltName rfc822Name"}


def test_kills_lose_nothing_and_ask_nothing_too_much(tmp_path):
    """Thousands of addresses; reach, the store and reach again end at once, and every search comes to its end."""
    folder = passable(tmp_path)
    with farm_place.Place(folder / "place", MANY, speed=20000, limits={"RIPE": {"personal_per_day": 60}}) as place:
        station = Station(place, folder / "data", ["ip_whois"], [*EXTRA, f"contact.lists={limited_lists(folder)}"])
        count = len(place.world.targets())
        with station:
            work = threading.Thread(target=lambda: station.call("contact", str(place.write_targets()), "--json", "--wait", "1s"))
            work.start()
            for done, role in ((50, "reach"), (300, "store"), (900, "reach")):
                station.settle(done, 60)
                station.kill(role)
            work.join()
            assert station.settle(count, 100) == count
            log = station.log.read_text(errors="replace")
            assert log.count("killed by signal 9") == 3
            found, _ = station.pairs()
            assert farm_station.compare(found, place.world.pairs(), ["ip_whois"]) == []
            stats = place.stats()
            assert farm_station.violations(stats) == []
            assert stats["RIPE"]["personal"] > 60
            assert farm_station.table_one(station, ["ip_whois"]) == farm_truth.table1(place.world, ["ip_whois"])
            assert farm_station.table_two(station, ["ip_whois"]) == farm_truth.table2(place.world, ["ip_whois"])


def test_a_registry_less_patient_than_we_think(tmp_path):
    """It says that it was too much: it is left alone, over a restart too, and what is missing is a debt."""
    folder = passable(tmp_path)
    world = {**MANY, "addresses": 100, "blocks": 60}
    with farm_place.Place(folder / "place", world, speed=20, limits={"RIPE": {"per_minute": 1, "bans_after": 2}}) as place:
        station = Station(place, folder / "data", ["ip_whois"], ["contact.timeout=4s", "contact.patience=2s"])
        with station:
            station.call("contact", str(place.write_targets()), "--json", "--wait", "40s")
            refused = place.stats()["RIPE"]
            assert refused["over"] == 1 and not refused["banned"]
            debts = [debt for outcome, debt in station.quests().values() if outcome == "failure"]
            assert debts and all("whois.ripe.net" in debt for debt in debts)
        with station:
            time.sleep(3)
        assert place.stats()["RIPE"]["queries"] == refused["queries"]


def test_a_registry_that_shuts_us_out(tmp_path):
    """It is not asked any more, over a restart too, until the operator says that it is settled."""
    folder = passable(tmp_path)
    world = {**MANY, "addresses": 100, "blocks": 60}
    with farm_place.Place(folder / "place", world, speed=20, limits={"RIPE": {"per_minute": 1, "bans_after": 1}}) as place:
        station = Station(place, folder / "data", ["ip_whois"], ["contact.timeout=4s", "contact.patience=2s"])
        targets = str(place.write_targets())
        with station:
            station.call("contact", targets, "--json", "--wait", "20s")
            asked = place.stats()["RIPE"]
            assert asked["banned"] and asked["asked_while_shut"] == 0
        with station:
            station.call("contact", targets, "--json", "--wait", "4s")
            assert place.stats()["RIPE"]["queries"] == asked["queries"]
            row = next(row for row in farm_station.rows_of_report(station, "registries") if row["noroshi.lookup.server"] == "whois.ripe.net")
            assert row["banned"]
            place.stats("forgive RIPE")
            station.call("contact", "--unban", "whois.ripe.net", check=0)
        with station:
            station.call("contact", targets, "--fresh", "--json", "--wait", "20s")
            assert place.stats()["RIPE"]["queries"] > asked["queries"]
