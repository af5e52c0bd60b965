"""The registries' farm itself, asked by a plain client: each answers in its form, counts as it says, and its names, sites and RDAP are there."""

import http.client
import ipaddress
import json
import socket
import ssl
import urllib.request

import farm_client
import farm_place
import farm_sites
import farm_truth
import pytest

pytestmark = pytest.mark.skipif(not farm_place.can_build(), reason="network namespaces need root, and names need named")

WORLD = {"seed": 3, "addresses": 500, "blocks": 120, "sites": 30, "shared": None}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with farm_place.Place(tmp_path_factory.mktemp("farm"), WORLD, speed=1000) as built:
        yield built


def ask(place, server, query, **more):
    return place.inside(lambda: farm_client.whois(server, query, **more))


def test_the_world_is_the_same_each_time():
    one, other = farm_truth.World(**WORLD), farm_truth.World(**WORLD)
    assert one.targets().keys() == other.targets().keys() and len(one.targets()) == 500
    assert farm_truth.table1(one) == farm_truth.table1(other) and farm_truth.table2(one) == farm_truth.table2(other)
    assert {block.registry for block in one.blocks} == set(farm_truth.COUNTRIES)


def test_somebody_on_the_way_names_every_contact(place):
    """From the first registry on, by the referrals that stand in the replies."""
    ends = {"JPNIC": "whois.nic.ad.jp", "KRNIC": "whois.kisa.or.kr", "TWNIC": "whois.twnic.net", "RIPE": "whois.ripe.net", "ARIN": "whois.arin.net",
            "APNIC": "whois.apnic.net"}
    for block in place.world.blocks:
        if block.form == "hostile":
            continue
        what = str(block.networks()[0][0])
        replies = [ask(place, farm_client.first_server(block), farm_client.question(farm_client.first_server(block), what))]
        if block.registry in ends and ends[block.registry] != farm_client.first_server(block):
            nobody = any(word in replies[0] for word in (b"IANA-NETBLOCK", b"IANA-BLK"))  # some say only that it is not theirs
            assert nobody or ends[block.registry].split(".")[1].encode() in replies[0].lower(), (block, replies[0])
            replies.append(ask(place, ends[block.registry], farm_client.question(ends[block.registry], what)))
        if block.registry == "RWHOIS":
            assert f"rwhois://{block.server}:4321".encode() in replies[0]
            replies.append(ask(place, block.server, what, port=4321))
        handles = {"role": ("whois.ripe.net", f"-B -r T{block.number}-RIPE"), "person": ("whois.ripe.net", f"-B -r P{block.number}-RIPE"),
                   "handle": ("whois.nic.ad.jp", f"JP{block.number:08d}/e")}
        if block.form in handles and block.registry in ("RIPE", "JPNIC"):
            replies.append(ask(place, *handles[block.form]))
        text = b"".join(replies).lower()
        assert [mail for mail in block.contacts if mail.lower().encode() not in text] == [], (block, text)
    assert sum(account["over"] for account in place.stats().values()) == 0 or place.stats()["RIPE"]["personal"] > 0


def test_japanese_comes_in_its_character_set(place):
    block = next(block for block in place.world.blocks if block.registry == "JPNIC")
    reply = ask(place, "whois.nic.ad.jp", str(block.networks()[0][0]))
    assert b"\x1b$B" in reply and "ネットワーク名" in reply.decode("iso-2022-jp")
    assert b"\x1b" not in ask(place, "whois.nic.ad.jp", f"{block.networks()[0][0]}/e")


def test_who_asks_too_much_is_refused_and_then_shut_out(tmp_path):
    with farm_place.Place(tmp_path, {**WORLD, "sites": 0}, speed=1, limits={"TWNIC": {"per_minute": 1, "bans_after": 3},
                                                                "RIPE": {"personal_per_day": 2}}) as place:
        replies = [ask(place, "whois.twnic.net", "192.0.2.1") for _ in range(20)]
        assert [b"No Found" in reply for reply in replies] == [True] * 10 + [False] * 10
        stats = place.stats()["TWNIC"]
        assert stats["banned"] and stats["over"] == 3 and stats["queries"] == 20
        block = next(block for block in place.world.blocks if block.registry == "RIPE" and block.form == "line")
        assert b"person:" not in ask(place, "whois.ripe.net", f"-r {block.networks()[0][0]}")
        assert b"person:" in ask(place, "whois.ripe.net", f"{block.networks()[0][0]}")
        assert b"ERROR:201" in ask(place, "whois.ripe.net", f"{block.networks()[0][0]}")
        assert place.stats()["RIPE"]["reasons"] == ["personal"]


def test_hostile_servers_are_hostile(place):
    assert len(ask(place, "rwhois.endless-talk.net", "x", port=4321, enough=1 << 22)) >= 1 << 22
    assert b"\0" in ask(place, "rwhois.zero-bytes.net", "x", port=4321)
    assert b"rwhois.ring-two.net" in ask(place, "rwhois.ring-one.net", "x", port=4321)
    assert ask(place, "rwhois.mute-talk.net", "x", port=4321, timeout=0.5).count(b"\n") == 1


def test_names(place):
    def names(kind, name):
        return place.inside(lambda: farm_client.dns(kind, name))
    assert names("A", "whois.arin.net") == [farm_truth.ADDRESS_OF["whois.arin.net"]]
    states = {}
    for domain, state in place.world.mail_dns.items():
        states.setdefault(state, domain)
    assert names("MX", states["mx"]) == [f"10 mx.{states['mx']}"] and names("MX", states["null"]) == ["0 "] and names("MX", states["missing"]) == []
    assert names("MX", states["a"]) == [] and len(names("A", states["a"])) == 1 and names("A", f"gone.{states['hanging']}") == []
    site = next(site for site in place.world.sites if site.domain)
    assert names("SOA", site.domain) == [f"hostmaster.{site.domain}"]
    address, (name, _) = next(iter(place.world.reverse_names().items()))
    assert names("PTR", ipaddress.ip_address(address).reverse_pointer) == [name]


def test_sites_in_their_character_sets(place):
    def get(url):
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.read()
    for site in place.world.sites:
        if site.of_address() == "site":
            page = place.inside(lambda: get(f"http://{site.address}/")).decode(site.language[1])
            assert f'<html lang="{site.language[0]}">' in page and "/contact.html" in page
            assert ("<textarea" in place.inside(lambda: get(f"http://{site.address}/contact.html")).decode(site.language[1])) == site.form


def test_rdap_over_tls(place):
    context = ssl.create_default_context(cafile=str(place.folder / "authority.pem"))
    block = next(block for block in place.world.blocks if block.registry == "RIPE" and block.pool == "RIPE" and block.version == 4)

    def get():
        raw = socket.create_connection((farm_truth.ADDRESS_OF["rdap.db.ripe.net"], 443), 5)
        client = http.client.HTTPConnection("rdap.db.ripe.net")
        client.sock = context.wrap_socket(raw, server_hostname="rdap.db.ripe.net")
        client.request("GET", f"/ip/{block.networks()[0][0]}")
        return client.getresponse().read()
    answer = json.loads(place.inside(get))
    assert answer["startAddress"] == block.range().split(" - ")[0] and block.contacts[0] in json.dumps(answer)


def test_resolutions_are_told_in_both_formats(place):
    files = place.write_resolutions(1_700_000_000)
    lines = [json.loads(line) for file in files.values() for line in file.read_text().splitlines()]
    assert len(lines) == len(farm_sites.resolutions(place.world.sites, 1_700_000_000)) > 0
