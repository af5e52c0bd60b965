"""The command line, with the real program: what is imported is what is reported, shown and exported; usage, exit statuses, forms of output."""

import base64
import collections
import csv
import io
import json
import os
import pty
import subprocess

import pytest
import town

OK, FAILED, USAGE, NOTHING, PARTLY = 0, 1, 2, 3, 4


def events_of(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def time_of(event):
    return event["timestamp"]


@pytest.fixture
def cowrie(shared):
    path = shared / "honeypot" / "tpot-2025" / "cowrie.json"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


@pytest.fixture
def imported(data, cowrie):
    done = town.call("import", "--json", str(cowrie), data=data, check=OK)
    return data, events_of(cowrie), json.loads(done.stdout)


def report(data, name, *more, status=OK):
    done = town.call("report", name, "--json", *more, data=data, check=status)
    document = json.loads(done.stdout)
    assert document["report"] == name
    names = [c["name"] for c in document["columns"]]
    assert all(set(c) == {"name", "unit", "help"} for c in document["columns"])
    assert all(list(row) == names for row in document["rows"])
    return document["rows"]


# ---- import, then every report against the file itself ----


def test_import_counts_and_changes_nothing_twice(imported, cowrie):
    data, events, first = imported
    assert set(first) == {"files", "records", "duplicates", "skipped"}
    assert first["files"] == 1 and first["skipped"] == 0 and first["duplicates"] == 0
    assert first["records"] >= len(events) - len([e for e in events if e["eventid"] == "cowrie.log.closed"])
    before = {name: report(data, name) for name in ("attackers", "credentials", "commands", "ports", "services", "sessions")}
    again = json.loads(town.call("import", str(cowrie), "--json", data=data, check=OK).stdout)
    assert again["records"] == 0 and again["duplicates"] == first["records"]
    assert before == {name: report(data, name) for name in before}


def test_import_says_the_same_in_words(data, cowrie):
    done = town.call("import", str(cowrie), data=data, check=OK)
    assert "\r" not in done.stderr and "\033" not in done.stderr  # the progress bar is for terminals
    assert done.stdout + done.stderr != ""


def test_attackers(imported):
    data, events, _ = imported
    expected = {}
    for e in events:
        row = expected.setdefault(e["src_ip"], collections.Counter())
        row[e["eventid"]] += 1
    rows = report(data, "attackers", "--limit", "0")
    assert {r["source.ip"] for r in rows} == set(expected)
    for r in rows:
        c = expected[r["source.ip"]]
        times = sorted(time_of(e) for e in events if e["src_ip"] == r["source.ip"])
        assert r["connections"] == c["cowrie.session.connect"]
        assert r["sessions"] == c["cowrie.session.closed"]
        assert r["logins"] == c["cowrie.login.failed"] + c["cowrie.login.success"]
        assert r["logins_accepted"] == c["cowrie.login.success"]
        assert r["commands"] == c["cowrie.command.input"]
        assert r["first_seen"] == times[0] and r["last_seen"] == times[-1]
    counts = [r["connections"] for r in rows]
    assert counts == sorted(counts, reverse=True)


def test_credentials(imported):
    data, events, _ = imported
    expected = collections.Counter((e["username"], e["password"]) for e in events if e["eventid"].startswith("cowrie.login."))
    accepted = collections.Counter((e["username"], e["password"]) for e in events if e["eventid"] == "cowrie.login.success")
    rows = report(data, "credentials")
    assert {(r["user.name"], r["noroshi.password"]): r["logins"] for r in rows} == expected
    assert {(r["user.name"], r["noroshi.password"]): r["logins_accepted"] for r in rows if r["logins_accepted"]} == accepted


def test_commands(imported):
    data, events, _ = imported
    expected = collections.Counter(e["input"] for e in events if e["eventid"] == "cowrie.command.input")
    assert {r["process.command_line"]: r["commands"] for r in report(data, "commands")} == expected


def test_ports(imported):
    data, events, _ = imported
    expected = collections.Counter(e["dst_port"] for e in events if e["eventid"] == "cowrie.session.connect")
    rows = report(data, "ports")
    assert {r["destination.port"]: r["connections"] for r in rows if r["connections"]} == expected
    assert sum(r["sessions"] for r in rows) == len([e for e in events if e["eventid"] == "cowrie.session.closed"])
    assert all(r["network.transport"] == "tcp" for r in rows)


def test_services_per_day(imported):
    data, events, _ = imported
    protocol = {e["session"]: e["protocol"] for e in events if e["eventid"] == "cowrie.session.connect"}
    expected = collections.Counter((time_of(e)[:10], protocol[e["session"]]) for e in events if e["eventid"] == "cowrie.session.connect")
    rows = report(data, "services")
    assert {(r["day"], r["network.protocol"]): r["connections"] for r in rows if r["connections"]} == expected
    logins = collections.Counter(protocol[e["session"]] for e in events if e["eventid"].startswith("cowrie.login."))
    assert {r["network.protocol"]: r["logins"] for r in rows if r["logins"]} == logins


def test_days_are_cut_by_the_time_zone(imported):
    data, events, _ = imported
    # The file is of 17:22 to 22:59 UTC: at +01:30 a part of it falls on the next day, cut at whole hours.
    done = town.call("report", "services", "--json", data=data, options=["report.timezone=+06:00"], check=OK)
    days = collections.Counter()
    for r in json.loads(done.stdout)["rows"]:
        days[r["day"]] += r["connections"]
    expected = collections.Counter("2025-01-09" if time_of(e)[11:13] < "18" else "2025-01-10" for e in events if e["eventid"] == "cowrie.session.connect")
    assert {k: v for k, v in days.items() if v} == expected


def test_sessions(imported):
    data, events, _ = imported
    by_session = collections.defaultdict(list)
    for e in events:
        by_session[e["session"]].append(e)
    expected = []
    for of in by_session.values():
        begin = next(e for e in of if e["eventid"] == "cowrie.session.connect")
        expected.append((begin["src_ip"], begin["src_port"], begin["dst_port"], begin["protocol"]))
    rows = report(data, "sessions", "--limit", "0")
    assert len({r["noroshi.session"] for r in rows}) == len(rows) == len(by_session)
    got = [(r["source.ip"], r["source.port"], r["destination.port"], r["network.protocol"]) for r in rows]
    assert sorted(got) == sorted(expected)
    durations = sorted(e["duration"] for e in events if e["eventid"] == "cowrie.session.closed")
    for mine, real in zip(sorted(r["event.duration"] for r in rows), durations):
        assert abs(mine / 1e9 - real) < 0.001


def test_samples_and_pipeline(imported):
    data, _, counted = imported
    assert report(data, "samples", status=NOTHING) == []  # nobody left a file in this capture
    rows = report(data, "pipeline")
    assert rows[-1]["stream"] == "total"
    control = next(r for r in rows if r["stream"] == "control")
    assert control["committed"] == counted["records"] and control["waiting"] == 0 and control["records_lost"] == 0


def test_ranges(imported):
    data, events, _ = imported
    day = "2025-01-09"
    everything = report(data, "attackers")
    assert report(data, "attackers", "--since", day) == everything
    assert report(data, "attackers", "--since", day, "--until", "2025-01-10") == everything
    assert report(data, "attackers", "--until", day, status=NOTHING) == []
    assert report(data, "attackers", "--since", "today", status=NOTHING) == []
    assert report(data, "attackers", "--since", "1h", status=NOTHING) == []
    late = "2025-01-09T22:00:00Z"
    expected = {e["session"] for e in events if e["eventid"] == "cowrie.session.closed" and time_of(e) >= "2025-01-09T22:00:00"}
    assert len(report(data, "sessions", "--since", late)) == len(expected)


# ---- forms ----


def test_csv_is_what_json_is(imported):
    data, _, _ = imported
    done = town.call("report", "credentials", "--csv", data=data, check=OK)
    rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    assert [int(r["logins"]) for r in rows] == [r["logins"] for r in report(data, "credentials")]
    assert all(r["user.name"][:1] not in "=+-@" or not r["user.name"] for r in rows)


def test_the_table_is_for_people(imported):
    data, events, _ = imported
    done = town.call("report", "attackers", data=data, check=OK)
    assert done.stderr == ""
    assert "\033" not in done.stdout  # not a terminal
    lines = done.stdout.splitlines()
    assert len(lines) == 1 + len({e["src_ip"] for e in events})
    limited = town.call("report", "attackers", "--limit", "5", data=data, check=OK)
    assert len(limited.stdout.splitlines()) == 6 and "--limit 0" in limited.stderr


def on_terminal(arguments, env=None):
    """Output of the program when stdout is a terminal of 80 columns."""
    master, slave = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen([str(town.PROGRAM)] + arguments, stdin=slave, stdout=slave, stderr=subprocess.DEVNULL, env=env)
    os.close(slave)
    output = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:
            break
        if not more:
            break
        output += more
    os.close(master)
    assert process.wait(60) == OK
    return output.decode()


def test_colours_only_where_they_are_wanted(imported):
    data, _, _ = imported
    arguments = ["--data", str(data), "report", "credentials"]
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    assert "\033[" in on_terminal(arguments, env)
    assert "\033" not in on_terminal(arguments, dict(env, NO_COLOR="1"))
    assert "\033" not in on_terminal(["--no-color"] + arguments, env)
    assert all(len(line) <= 80 for line in on_terminal(["--no-color"] + arguments, env).splitlines()[1:])


# ---- show, export ----


def test_show_session(imported):
    data, events, _ = imported
    cowrie_id = next(e["session"] for e in events if e["eventid"] == "cowrie.command.input")
    inputs = [e["input"] for e in events if e["session"] == cowrie_id and e["eventid"] == "cowrie.command.input"]
    source = next(e["src_ip"] for e in events if e["session"] == cowrie_id)
    text = town.call("show", "session", cowrie_id, data=data, check=OK).stdout
    assert source in text
    assert all(line in text for line in inputs)
    document = json.loads(town.call("show", "session", cowrie_id, "--json", data=data, check=OK).stdout)
    assert document["source.ip"] == source
    assert [r["process.command_line"] for r in document["records"] if r["noroshi.kind"] == "command"] == inputs
    same = town.call("show", "session", document["noroshi.session"], data=data, check=OK).stdout
    assert same == text
    ids = {r["noroshi.session"] for r in report(data, "sessions")}
    assert document["noroshi.session"] in ids
    # Cowrie's JSON holds no transcript.
    assert town.call("show", "session", cowrie_id, "--replay", data=data).returncode == NOTHING
    assert town.call("show", "session", "01" + "0" * 24, data=data).returncode == NOTHING
    assert town.call("show", "session", "nonsense", data=data).returncode == USAGE


def test_show_host(imported):
    data, events, _ = imported
    busiest = collections.Counter(e["src_ip"] for e in events if e["eventid"] == "cowrie.session.connect").most_common(1)[0]
    document = json.loads(town.call("show", "host", busiest[0], "--json", data=data, check=OK).stdout)
    assert document["sums"]["connections"] == busiest[1]
    tried = collections.Counter((e["username"], e["password"]) for e in events if e["src_ip"] == busiest[0] and e["eventid"].startswith("cowrie.login."))
    assert sum(c["logins"] for c in document["credentials"]) == sum(dict(tried.most_common(20)).values())
    assert busiest[0] in town.call("show", "host", busiest[0], data=data, check=OK).stdout
    assert town.call("show", "host", "192.0.2.99", data=data).returncode == NOTHING
    assert town.call("show", "host", "not-an-address", data=data).returncode == USAGE


# What a Cowrie event says beyond its message and what is the same of the whole session.
MATTERS = ("eventid", "session", "src_ip", "timestamp", "sensor", "username", "password", "input", "version", "hassh", "hasshAlgorithms", "name", "value",
           "width", "height", "arch")


def essence(event):
    return tuple((k, str(event[k])) for k in MATTERS if k in event)


def test_export_cowrie_gives_back_what_was_imported(imported):
    data, events, _ = imported
    done = town.call("export", "cowrie", data=data, check=OK)
    got = collections.Counter(essence(json.loads(line)) for line in done.stdout.splitlines())
    kinds = {e["eventid"] for e in events} - {"cowrie.log.closed"}
    expected = collections.Counter(essence(e) for e in events if e["eventid"] in kinds)
    mine = collections.Counter({k: n for k, n in got.items() if dict(k)["eventid"] in kinds})
    assert expected - mine == collections.Counter(), "events are missing"
    assert mine - expected == collections.Counter(), "events were made up"


def test_export_ecs(imported, tmp_path):
    data, events, counted = imported
    path = tmp_path / "out.ndjson"
    town.call("export", "ecs", "--output", str(path), data=data, check=OK)
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    assert len(lines) == counted["records"]
    assert all("@timestamp" in line for line in lines)
    assert town.call("export", "ecs", "--since", "today", data=data).returncode == NOTHING
    one = events[0]["src_ip"]
    few = town.call("export", "ecs", "--source", one, data=data, check=OK).stdout.splitlines()
    assert 0 < len(few) < len(lines)
    assert town.call("export", "nonsense", data=data).returncode == USAGE


def test_bad_lines_are_named_and_skipped(data, tmp_path):
    path = tmp_path / "some.json"
    good = {"eventid": "cowrie.session.connect", "src_ip": "192.0.2.1", "src_port": 40000, "dst_ip": "198.51.100.1", "dst_port": 23, "session": "0123456789ab",
            "protocol": "telnet", "sensor": "s", "timestamp": "2026-01-02T03:04:05.678901Z", "message": "m"}
    path.write_text(json.dumps(good) + "\nthis is not JSON\x1b[2J\n" + json.dumps(dict(good, timestamp="soon")) + "\n")
    done = town.call("import", "--json", "--format", "cowrie", str(path), data=data, check=PARTLY)
    assert json.loads(done.stdout)["skipped"] == 2
    assert "some.json:2:" in done.stderr and "some.json:3:" in done.stderr
    assert "\033" not in done.stderr
    assert town.call("import", str(tmp_path / "absent.json"), data=data).returncode in (FAILED, NOTHING)
    assert town.call("import", data=data).returncode == USAGE


def test_hostile_text_reaches_no_terminal(data, tmp_path):
    hostile = "echo \x1b]0;owned\x07\x1b[2J\u202eabc\u009b31m \r\n=1+1"
    same = {"src_ip": "192.0.2.1", "src_port": 40000, "dst_ip": "198.51.100.1", "dst_port": 23, "session": "0123456789ab", "protocol": "telnet", "sensor": "s\x1b[1m"}
    events = [dict(same, eventid="cowrie.session.connect", timestamp="2026-01-02T03:04:05.000000Z", message="m"),
              dict(same, eventid="cowrie.login.success", username=hostile, password="@SUM(1)", timestamp="2026-01-02T03:04:06.000000Z", message="m"),
              dict(same, eventid="cowrie.command.input", input=hostile, timestamp="2026-01-02T03:04:07.000000Z", message="m"),
              dict(same, eventid="cowrie.session.closed", duration_ms=2500, timestamp="2026-01-02T03:04:07.500000Z", message="m")]
    path = tmp_path / "hostile.json"
    path.write_text("".join(json.dumps(e) + "\n" for e in events))
    town.call("import", str(path), data=data, check=OK)
    outputs = [town.call(*a, data=data, check=OK).stdout for a in (
        ["report", "credentials"], ["report", "commands"], ["report", "commands", "--csv"], ["report", "credentials", "--csv"], ["report", "sessions"],
        ["show", "session", "0123456789ab"], ["show", "host", "192.0.2.1"])]
    for text in outputs:
        # RFC 4180's line ends are the only carriage returns.
        assert not [c for c in text.replace("\r\n", "\n") if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c == "\u202e"]
    assert "'@SUM(1)" in outputs[3]
    assert report(data, "commands")[0]["process.command_line"] == hostile


def test_a_live_session_is_shown_as_it_was(data):
    with town.Noroshi(data) as n:
        with town.Telnet(n.port) as client:
            client.login(b"root", b"secret-77")
            client.say(b"echo proof-of-life\r\n")
            client.until(b"# ", b"$ ", b"> ")
            client.say(b"exit\r\n")
            while client.socket.recv(4096):
                pass
    rows = report(data, "sessions")
    assert len(rows) == 1 and rows[0]["source.ip"] == "127.0.0.1" and rows[0]["network.protocol"] == "telnet"
    session = rows[0]["noroshi.session"]
    text = town.call("show", "session", session, data=data, check=OK).stdout
    assert "transcript" in text and "secret-77" in text and "proof-of-life" in text and "[" in text
    played = town.call("show", "session", session, "--replay", "--speed", "1000", data=data, check=OK).stdout
    assert "proof-of-life" in played and "\xff" not in played and "\r" not in played
    document = json.loads(town.call("show", "session", session, "--json", data=data, check=OK).stdout)
    received = b"".join(base64.b64decode(p["base64"]) for p in document["transcript"] if p["direction"] == "received")
    assert b"echo proof-of-life\r\n" in received
    total = report(data, "pipeline")[-1]
    assert total["stream"] == "total" and total["accepted"] == total["stored"] == 1 and total["lost"] == total["open"] == total["records_lost"] == 0


# ---- without data ----


def test_nothing_recorded_yet(data):
    for name in ("attackers", "sessions", "pipeline"):
        assert report(data, name, status=NOTHING) == []
    done = town.call("report", "attackers", data=data, check=NOTHING)
    assert done.stdout == "" and str(data) in done.stderr
    assert not data.exists(), "reading makes no folder"


# ---- configuration ----


def test_check_explains_a_good_configuration(data):
    done = town.call("check", data=data, check=OK)
    assert "telnet" in done.stdout and str(data) in done.stdout
    assert not data.exists()


@pytest.mark.parametrize("text, line", [
    ("services: [{service: telnet, listen: \"23\"}]\n", 1),
    ("sensor:\n  name: x\nno_such: 1\n", 3),
    ("honeypot:\n  connections: 0\n", 2),
    ("services:\n  - {service: gopher, listen: \"127.0.0.1:7070\"}\n", 2),
    ("services:\n  - {service: telnet, listen: \"127.0.0.1:2323\", profile: no-such-device}\n", 2),
    ("report: [\n", None),
])
def test_check_names_what_is_wrong_in_one_line(data, tmp_path, text, line):
    path = tmp_path / "bad.yaml"
    path.write_text("honeypot: {profiles: %s}\n" % (town.SOURCE / "conf" / "profiles") + text if "honeypot" not in text else text)
    shift = 0 if "honeypot" in text else 1
    done = town.call("check", data=data, config=path, check=USAGE)
    assert done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert f"bad.yaml:{line + shift}:" in done.stderr if line else "bad.yaml" in done.stderr


def test_settings_can_be_overridden(data):
    assert "sensor sensor-9" in town.call("check", data=data, options=["sensor.name=sensor-9"], check=OK).stdout
    assert town.call("check", data=data, options=["sensor.nome=x"]).returncode == USAGE
    assert town.call("check", data=data, options=["process.edges=0"]).returncode == USAGE
    assert town.call("check", data=data, config="/nonexistent/noroshi.yaml").returncode == USAGE


# ---- usage ----


@pytest.mark.parametrize("arguments, says", [
    ([], "verb"),
    (["raport"], "report"),
    (["report"], "reports"),
    (["report", "atackers"], "attackers"),
    (["report", "attackers", "--since", "someday"], "--since"),
    (["report", "attackers", "--sinse", "7d"], "--since"),
    (["report", "attackers", "--limit", "x"], "--limit"),
    (["report", "attackers", "--json", "--csv"], "--json"),
    (["report", "attackers", "--since", "today", "--until", "yesterday"], "--since"),
    (["show", "session"], "id"),
    (["show", "weather", "x"], "weather"),
    (["completion", "tcsh"], "bash"),
    (["help", "nonsense"], "nonsense"),
    (["import", "--format", "nonsense", "x"], "nonsense"),
])
def test_mistakes_are_one_line_and_exit_2(data, arguments, says):
    done = town.call(*arguments, data=data, check=USAGE)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and done.stderr.startswith("noroshi")
    assert says in done.stderr and "for example" in done.stderr


def test_an_option_after_the_verb_is_told_where_it_belongs(data):
    done = town.call("report", "attackers", "--data", str(data), check=USAGE)
    assert "--data stands before the verb" in done.stderr


def verbs():
    words = town.call("help", check=OK).stdout.split("Verbs:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in words.splitlines()]


def test_every_verb_has_help_with_examples():
    assert {"run", "import", "report", "show", "export", "check", "help"} <= set(verbs())
    for verb in verbs():
        text = town.call(verb, "--help", check=OK).stdout
        assert text.startswith(f"noroshi {verb}") and "Examples:\n  noroshi" in text
        if verb not in ("facts", "kinds"):  # these are topics of help too
            assert town.call("help", verb, check=OK).stdout == text


def test_version():
    assert town.call("--version", check=OK).stdout.startswith("noroshi 0.")


def test_lists():
    reports = json.loads(town.call("reports", "--json", check=OK).stdout)
    for r in reports:
        assert r["columns"] and all(set(c) == {"name", "unit", "help"} and c["help"] for c in r["columns"])
    assert {"attackers", "credentials", "commands", "ports", "sessions", "samples", "services", "pipeline"} <= {r["name"] for r in reports}
    for verb in ("services", "profiles", "facts", "kinds", "readers", "rules"):
        rows = json.loads(town.call(verb, "--json", check=OK).stdout)
        assert rows and all(r["name"] for r in rows)
        table = town.call(verb, check=OK).stdout
        assert all(r["name"] in table for r in rows)
    facts = {r["name"] for r in json.loads(town.call("facts", "--json", check=OK).stdout)}
    assert {"user.name", "noroshi.password"} <= facts
    assert "noroshi.password" in town.call("help", "facts", check=OK).stdout
    assert "session" in town.call("help", "kinds", check=OK).stdout
    assert "honeypot.idle_timeout" in town.call("help", "settings", check=OK).stdout


def test_manual_names_everything():
    page = town.call("man", check=OK).stdout
    for verb in verbs():
        assert f'.SS "{verb}"' in page
    for r in json.loads(town.call("reports", "--json", check=OK).stdout):
        assert '.SS "' + r["name"].replace("-", "\\-") + '"' in page
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-"], input=page, capture_output=True, text=True, env=dict(os.environ, LC_ALL="C.UTF-8", MANWIDTH="150"))
    assert done.returncode == 0 and done.stderr == "", done.stderr


def test_completion_completes():
    script = town.call("completion", "bash", check=OK).stdout

    def complete(*words):
        quoted = " ".join(f"'{w}'" for w in words)
        code = f'{script}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _noroshi; printf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == "", done.stderr
        return set(done.stdout.split())

    assert set(verbs()) <= complete("noroshi", "")
    assert complete("noroshi", "rep") == {"report", "reports"}
    assert complete("noroshi", "--config", "x.yaml", "report", "cr") == {"credentials"}
    assert complete("noroshi", "report", "attackers", "--js") == {"--json"}
    assert complete("noroshi", "show", "s") == {"session", "sample"}
    assert "cowrie" in complete("noroshi", "import", "--format", "")
