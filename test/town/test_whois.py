"""The verb whois on the registries of farm_place.py: every hop with its reason, and what saved replies say."""

import json

import farm_place
import pytest
from farm_station import Station
from test_contact import EXTRA, passable

pytestmark = pytest.mark.skipif(not farm_place.can_build(), reason="network namespaces need root, and names need named")

WORLD = {"seed": 21, "addresses": 120, "blocks": 80, "sites": 0, "shared": None}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with farm_place.Place(tmp_path_factory.mktemp("registries"), WORLD, speed=1000) as built:
        yield built


@pytest.fixture(scope="module")
def station(place, tmp_path_factory):
    with Station(place, passable(tmp_path_factory.mktemp("asked")) / "data", ["ip_whois"], EXTRA) as running:
        yield running


def address_of(place, registry, form=None):
    return next(address for address, block in place.world.targets().items() if block.registry == registry and form in (None, block.form) and block.version == 4)


def test_every_hop_down_to_the_mailbox(station, place):
    address = address_of(place, "JPNIC", "handle")
    done = station.call("whois", address, "--trace", "--json", check=0)
    target, = json.loads(done.stdout)
    servers = [hop["noroshi.lookup.server"] for hop in target["hops"]]
    assert servers[-2:] == ["whois.nic.ad.jp", "whois.nic.ad.jp"] and "whois.apnic.net" in servers
    assert all(hop["event.reason"] for hop in target["hops"])
    assert target["hops"][-1]["event.reason"].startswith("contact JP")
    assert [found["noroshi.contact.value"] for found in target["contacts"]] == place.world.targets()[address].contacts
    assert {found["noroshi.contact.value"] for found in target["not_contacts"]} >= {"hostmaster@nic.ad.jp"}
    text = station.call("whois", address, "--trace", check=0).stdout
    assert "answers that were at hand" in text  # a moment ago they were asked for
    assert "because IANA gave the block to this registry" in text and text.count("because ") == len(servers)


def test_what_was_asked_today_is_not_asked_again(station, place):
    address = address_of(place, "TWNIC")
    first = station.call("whois", address, check=0).stdout
    before = place.stats()["TWNIC"]["queries"]
    assert station.call("whois", address, check=0).stdout == first
    assert place.stats()["TWNIC"]["queries"] == before
    assert place.world.targets()[address].contacts[0] in first


def test_nobody_is_asked_about_special_addresses(station):
    done = station.call("whois", "192.168.7.7", "--trace", "--json", check=3)
    target, = json.loads(done.stdout)
    assert (target["hops"], target["contacts"]) == ([], [])
