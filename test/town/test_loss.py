"""Nothing is lost: sessions go on while roles are killed, the disk is full, the store stands still; then everything is counted."""

import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import threading
import time

import pytest
import town

DEVICE = "dlink-dir600"


class Load(threading.Thread):
    """One session after the other; each sends a command line that exists only once."""

    def __init__(self, port, number):
        super().__init__(daemon=True)
        self.port, self.number = port, number
        self.connected = 0  # the honeypot said something: it had accepted us
        self.whole = []     # command lines of sessions that ended as they should, the answer received
        self.ending = threading.Event()

    def run(self):
        count = 0
        while not self.ending.is_set():
            count += 1
            line = f"echo proof-{self.number}-{count}"
            said = False
            try:
                with town.Telnet(self.port, timeout=100) as t:
                    while True:
                        more = t.socket.recv(4096)
                        if not more:
                            raise ConnectionError
                        if not said:
                            said = True
                            self.connected += 1
                        t.seen += more
                        if b"ogin" in t.seen or b"ame:" in t.seen or b"ser:" in t.seen:
                            break
                    t.seen = b""
                    t.say(b"root\r\n")
                    t.until(b"assword")
                    t.say(b"admin\r\n")
                    t.until(b"# ", b"$ ", b"> ")
                    t.say(line.encode() + b"\r\n")
                    if t.until(f"\nproof-{self.number}-{count}\r\n".encode()) is None:
                        raise ConnectionError
                    t.say(b"exit\r\n")
                    while t.socket.recv(4096):
                        pass
                    self.whole.append(line)
            except OSError:
                time.sleep(0.02)


def load(port, count):
    workers = [Load(port, i) for i in range(count)]
    for w in workers:
        w.start()
    return workers


def finish(workers):
    for w in workers:
        w.ending.set()
    for w in workers:
        w.join(120)
        assert not w.is_alive()


def rows(data, table, columns="*"):
    found = []
    for day in sorted((pathlib.Path(data) / "days").glob("*.db")):
        with sqlite3.connect(f"file:{day}?mode=ro", uri=True) as db:
            found += db.execute(f"SELECT {columns} FROM {table}").fetchall()
    return found


def judge(n, workers):
    """Called after the stop: what the clients saw, the rows, and the pipeline report say the same."""
    connections = rows(n.data, "connection", "hex(id)")
    commands = [c for (c,) in rows(n.data, "command", "process_command_line") if c.startswith("echo proof-")]
    sessions = rows(n.data, "session", "hex(session)")
    records = 0
    for table in ("connection", "login", "command", "session", "download", "sample", "client", "exploit", "refusal"):
        ids = rows(n.data, table, "hex(id)")
        records += len(ids)
        assert len(ids) == len(set(ids)), f"a {table} record is there twice"
    assert len(commands) == len(set(commands)), "a command is there twice"
    streams = [r for r in n.report("pipeline") if r["writer"].startswith("edge.")]
    total = {k: sum(r[k] for r in streams) for k in ("accepted", "stored", "lost", "open", "dropped", "appended", "committed", "records", "waiting")}
    print("pipeline", total, "connections", len(connections), "records", records)
    whole = [line for w in workers for line in w.whole]
    missing = set(whole) - set(commands)
    assert len(missing) <= total["dropped"], f"{len(missing)} answered commands are missing, {total['dropped']} records were counted as dropped"
    # What the clients saw is what was counted, and what was counted is in the files.
    assert total["open"] == 0 and total["waiting"] == 0
    assert total["accepted"] >= sum(w.connected for w in workers)
    assert total["accepted"] == total["stored"] + total["lost"]
    assert total["stored"] == len(sessions)
    assert total["appended"] == total["committed"] == total["records"] == records
    assert total["accepted"] - total["dropped"] <= len(connections) <= total["accepted"]
    return total, whole


def test_roles_killed_in_turn(data):
    n = town.Noroshi(data, options=["process.edges=2", "honeypot.connections_per_peer=1000"], profile=DEVICE).start()
    workers = load(n.port, 8)
    order = ["edge.0", "store.0", "analyse.0", "edge.1"]
    for turn in range(20):
        time.sleep(0.4 + random.random() * 0.4)
        for _ in range(200):
            pid = n.roles().get(order[turn % len(order)])
            if pid:
                break
            time.sleep(0.05)  # it is being started again
        assert pid, f"{order[turn % len(order)]} did not come back: {n.log.read_text()[-2000:]}"
        os.kill(pid, signal.SIGKILL)
    time.sleep(2)
    finish(workers)
    n.stop()
    total, whole = judge(n, workers)
    assert len(whole) > 50
    assert total["dropped"] == 0
    # A second start and stop changes nothing.
    before = len(rows(data, "command"))
    n.start()
    n.stop()
    assert len(rows(data, "command")) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="a small tmpfs needs root")
def test_full_disk(tmp_path, data):
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m,mode=755", "tmpfs", str(data)], check=True)
    try:
        n = town.Noroshi(data, options=["process.edges=1", "honeypot.connections_per_peer=1000", "journal.spool=4M", "journal.ring=6M"], profile=DEVICE).start()
        workers = load(n.port, 4)
        time.sleep(2)
        ballast = data / "ballast"
        full = os.open(ballast, os.O_WRONLY | os.O_CREAT)
        with pytest.raises(OSError):  # fills the disk to its last byte
            while True:
                os.write(full, b"\0" * 65536)
        os.close(full)
        time.sleep(6)
        during = sum(len(w.whole) for w in workers)
        assert during > 0
        time.sleep(2)
        assert sum(len(w.whole) for w in workers) > during, "the honeypots must go on while the disk is full"
        ballast.unlink()
        time.sleep(4)
        finish(workers)
        n.stop()
        judge(n, workers)
    finally:
        subprocess.run(["umount", "-l", str(data)], check=False)


def test_store_stopped_for_a_while(data):
    # As long as in real trouble: a minute. The sessions go on, their records wait.
    n = town.Noroshi(data, options=["honeypot.connections_per_peer=1000"], profile=DEVICE).start()
    workers = load(n.port, 4)
    time.sleep(1)
    store = n.roles()["store.0"]
    os.kill(store, signal.SIGSTOP)
    time.sleep(60)
    during = sum(len(w.whole) for w in workers)
    os.kill(store, signal.SIGCONT)
    finish(workers)
    n.stop()
    total, whole = judge(n, workers)
    assert during > 50
    assert total["dropped"] == 0
