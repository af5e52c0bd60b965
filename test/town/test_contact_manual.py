"""What an operator entered wins over all that registries say, until it expires; an entry that a look-up finds by itself is told to be stale."""

import json
import time

import farm_place
import farm_station
import pytest
from farm_station import Station
from test_contact import EXTRA, passable

pytestmark = pytest.mark.skipif(not farm_place.can_build(), reason="network namespaces need root, and names need named")

WORLD = {"seed": 51, "addresses": 60, "blocks": 40, "sites": 0, "shared": None, "hostile": False}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with farm_place.Place(tmp_path_factory.mktemp("registries"), WORLD, speed=1000) as built:
        yield built


def chosen(station, *targets):
    rows = json.loads(station.call("contact", *targets, "--json", "--fresh").stdout)
    rows = rows if isinstance(rows, list) else [rows]
    return {row["destination.ip"]: row for row in rows}


def test_it_wins_until_it_expires_and_may_be_stale(place, tmp_path):
    world = place.world.targets()
    first, second, third, fourth = [address for address, block in world.items() if block.contacts and place.world.exists(block.contacts[0]) and block.version == 4][:4]
    held = world[second].contacts[0]
    with Station(place, passable(tmp_path) / "data", ["manual", "ip_whois"], EXTRA) as station:
        for contact, scope, more in (("desk@by-hand.example", first, ["--note", "by phone"]), (held, second, []), ("-", third, ["--note", "asked not to be told"]),
                                     ("old@by-hand.example", fourth, ["--expires", "1s"])):
            station.call("contact", "--add", contact, "--for", scope, *more, check=0)
        time.sleep(1.1)
        rows = chosen(station, first, second, third, fourth)
        assert rows[first]["primary"]["noroshi.contact.value"] == "desk@by-hand.example"
        assert "operator" in rows[first]["event.reason"]
        assert rows[second]["primary"]["noroshi.contact.value"] == held
        assert rows[third]["primary"] is None and "nobody is to be told: asked not to be told" in rows[third]["event.reason"]
        assert rows[fourth]["primary"]["noroshi.contact.value"] != "old@by-hand.example"
        shown = station.call("show", "contact", first, check=0).stdout
        assert "manual entry" in shown and "entered by " in shown and "by phone" in shown
        # The paper's rule and our own score stand side by side, each with its parts.
        for word in ("(1) exists", "(2) domain", "(3-a)", "(3-b)", "valid", "our score", "because"):
            assert word in shown, word
        states = {row["scope"]: row["state"] for row in json.loads(station.call("contact", "--list", "--json").stdout)}
        assert states == {first: "holds", second: "stale", third: "holds", fourth: "expired"}
        found, _ = station.pairs()
        assert (second, held, "") in found["ip_whois", "mail"]


def test_a_look_up_of_one_kind_leaves_the_choice(place, tmp_path):
    """`whois` and `contact --channels` ask in part: what others found, and who is chosen, stays."""
    address = next(address for address, block in place.world.targets().items() if block.contacts and place.world.exists(block.contacts[0]) and block.version == 4)
    with Station(place, passable(tmp_path) / "data", ["manual", "ip_whois"], EXTRA) as station:
        station.call("contact", "--add", "desk@by-hand.example", "--for", address, check=0)
        chosen(station, address)
        before, _ = station.pairs()
        station.call("whois", address, "--trace")
        station.call("contact", address, "--channels", "ip_whois", "--fresh", "--json")
        after, _ = station.pairs()
        assert after == before and ("manual", "mail") in after
        with station.control() as db:
            choices = [(farm_station.word(value), farm_station.word(choice)) for value, choice in db.execute("SELECT value, choice FROM contact WHERE choice <> ''")]
        assert choices.count(("desk@by-hand.example", "primary")) == 1 and [choice for _, choice in choices].count("primary") == 1
