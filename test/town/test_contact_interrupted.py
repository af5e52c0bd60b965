"""`contact` is interrupted, by Ctrl-C and by kill -9, beside a running Noroshi and without one: the next call goes on where it was, and asks nobody twice."""

import os
import pty
import signal
import subprocess
import time

import farm_place
import farm_station
import pytest
import town
from farm_station import Station
from test_contact import EXTRA, passable

pytestmark = pytest.mark.skipif(not farm_place.can_build(), reason="network namespaces need root, and names need named")

WORLD = {"seed": 41, "addresses": 900, "blocks": 300, "sites": 0, "shared": None, "hostile": False}


@pytest.fixture
def place(tmp_path):
    with farm_place.Place(passable(tmp_path) / "place", WORLD, speed=300) as built:
        yield built


def ended(station):
    try:
        with station.control() as db:
            return db.execute("SELECT count(*) FROM quest WHERE outcome = 'success'").fetchone()[0]
    except Exception:  # nothing is stored yet
        return 0


def begin(station, place, **more):
    command = [str(town.PROGRAM), "--config", str(town.SOURCE / "conf" / "noroshi.yaml"), "--data", str(station.data)]
    for option in station.settings:
        command += ["-o", option]
    return subprocess.Popen([*command, "contact", str(place.write_targets()), "--json", "--wait", "200s"], preexec_fn=place.before, text=True,
                            start_new_session=True, **more)


def until(station, count, process):
    end = time.monotonic() + 90
    while ended(station) < count:
        assert time.monotonic() < end and process.poll() is None, (ended(station), count, process.poll())
        time.sleep(0.05)


def left_over(process):
    """Processes of that session that still run."""
    rows = subprocess.run(["ps", "-o", "pid=,stat=", "--sid", str(process.pid)], capture_output=True, text=True).stdout.splitlines()
    return [row for row in rows if "Z" not in row]


def goes_on(station, place):
    count = len(place.world.targets())
    for share, number in ((5, signal.SIGINT), (3, signal.SIGKILL), (2, signal.SIGTERM)):
        process = begin(station, place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        until(station, count // share, process)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode != 0
        assert "\r" not in err and "\x1b" not in err, "no bar where there is no terminal"
        end = time.monotonic() + 20
        while left_over(process):
            assert time.monotonic() < end, left_over(process)
            time.sleep(0.1)
    before = ended(station)
    assert before < count, "there is nothing left to go on with"
    done = station.call("contact", str(place.write_targets()), "--json", "--wait", "100s")
    assert done.returncode in (0, 4), done.stderr
    assert ended(station) == count
    found, _ = station.pairs()
    assert farm_station.compare(found, place.world.pairs(), ["ip_whois"]) == []
    stats = place.stats()
    assert farm_station.violations(stats) == []
    # Searches that were under way at an interruption begin anew; nothing else is asked again.
    again = sum(account["queries"] - account["distinct"] for account in stats.values())
    assert again <= sum(account["queries"] for account in stats.values()) // 4, again


def test_alone(place, tmp_path):
    goes_on(Station(place, tmp_path / "data", ["ip_whois"], EXTRA), place)


def test_beside_a_running_one(place, tmp_path):
    """There the searches go on all the same."""
    station = Station(place, tmp_path / "data", ["ip_whois"], EXTRA)
    with station:
        process = begin(station, place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        until(station, 20, process)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        assert station.settle(len(place.world.targets()), 90) == len(place.world.targets())
        stats = place.stats()
        assert farm_station.violations(stats) == []
        assert [name for name, account in stats.items() if account["queries"] > account["distinct"]] == []


def test_a_bar_on_a_terminal(place, tmp_path):
    station = Station(place, tmp_path / "data", ["ip_whois"], EXTRA)
    ours, theirs = pty.openpty()
    process = begin(station, place, stdout=subprocess.DEVNULL, stderr=theirs, stdin=theirs)
    os.close(theirs)
    until(station, 30, process)
    seen = os.read(ours, 65536).decode(errors="replace")
    process.send_signal(signal.SIGINT)
    process.wait(30)
    os.close(ours)
    assert " targets" in seen and "\r" in seen


# ---- everything is killed at once ----

MANY = {"seed": 12, "addresses": 1500, "blocks": 300, "sites": 0, "shared": None, "hostile": False}


def kill_all(station):
    for pid in station.processes():
        os.kill(pid, signal.SIGKILL)
    station.process.wait(10)
    end = time.monotonic() + 10
    while any(os.path.exists(f"/proc/{pid}/exe") for pid in station.roles().values()):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_counts_survive_the_end_of_everything(tmp_path):
    """Personal data sets a day are few: whoever forgot what was asked before would ask too much."""
    folder = passable(tmp_path)
    lists = farm_station.lists_with(folder / "lists", {"whois.ripe.net": {"personal-per-day": 30}})
    with farm_place.Place(folder / "place", MANY, speed=20000, limits={"RIPE": {"personal_per_day": 30}}) as place:
        station = Station(place, folder / "data", ["ip_whois"], [*EXTRA, f"contact.lists={lists}"])
        station.start()
        process = begin(station, place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        count = len(place.world.targets())
        for share in (20, 6, 3):
            station.settle(count // share, 60)
            kill_all(station)
            station.start()
        assert station.settle(count, 100) == count
        process.kill()
        process.wait()
        stats = place.stats()
        assert farm_station.violations(stats) == []
        assert stats["RIPE"]["personal"] > 30, "more than a day's was needed"
        station.stop()


def test_a_back_off_survives_the_end_of_everything(tmp_path):
    folder = passable(tmp_path)
    with farm_place.Place(folder / "place", {**MANY, "addresses": 100, "blocks": 60}, speed=20, limits={"RIPE": {"per_minute": 1, "bans_after": 2}}) as place:
        station = Station(place, folder / "data", ["ip_whois"], ["contact.timeout=4s", "contact.patience=2s"])
        station.start()
        process = begin(station, place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while place.stats().get("RIPE", {}).get("over", 0) == 0:
            assert time.monotonic() < end
            time.sleep(0.1)
        time.sleep(0.5)  # its record is committed
        kill_all(station)
        process.kill()
        process.wait()
        refused = place.stats()["RIPE"]
        assert refused["over"] == 1 and not refused["banned"]
        station.start()
        station.call("contact", str(place.write_targets()), "--json", "--wait", "5s")
        assert place.stats()["RIPE"]["queries"] == refused["queries"]
        station.stop()
