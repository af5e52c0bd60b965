"""A Noroshi among the registries of farm_place.py, and how its findings are held against the truth."""

import collections
import contextlib
import ipaddress
import json
import os
import pathlib
import signal
import sqlite3
import time

import town


class Station(town.Noroshi):
    """No question goes out before its record is committed, and a registry is asked one at a time. With a clock that is a thousand times too fast the
    commits would be what takes long, so they come oftener."""

    def __init__(self, place, data, channels=(), options=()):
        self.place = place
        more = [f"contact.channels=[{', '.join(channels)}]"] if channels else []
        super().__init__(data, options=[*place.options, "contact.rate=100000", "store.commit_every=5ms", *more, *options], before=place.before)
        self.settings = self.options[:]

    def call(self, *arguments, check=None, **more):
        return town.call(*arguments, data=self.data, options=self.settings, check=check, preexec_fn=self.place.before, **more)

    def control(self):
        return contextlib.closing(sqlite3.connect(f"file:{self.data}/control.db?mode=ro", uri=True, timeout=20))

    def pairs(self):
        """{(channel, kind): {(address, contact, domain)}} of what counts as a contact, and the same of what does not."""
        good, bad = collections.defaultdict(set), collections.defaultdict(set)
        with self.control() as db:
            for channel, kind, address, value, domain, objection in db.execute(
                    "SELECT o.channel, c.kind, c.address, c.value, o.found_for, o.objection FROM contact_origin AS o JOIN contact AS c ON c.number = o.contact"):
                (bad if objection else good)[word(channel), word(kind)].add((text_of(address), word(value), word(domain)))
        return good, bad

    def quests(self):
        """{address: (outcome, debts)}"""
        with self.control() as db:
            return {text_of(address): (word(outcome), word(debts)) for address, outcome, debts in db.execute("SELECT address, outcome, debts FROM quest")}

    def settle(self, count, wait):
        """Until so many targets' searches succeeded."""
        end = time.monotonic() + wait
        done = 0
        while time.monotonic() < end:
            with contextlib.suppress(sqlite3.OperationalError), self.control() as db:
                done = db.execute("SELECT count(*) FROM quest WHERE outcome = 'success'").fetchone()[0]
            if done >= count:
                return done
            assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
            time.sleep(0.2)
        return done

    def kill(self, role):
        """Ends a role of that name at once; the supervisor starts another."""
        pids = [pid for name, pid in self.roles().items() if name.split(".")[0] == role]
        assert pids, self.roles()
        os.kill(pids[0], signal.SIGKILL)


def word(value):
    return value.decode() if isinstance(value, bytes) else value


def text_of(address):
    """Of the 16 bytes in the store."""
    if isinstance(address, str):
        return str(ipaddress.ip_address(address))
    wide = ipaddress.IPv6Address(bytes(address))
    return str(wide.ipv4_mapped or wide)


def compare(found, truth, channels):
    """Lines that say what is missing and what is too much; none when all is as it should be."""
    lines = []
    for channel in channels:
        for kind in ("mail", "form", "account"):
            want = {(address, contact.lower(), domain) for address, contact, domain in truth.get((channel, kind), set())}
            got = {(address, contact.lower(), domain) for address, contact, domain in found.get((channel, kind), set())}
            for name, rows in (("missing", want - got), ("too much", got - want)):
                if rows:
                    lines.append(f"{channel} {kind}: {name} {len(rows)} of {len(want)}: " + ", ".join(map(str, sorted(rows)[:6])))
    return lines


def by_form(world, rows):
    """How many of these pairs' blocks are of which registry and form: for a look at what went wrong."""
    targets = world.targets()
    return collections.Counter((targets[address].registry, targets[address].form, targets[address].pool) for address, *_ in rows if address in targets)


def violations(stats):
    """[(registry, what was counted)] of those that were asked too much."""
    return [(name, account) for name, account in stats.items() if account["over"] or account["banned"] or account["asked_while_shut"]]


def rows_of_report(station, name):
    done = station.call("report", name, "--json")
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)["rows"]


def table_one(station, channels):
    """Report contacts as farm_truth.table1 has it."""
    found = {}
    for row in rows_of_report(station, "contacts"):
        for kind in ("mail", "form", "account"):
            if row["noroshi.channel"] in channels and row.get(kind):
                found[row["noroshi.channel"], kind] = (row[kind], round(row[kind] * (row[f"{kind}_only"] or 0) / 100))
    return found


def table_two(station, channels):
    """Report contact-validity as farm_truth.table2 has it."""
    names = ("collected", "exists", "matches", "rfc2142", "word", "valid")
    return {row["noroshi.channel"]: tuple(row[name] for name in names) for row in rows_of_report(station, "contact-validity")
            if row["noroshi.contact.kind"] == "mail" and row["noroshi.channel"] in channels}


def lists_with(folder, changes):
    """A copy of the registries' tables, with lines of `servers` put in or replaced: {server: {key: value}}."""
    source = town.SOURCE / "conf" / "lists" / "contact"
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    lines, section = [], ""
    for line in (source / "servers").read_text().splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        if not any(line.startswith(key + ":") for key in changes.get(section, {})):
            lines.append(line)
        if line.startswith("["):
            lines += [f"{key}: {value}" for key, value in changes.get(section, {}).items()]
    (folder / "servers").write_text("\n".join(lines) + "\n")
    for part in [folder, *folder.parents]:
        if str(part).startswith("/tmp/"):
            part.chmod(part.stat().st_mode | 0o111)
    return folder
