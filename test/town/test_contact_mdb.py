"""A database of mail addresses that is asked over HTTP with a key, and one in a file: generic addresses only, and the key goes nowhere but there."""

import contextlib
import http.server
import json
import pathlib
import sqlite3
import threading
import urllib.parse

import pytest
import town

KEY = "k3y-that-nobody-else-sees"
ANSWERS = {"holder.com": {"data": {"emails": [{"value": "abuse@holder.com", "type": "generic"}, {"value": "ann.person@holder.com", "type": "personal"},
                                              {"value": "Info@Holder.com", "type": "generic"}, {"value": "bob@holder.com"}, {"value": 7, "type": "generic"}]}}}


class Database(http.server.BaseHTTPRequestHandler):
    asked = []

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.asked.append((url.path, query, dict(self.headers)))
        body = json.dumps(ANSWERS.get(query.get("domain"), {"data": {"emails": []}})).encode()
        if url.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "/v2/find?" + url.query)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200 if query.get("key") == KEY else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def database():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Database)
    Database.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def settings(folder, port, path="/v2/find", key=KEY):
    """The key stands in a file: nothing of it in argv."""
    file = folder / "noroshi.yaml"
    source = town.SOURCE / "conf"
    (folder / "mdb.csv").write_text("domain,mail,type\nholder.com,noc@holder.com,generic\nholder.com,carl.person@holder.com,personal\nother.com,x@other.com,generic\n")
    file.write_text(f"""operator: {{organisation: Example CSIRT, mail: abuse@csirt.example, page: "https://csirt.example/probing"}}
honeypot: {{profiles: {source}/profiles}}
fingerprint: {{rules: {source}/fingerprints}}
probe: {{tap: false, attackers: false}}
outside: {{test_network: [127.0.0.0/8]}}
contact:
  lists: {source}/lists/contact
  channels: [domain_mdb]
  timeout: 4s
  mdb_file: {folder}/mdb.csv
  mdb_url: "http://127.0.0.1:{port}{path}?domain={{domain}}&key={{key}}"
  mdb_key: {key}
""")
    return file


def search(data, config):
    folder = pathlib.Path(data).parent
    for part in [folder, *folder.parents]:
        if str(part).startswith("/tmp/"):
            part.chmod(part.stat().st_mode | 0o111)
    with town.Noroshi(data, config=config) as running:
        lines = [pathlib.Path(f"/proc/{pid}/{name}").read_bytes() for pid in running.processes() for name in ("cmdline", "environ")]
        done = town.call("contact", "holder.com", "--json", "--wait", "20s", data=data, config=config)
        trace = town.call("whois", "holder.com", "--trace", data=data, config=config)
        exported = town.call("export", "ecs", data=data, config=config)
    assert not any(KEY.encode() in line for line in lines)
    return done, trace, exported, running.log.read_text(errors="replace")


def everything(folder):
    return b"".join(path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file())


def test_generic_addresses_only_and_the_key_stays_secret(data, tmp_path, database):
    config = settings(tmp_path, database)
    done, trace, exported, log = search(data, config)
    with contextlib.closing(sqlite3.connect(f"file:{data}/control.db?mode=ro", uri=True)) as db:
        found = {value for value, in db.execute("SELECT value FROM contact")}
    assert {(value.decode() if isinstance(value, bytes) else value).lower() for value in found} == {"abuse@holder.com", "info@holder.com", "noc@holder.com"}
    path, query, headers = Database.asked[0]
    assert len(Database.asked) == 1 and path == "/v2/find" and query == {"domain": "holder.com", "key": KEY}
    assert "Noroshi/" in headers["User-Agent"] and "Referer" not in headers and "Cookie" not in headers
    said = done.stdout + done.stderr + trace.stdout + trace.stderr + exported.stdout + exported.stderr + log
    assert KEY not in said and "person@" not in said and "bob@" not in said
    assert KEY.encode() not in everything(data) and b"person@" not in everything(data)
    assert "127.0.0.1" in exported.stdout, "the look-up itself is told"


def test_a_redirect_takes_the_key_along_but_not_into_records(data, tmp_path, database):
    done, _, exported, log = search(data, settings(tmp_path, database, "/moved"))
    assert [path for path, *_ in Database.asked] == ["/moved", "/v2/find"]
    assert KEY not in exported.stdout + done.stdout + log and KEY.encode() not in everything(data)


def test_a_refused_key_is_a_debt(data, tmp_path, database):
    done, *_ = search(data, settings(tmp_path, database, key="another"))
    assert "refuses contact.mdb_key (HTTP 401)" in done.stdout + done.stderr
