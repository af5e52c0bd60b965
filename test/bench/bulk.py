#!/usr/bin/env python3
"""Measures the loading of registries' bulk files: a dump in RIPE's form that is made up here (a million networks, most of them no prefixes, inside the
blocks of providers, with their roles and organisations, persons left out, as the registry publishes it), its objects per CPU second, memory, the size
of the table, and how long an address takes to be looked up in it (`contact --plan`).
Usage: bulk.py [--networks N] [--quick]; NOROSHI names the program.
"""
import argparse
import gzip
import ipaddress
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BASE = int(ipaddress.ip_address("2.0.0.0"))
PER_PROVIDER, PER_ROLE = 256, 40


def spell(number):
    return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


STAMPS = "created:        2012-03-04T05:06:07Z\nlast-modified:  2024-05-06T07:08:09Z\nsource:         RIPE\n\n"


def network(first, last, name, org, status):
    return (f"inetnum:        {spell(first)} - {spell(last)}\nnetname:        NET-{name}\ndescr:          Customer {name} of Provider {org}\n"
            f"descr:          Some Street {name % 97}\ncountry:        {('NL', 'DE', 'FR', 'IT', 'PL')[org % 5]}\n"
            + (f"org:            ORG-P{org}-RIPE\n" if status == "ALLOCATED PA" or name % 4 == 0 else "") +
            f"admin-c:        DUMY-RIPE\ntech-c:         {f'NOC{org}-RIPE' if name % 3 else 'DUMY-RIPE'}\nstatus:         {status}\n"
            f"mnt-by:         MNT-P{org}\n" + (f"remarks:        abuse reports to abuse-{name % 1000}@customer.example\n" if name % 50 == 0 else "") + STAMPS)


def make(folder, count):
    """Three files; how many objects of contacts there are. Each /24 has sixteen customers, most with an odd number of addresses."""
    random.seed(4)
    providers = count // (16 * PER_PROVIDER) + 1
    with gzip.open(folder / "ripe.db.inetnum.gz", "wt", compresslevel=1) as out:
        made = 0
        for provider in range(providers):
            base = BASE + provider * 65536
            out.write(network(base, base + 65535, provider, provider, "ALLOCATED PA"))
            for place in range(min(16 * PER_PROVIDER, count - made)):
                first = base + place * 16
                out.write(network(first, first + random.choice((15, 15, 13, 11, 7)), made, provider, "ASSIGNED PA"))
                made += 1
    roles = max(count // PER_ROLE, 2 * providers)
    with gzip.open(folder / "ripe.db.role.gz", "wt", compresslevel=1) as out:
        for n in range(roles):
            name = f"NOC{n // 2}" if n % 2 else f"AB{n // 2}"
            out.write(f"role:           Role {n}\naddress:        Some Street {n}\naddress:        Some Town\nphone:          +31 20 000000\n"
                      f"nic-hdl:        {name}-RIPE\nabuse-mailbox:  {'noc' if n % 2 else 'abuse'}@provider{n // 2}.example\nmnt-by:         MNT-P{n // 2}\n" + STAMPS)
    with gzip.open(folder / "ripe.db.organisation.gz", "wt", compresslevel=1) as out:
        for n in range(roles // 2):
            out.write(f"organisation:   ORG-P{n}-RIPE\norg-name:       Provider {n}\norg-type:       LIR\naddress:        Some Street {n}\n"
                      f"abuse-c:        AB{n}-RIPE\nmnt-ref:        MNT-P{n}\nmnt-by:         MNT-P{n}\n" + STAMPS)
    return roles + roles // 2


def run(program, data, *words):
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen([program, "--config", str(ROOT / "conf" / "noroshi.yaml"), "--data", str(data), "--quiet", *words], stdout=subprocess.PIPE, text=True)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"bulk: {words}: exit status {os.waitstatus_to_exitcode(status)}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return json.loads(out), spent, time.monotonic() - begin, usage.ru_maxrss


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="50,000 networks")
    options = parser.parse_args()
    networks = 50_000 if options.quick else options.networks
    program = os.environ.get("NOROSHI", str(ROOT / "build" / "noroshi"))
    with tempfile.TemporaryDirectory(prefix="noroshi-bulk-") as folder:
        folder = pathlib.Path(folder)
        contacts = make(folder, networks)
        files = sorted(str(path) for path in folder.glob("ripe.db.*.gz"))
        size = sum(os.path.getsize(path) for path in files)
        told, cpu, wall, memory = run(program, folder / "data", "contact", "--json", "--bulk", *files)
        table = told["tables"][0]
        objects = table["networks"] + contacts
        print(f"load     {table['networks']:,} networks, {contacts:,} contacts, {size / 2**20:.0f} MiB compressed")
        print(f"         {cpu:.1f} CPU s, {wall:.1f} s, {objects / cpu:,.0f} objects per CPU s, {memory / 1024:.0f} MiB resident at most "
              f"(pages of the file of texts included)")
        print(f"         {table['answered']:,} networks answered, {table['contact_sets']:,} sets of contacts, "
              f"{os.path.getsize(folder / 'data' / 'bulk' / 'ripe.4.db') / 2**20:.1f} MiB")
        asked = [spell(BASE + random.randrange(networks * 16)) for _ in range(100_000)]
        (folder / "targets.txt").write_text("\n".join(asked) + "\n")
        few = folder / "few.txt"
        few.write_text(asked[0] + "\n")
        _, start, _, _ = run(program, folder / "data", "contact", "--plan", "--json", str(few))
        plan, cpu, _, _ = run(program, folder / "data", "contact", "--plan", "--json", str(folder / "targets.txt"))
        print(f"look-up  {plan['bulk']:,} of {plan['addresses']:,} addresses answered, {(cpu - start) / plan['addresses'] * 1e6:.1f} µs CPU each")
    return 0


if __name__ == "__main__":
    sys.exit(main())
