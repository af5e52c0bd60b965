#!/usr/bin/env python3
"""46,105 addresses over thousands of blocks of all five regional and nine national registries, looked up under those registries' limits, with three
roles killed meanwhile: how long it takes, how often each registry is asked, whether anybody was asked too much, and whether the paper's tables 1
and 2 come out as the world's truth has them. The registries, their names and their counting are test/town/farm*.py, in a network namespace; their
clock runs faster than the wall's, for them and for us. Needs root.
Usage: contact.py [--addresses N] [--blocks N] [--speed N] [--sites N] [--channels NAME…]; NOROSHI names the program.
"""
import argparse
import pathlib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "town"))

import farm_place  # noqa: E402
import farm_station  # noqa: E402
import farm_truth  # noqa: E402
import town  # noqa: E402

KILLS = (("reach", 0.1), ("store", 0.4), ("reach", 0.7))  # which role, when so much is done


def seconds(begin):
    return f"{time.monotonic() - begin:.1f} s"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--addresses", type=int, default=46105)
    parser.add_argument("--blocks", type=int, default=6200)
    parser.add_argument("--speed", type=int, default=2000, help="of the registries' clock")
    parser.add_argument("--sites", type=int, default=300, help="targets that have pages and names")
    parser.add_argument("--channels", nargs="*", default=["ip_whois", "rdap", "ip_web", "domain_whois", "domain_web", "soa_rname", "security_txt"])
    parser.add_argument("--keep", help="folder to work in, kept afterwards")
    options = parser.parse_args()
    if not farm_place.can_build():
        print("contact: needs root, iproute2 and named", file=sys.stderr)
        return 0
    shared = str(town.SHARED / "data") if (town.SHARED / "data" / "contact" / "ip-whois").is_dir() else None
    world = {"seed": 20, "addresses": options.addresses, "blocks": options.blocks, "sites": options.sites, "shared": shared, "hostile": True}
    with tempfile.TemporaryDirectory(prefix="noroshi-contact-") as folder:
        folder = pathlib.Path(options.keep or folder)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        with farm_place.Place(folder / "place", world, speed=options.speed) as place:
            return measure(place, folder, options)


def measure(place, folder, options):
    station = farm_station.Station(place, folder / "data", options.channels, ["contact.timeout=10s", "contact.patience=10m"])
    targets = len(place.world.targets())
    print(f"{targets} addresses, {len(place.world.blocks)} blocks, clock x{options.speed}")
    begin = time.monotonic()
    with station:
        for reader, file in place.write_resolutions().items():
            station.call("import", "--format", reader, str(file), check=0)
        file = str(place.write_targets())
        work = threading.Thread(target=lambda: station.call("contact", file, "--json", "--wait", "1s"), daemon=True)
        work.start()
        for role, share in KILLS:
            done = station.settle(int(targets * share), 1800)
            print(f"{seconds(begin)}: {done} done, {role} killed")
            station.kill(role)
        done = station.settle(targets, 3600)
        print(f"{seconds(begin)}: {done} of {targets} done; {station.log.read_text(errors='replace').count('killed by signal 9')} kills")
        failed = judge(place, station, options.channels)
    return failed or done != targets


def judge(place, station, channels):
    failed = False
    stats = place.stats()
    for name, account in stats.items():
        if account["queries"]:
            print(f"  {name:28} {account['queries']:7} questions, {account['distinct']:7} different, {account['personal']:6} personal data sets, "
                  f"{account['over']} over quota{', BANNED' if account['banned'] else ''}")
    violations = farm_station.violations(stats)
    print(f"over-quota queries: {sum(account['over'] for account in stats.values())}, bans: {sum(account['banned'] for account in stats.values())}")
    found, _ = station.pairs()
    for line in farm_station.compare(found, place.world.pairs(), channels):
        print("  differs:", line)
        failed = True
    for name, said, truth in (("table 1 (pairs, of no other channel)", farm_station.table_one(station, channels), farm_truth.table1(place.world, channels)),
                              ("table 2 (collected, exists, matches, RFC 2142, word, valid)", farm_station.table_two(station, channels),
                               farm_truth.table2(place.world, channels))):
        print(f"{name}: {'as in the truth' if said == truth else 'DIFFERS'}")
        for key in sorted(set(said) | set(truth), key=str):
            print(f"  {key}: {said.get(key)}" + ("" if said.get(key) == truth.get(key) else f", truth {truth.get(key)}"))
        failed = failed or said != truth
    return failed or bool(violations)


if __name__ == "__main__":
    sys.exit(main())
