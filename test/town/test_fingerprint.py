"""noroshi fingerprint: banners from elsewhere become devices, with the rules that said so; nothing is needed but the program and its rules."""

import base64
import json
import os
import subprocess

import pytest
import town

OK, USAGE, NOTHING, PARTLY = 0, 2, 3, 4

RULES = """rules:
  - {name: acme-title, on: http.title, match: '^Acme DVR (\\w+)', class: dvr, maker: Acme, model: $1, examples: [{text: Acme DVR 4, model: '4'}]}
  - {name: acme-login, on: telnet.banner, match: '^acme login:', class: surveillance-device, maker: Acme, certainty: 60, examples: ['acme login:']}
  - {name: best-ftp, on: ftp.banner, match: '^Best FTP ([\\d.]+)', class: nas, maker: Best, firmware: $1, certainty: 40, examples: [Best FTP 1.0]}
  - {name: wifatch, on: telnet.banner, match: 'Wifatch', residue: wifatch, examples: [Linux.Wifatch]}
"""


def line(id, service, data, port=0):
    return json.dumps({"id": id, "port": port, "service": service, "data": base64.b64encode(data).decode()})


@pytest.fixture
def judge(data, tmp_path):
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "own.yaml").write_text(RULES)

    def run(*lines, more=("--json",), check=OK):
        banners = tmp_path / "banners.jsonl"
        banners.write_text("\n".join(lines) + "\n")
        return town.call("fingerprint", str(banners), *more, data=data, options=[f"fingerprint.rules={rules}"], check=check)

    return run


def test_lines_of_one_id_are_one_host(judge):
    page = b"HTTP/1.0 200 OK\r\nServer: x\r\n\r\n<html><title>Acme DVR X7</title></html>"
    done = judge(line("a", "telnet", b"\xff\xfb\x01\r\nacme login: ", 23), line("b", "ssh", b"SSH-2.0-x\r\n", 22), line("a", "http", page, 80),
                 line("a", "ftp", b"220 Best FTP 2.1\r\n", 21))
    a, b = json.loads(done.stdout)
    assert (a["id"], a["class"], a["maker"], a["model"], a["firmware"]) == ("a", "dvr", "Acme", "X7", None)
    assert a["rules"]["class"] == ["acme-title"] and a["rules"]["maker"] == ["acme-login", "acme-title"]
    assert [(c["rule"], c["class"], c["maker"], c["port"]) for c in a["conflicts"]] == [("best-ftp", "nas", "Best", 21)]
    assert b["id"] == "b" and b["class"] is None and b["conflicts"] == []


def test_residue_never_is_the_device_and_what_was_there_before_still_names_it(judge):
    done = judge(line("a", "telnet", b"acme login: ", 23), line("a", "telnet", b"REINCARNA / Linux.Wifatch\n", 23))
    a, = json.loads(done.stdout)
    assert (a["class"], a["maker"], a["residue"]) == ("surveillance-device", "Acme", "wifatch")


def test_bad_lines_are_named_counted_and_skipped(judge):
    done = judge(line("a", "telnet", b"acme login: ", 23), "{", line("a", "gopher", b"x"), '{"id": "a", "service": "telnet", "data": "?"}', "",
                 '{"id": "", "service": "telnet", "data": ""}', check=PARTLY)
    assert [h["id"] for h in json.loads(done.stdout)] == ["a"]
    for number in (2, 3, 4, 6):
        assert f"banners.jsonl:{number}: " in done.stderr
    assert "4 of 6 lines" in done.stderr
    assert json.loads(judge("", check=NOTHING).stdout) == []


def test_stdin_is_read_when_no_file_is_named(data):
    done = subprocess.run([str(town.PROGRAM), "--data", str(data), "fingerprint", "--json"], capture_output=True, text=True, timeout=120,
                          input=line("a", "ssh", b"SSH-2.0-x\r\n", 22) + "\n")
    assert done.returncode == OK and json.loads(done.stdout)[0]["id"] == "a"


def test_a_terminal_gets_no_foreign_control_characters(judge):
    done = judge(line("\x1b[31ma", "http", b"<title>Acme DVR X</title>", 80), more=())
    assert "\x1b" not in done.stdout and "Acme" in done.stdout and "acme-title" in done.stdout


def test_a_rule_whose_example_fails_is_named_with_its_line(data, tmp_path):
    rules = tmp_path / "wrong"
    rules.mkdir()
    (rules / "wrong.yaml").write_text("rules:\n  - name: a\n    on: banner\n    match: ^x\n    maker: M\n    examples:\n      - y\n")
    done = town.call("fingerprint", "--check", data=data, options=[f"fingerprint.rules={rules}"], check=USAGE)
    assert "wrong.yaml:7: a: this example does not match" in done.stderr


def test_shipped_rules_are_compiled_once_and_kept(data, tmp_path):
    environment = dict(os.environ, XDG_CACHE_HOME=str(tmp_path))
    first = town.call("fingerprint", "--check", data=data, check=OK, env=environment)
    second = town.call("fingerprint", "--check", data=data, check=OK, env=environment)
    assert int(first.stdout.split()[0]) >= 400
    assert "compiled before" not in first.stdout and "compiled before" in second.stdout
    assert not data.exists()
    assert (tmp_path / "noroshi" / "fingerprints.cache").stat().st_mode & 0o077 == 0
