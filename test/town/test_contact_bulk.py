"""Registries' bulk files: what they answer is not asked for; what is broken is told; a file that can't be read to its end replaces nothing."""

import gzip
import json
import os
import time

import farm_place
import farm_station
import pytest
import town
from farm_replies import cidr
from farm_station import Station
from test_contact import passable

OK, NOTHING, PARTLY, FAILED = 0, 3, 4, 1


def role(handle, mail, source="RIPE"):
    return f"role:           A role\nnic-hdl:        {handle}\nabuse-mailbox:  {mail}\nmnt-by:         X-MNT\nsource:         {source}\n\n"


def network(value, abuse, source="RIPE", more="", kind="inetnum"):
    return f"{kind + ':':16}{value}\nnetname:        NET\ndescr:          Holder of {value}\nabuse-c:        {abuse}\n{more}source:         {source}\n\n"


def put(path, text, when=None):
    with gzip.open(path, "wb") as out:
        out.write(text.encode("latin-1"))
    when = when or time.time()
    os.utime(path, (when, when))
    return str(path)


def load(data, *files, status=OK):
    done = town.call("contact", "--bulk", "--json", *files, data=data, check=status)
    return json.loads(done.stdout) if done.stdout else done.stderr


def planned(data, *addresses):
    return json.loads(town.call("contact", "--plan", "--json", *addresses, data=data, check=OK).stdout)


@pytest.fixture
def files(tmp_path):
    """Made up, in space of RIPE's: nothing is sent here."""
    return [put(tmp_path / "ripe.db.inetnum.gz", "# terms\n\n" + network("193.0.2.0 - 193.0.2.99", "AB1-RIPE") + network("193.0.3.0 - 193.0.3.255", "GONE-RIPE")),
            put(tmp_path / "ripe.db.inet6num.gz", network("2001:67c:77::/48", "AB1-RIPE", kind="inet6num")),
            put(tmp_path / "ripe.db.role.gz", role("AB1-RIPE", "abuse@holder.example"))]


def test_the_plan_counts_what_files_answer(data, files):
    told = load(data, *files)
    assert told["files"] == 3 and told["contacts"] == 1 and told["broken"] == 0
    assert [(t["registry"], t["ip_version"], t["networks"], t["answered"]) for t in told["tables"]] == [("RIPE", 4, 2, 1), ("RIPE", 6, 1, 1)]
    plan = planned(data, "193.0.2.7", "193.0.2.99", "193.0.2.100", "193.0.3.1", "2001:67c:77::1", "192.0.2.1")
    assert (plan["bulk"], plan["unknown"], plan["special"]) == (3, 2, 1)
    assert sum(server["queries"] for server in plan["servers"]) == 2
    fresh = json.loads(town.call("contact", "--plan", "--json", "--fresh", "193.0.2.7", data=data, check=OK).stdout)
    assert fresh["bulk"] == 0 and fresh["unknown"] == 1


def test_the_same_registry_again_replaces_it(data, files, tmp_path):
    load(data, *files)
    other = put(tmp_path / "ripe.db.gz", role("AB1-RIPE", "abuse@holder.example") + network("193.0.3.0 - 193.0.3.255", "AB1-RIPE"))
    load(data, other)
    plan = planned(data, "193.0.2.7", "193.0.3.1", "2001:67c:77::1")
    assert plan["bulk"] == 2  # the table of IPv6 is another one


def test_broken_objects_are_told_and_left_out(data, tmp_path):
    file = put(tmp_path / "afrinic.db.gz", network("41.0.0.0 - 41.0.255.255", "AB1-AFRINIC", "AFRINIC") + "inetnum: 41.0.1.0 - 41.0.1.255\nno attribute\nsource: AFRINIC\n\n"
               + "inetnum: somewhere\nsource: AFRINIC\n\n" + role("AB1-AFRINIC", "abuse@holder.example", "AFRINIC"))
    done = town.call("contact", "--bulk", file, data=data, check=PARTLY)
    assert f"{file}:7: expected a line such as" in done.stderr and f"{file}:11: expected a range" in done.stderr
    assert "2 broken objects left out" in done.stdout
    plan = planned(data, "41.0.0.1", "41.0.1.1", "41.0.2.1")
    assert (plan["bulk"], plan["unknown"]) == (2, 1)  # nobody answers for the broken one


