"""What operators enter by hand about contacts, and what a search would cost: nothing of it sends a packet."""

import csv
import io
import json

import town

OK, USAGE, NOTHING, PARTLY = 0, 2, 3, 4


def entries(data, status=OK):
    return json.loads(town.call("contact", "--list", "--json", data=data, check=status).stdout or "[]")


def add(data, contact, scope, *more, status=OK):
    return town.call("contact", "--add", contact, "--for", scope, *more, data=data, check=status)


def test_entered_listed_and_taken_out(data):
    add(data, "CSIRT@Example.NET", "192.0.2.0/24", "--role", "security", "--expires", "90d", "--note", "by phone, 20 November")
    add(data, "-", "as64500", "--note", "they do not want to hear of it")
    add(data, "https://example.org/report", "Example.ORG.")
    rows = {row["scope"]: row for row in entries(data)}
    assert set(rows) == {"192.0.2.0/24", "AS64500", "example.org"}
    first = rows["192.0.2.0/24"]
    assert first["noroshi.contact.value"] == "CSIRT@example.net" and first["noroshi.contact.role"] == "security"
    assert first["state"] == "holds" and first["expires"] > first["entered"] and first["note"].startswith("by phone")
    assert rows["AS64500"]["noroshi.contact.value"] is None
    assert rows["example.org"]["noroshi.contact.kind"] == "form"
    town.call("contact", "--remove", "CSIRT@example.net", "--for", "192.0.2.0/24", data=data, check=OK)
    assert set(row["scope"] for row in entries(data)) == {"AS64500", "example.org"}


def test_an_import_says_what_changed(data, tmp_path):
    add(data, "abuse@example.net", "192.0.2.0/24")
    add(data, "old@example.net", "198.51.100.0/24", "--expires", "2020-01-01")
    file = tmp_path / "contacts.csv"
    file.write_text('scope,contact,role,expires,note\n192.0.2.0/24,abuse@example.net,abuse,,"now, with a note"\n'
                    "2001:db8::/32,noc@example.com,noc,,\nnowhere at all,x@example.com\n# a comment\n203.0.113.9,not an address\n")
    done = town.call("contact", "--import", str(file), "--csv", data=data, check=PARTLY)
    assert f"{file}:4: expected an address" in done.stderr and f"{file}:6: expected a mail address" in done.stderr
    rows = {row["scope"]: row for row in csv.DictReader(io.StringIO(done.stdout))}
    assert {scope: row["change"] for scope, row in rows.items()} == {
        "192.0.2.0/24": "changed", "2001:db8::/32": "new", "198.51.100.0/24": "not in the file"}
    assert rows["198.51.100.0/24"]["state"] == "expired"
    done = town.call("contact", "--import", str(file), "--csv", data=data, check=PARTLY)
    assert {row["change"] for row in csv.DictReader(io.StringIO(done.stdout))} == {"same", "not in the file"}


def test_mistakes_are_told(data):
    assert "expected --for" in town.call("contact", "--add", "a@example.net", data=data, check=USAGE).stderr
    assert "a role" in add(data, "a@example.net", "192.0.2.1", "--role", "boss", status=USAGE).stderr
    assert "a mail address" in add(data, "nobody", "192.0.2.1", status=USAGE).stderr
    assert "a date" in add(data, "a@example.net", "192.0.2.1", "--expires", "soon", status=USAGE).stderr
    assert "perhaps" in town.call("contact", "192.0.2.1", "--channels", "ip_whos", data=data, check=USAGE).stderr
    assert "operator." in town.call("contact", "192.0.2.1", data=data, check=USAGE).stderr
    town.call("contact", "--unban", "whois.example.net", data=data, check=OK)
    town.call("contact", "--check", "https://x.com/example", "--exists", "yes", "--messages", "no", data=data, check=OK)


def test_a_plan_sends_nothing(data, tmp_path):
    file = tmp_path / "targets.txt"
    file.write_text("10.0.0.1\n192.0.2.7 # documentation\n8.8.8.8\n8.8.8.9\n8.8.4.4\nwhat is this\nexample.org\n")
    done = town.call("contact", "--plan", str(file), "--json", data=data, check=PARTLY)
    plan = json.loads(done.stdout)
    assert f"{file}:6: expected an address or a domain" in done.stderr
    assert plan["addresses"] == 5 and plan["domains"] == 1 and plan["special"] == 2
    assert plan["unknown"] == 3 and plan["unknown_blocks"] == 2 and plan["known"] == 0
    servers = {row["noroshi.lookup.server"]: row for row in plan["servers"]}
    assert servers["whois.arin.net"]["targets"] == 3 and servers["whois.arin.net"]["queries"] == 2


def test_a_plan_in_words(data, tmp_path):
    text = town.call("contact", "--plan", "8.8.8.8", "example.org", data=data, check=OK).stdout
    assert text.startswith("1 address and 1 domain\n  1 lies in networks not known yet, taken for 1 ") and "\n2 minutes at least " in text
    text = town.call("contact", "--plan", "10.0.0.1", "10.0.0.2", data=data, check=OK).stdout
    assert text == "2 addresses and 0 domains\n  2 are special-purpose addresses and never asked for\n"
    rows = list(csv.DictReader(io.StringIO(town.call("contact", "--plan", "8.8.8.8", "--csv", data=data, check=OK).stdout)))
    assert [(row["noroshi.lookup.server"], row["queries"], row["days"]) for row in rows] == [("whois.arin.net", "1", "0.001")]
    # As many as the paper's, all of different networks: days, by the slowest of the servers.
    many = tmp_path / "many.txt"
    many.write_text("".join(f"{8 + n // 65536}.{n // 256 % 256}.{n % 256}.7\n" for n in range(0, 46105 * 4, 4)))
    plan = json.loads(town.call("contact", "--plan", str(many), "--json", data=data, check=OK).stdout)
    assert plan["addresses"] == 46105 and 1 < plan["days"] < 30
    assert plan["days"] == max(row["days"] for row in plan["servers"])


def test_hostile_lines_are_told_and_do_nothing(data, tmp_path):
    file = tmp_path / "targets.txt"
    file.write_bytes(b"8.8.8.8\n\x1b[2J\x1b]0;owned\x07\n" + "\u202eevil\n".encode() + b"\xff\xfe\x00bin\n8.8.8.0/24\nhttp://example.net/\n" + b"a" * 100000 + b"\n8.8.4.4\r\n")
    done = town.call("contact", "--plan", str(file), "--json", data=data, check=PARTLY)
    assert json.loads(done.stdout)["addresses"] == 2
    assert [line.split(": ")[0] for line in done.stderr.splitlines() if line.startswith(str(file))] == [f"{file}:{n}" for n in range(2, 8)]
    assert all(c == "\n" or c.isprintable() for c in done.stderr) and max(map(len, done.stderr.splitlines())) < 300


def test_tables_that_are_away_are_told(data):
    for arguments in (("contact", "--plan", "8.8.8.8"), ("extract", "/dev/null"), ("whois", "--parse", "/dev/null", "--address", "8.8.8.8")):
        done = town.call(*arguments, data=data, options=["contact.lists=/nonexistent/lists"], check=USAGE)
        lines = [line for line in done.stderr.splitlines() if "contact.lists" in line]
        assert len(lines) == 1 and "/nonexistent/lists" in lines[0] and "expected the folder of the tables" in lines[0] and "for example " in lines[0], done.stderr