def test_what_ends_too_early_replaces_nothing(data, files, tmp_path):
    load(data, *files)
    cut = tmp_path / "cut.gz"
    with open(files[0], "rb") as whole:
        cut.write_bytes(whole.read()[:-20])
    done = town.call("contact", "--bulk", str(cut), files[2], data=data, check=FAILED)
    assert "too early" in done.stderr and "nothing was replaced" in done.stderr
    assert planned(data, "193.0.2.7")["bulk"] == 1
    done = town.call("contact", "--bulk", str(tmp_path / "missing.gz"), data=data, check=FAILED)
    assert "nothing was replaced" in done.stderr
    done = town.call("contact", "--bulk", files[2], data=data, check=NOTHING)
    assert "no networks" in done.stderr
    assert town.call("contact", "--bulk", data=data).returncode == 2


def test_old_files_answer_nothing(data, tmp_path):
    file = tmp_path / "ripe.db"
    file.write_text(role("AB1-RIPE", "abuse@holder.example") + network("193.0.2.0 - 193.0.2.99", "AB1-RIPE"))
    os.utime(file, (time.time() - 40 * 86400,) * 2)
    done = town.call("contact", "--bulk", str(file), data=data, check=OK)
    assert "answers nothing" in done.stderr
    assert planned(data, "193.0.2.7")["bulk"] == 0
    done = town.call("contact", "--plan", "--json", "193.0.2.7", data=data, check=OK, options=["contact.bulk_days=60"])
    assert json.loads(done.stdout)["bulk"] == 1


WORLD = {"seed": 31, "addresses": 120, "blocks": 60, "sites": 0, "shared": None, "hostile": False}


@pytest.mark.skipif(not farm_place.can_build(), reason="network namespaces need root, and names need named")
def test_no_question_goes_out_for_what_a_file_answers(tmp_path):
    with farm_place.Place(tmp_path / "registries", WORLD, speed=1000) as place:
        text, expected, others = "", {}, set()
        for address, block in place.world.targets().items():
            if block.registry != "RIPE":
                others.add(address)
                continue
            expected[address] = f"abuse@bulk{block.number}.example"
        for block in {id(b): b for b in place.world.targets().values()}.values():
            kind, value = ("inetnum", block.range()) if block.version == 4 else ("inet6num", cidr(block))
            if block.registry == "RIPE":
                text += network(value, f"AB{block.number}-RIPE", kind=kind) + role(f"AB{block.number}-RIPE", f"abuse@bulk{block.number}.example")
        dump = put(tmp_path / "ripe.db.gz", text)
        station = Station(place, passable(tmp_path) / "data", ["ip_whois"], ["contact.timeout=4s", "contact.patience=30s"])
        load(station.data, dump)
        assert expected and others
        with station:
            done = station.call("contact", str(place.write_targets()), "--json")
            assert done.returncode in (0, 3, 4), done.stderr
            found, _ = station.pairs()
            mails = {(address, mail) for address, mail, _ in found["ip_whois", "mail"]}
            assert {(address, mail) for address, mail in mails if address in expected} == set(expected.items())
            assert {address for address, _ in mails} & others
            with station.control() as db:
                origins = db.execute("SELECT c.address, o.server, o.evidence FROM contact_origin AS o JOIN contact AS c ON c.number = o.contact").fetchall()
                asked = {farm_station.text_of(a) for (a,) in db.execute("SELECT address FROM quest WHERE outcome = 'success'")}
            said = {farm_station.text_of(a): (farm_station.word(server), farm_station.word(evidence)) for a, server, evidence in origins}
            assert set(expected) <= asked
            for address in expected:
                assert said[address][0].startswith("RIPE, bulk file ripe.db.gz of ") and said[address][1].startswith("abuse-mailbox: ")
            load(station.data, dump)  # beside the running one, whose user is another
            assert planned(station.data, next(iter(expected)))["bulk"] == 1
            dials = [record for record in map(json.loads, station.call("export", "ecs", check=OK).stdout.splitlines()) if record["event"]["dataset"] == "noroshi.dial"]
            for_whom = {record["noroshi"]["task"].split()[1] for record in dials}
            assert for_whom & others and not for_whom & set(expected)
