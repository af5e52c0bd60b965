#!/usr/bin/env python3
"""Measures banner grabs by a whole Noroshi: `noroshi run`, tasks through DATA/control, hosts on loopback addresses that speak first.

Every connection is in the audit (a DIAL record, committed) before it is made, and what came of it is stored (an ANSWER record; a VISIT record for
each host). CPU seconds are reach's, user and system; those of the other roles stand beside. A bare epoll client grabs the same banners in the same
run: the measure of the machine. Hosts of one kind close when they have spoken, those of the other keep open, as devices do, and are left when they
have been quiet for a while. Hosts that say nothing hold as many connections open as may be: for the memory.
Usage: probe.py [--quick] [--ports N] [--perf FILE]; NOROSHI and NOROSHI_BUILD name the program and its build folder.
"""
import argparse
import contextlib
import ipaddress
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")
AT_ONCE, QUIET_MSEC, MOST = 2000, 100, 1000000000
KINDS = ("closing", "keeping", "silent")
TASKS, TCP, BY_HAND = 31, 1, 1  # process/messages.def, record/types.h, probe/order.h


def cpu(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = stat[stat.rindex(")") + 2:].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def roles(supervisor):
    """{role: process}"""
    found = {}
    for pid in pathlib.Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split():
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"--role" in words:
            found[words[words.index(b"--role") + 1].decode().removesuffix(".0")] = int(pid)
    return found


def memory(pid):
    sizes = {}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in ("Rss", "Pss"):
            sizes[name] = int(rest.split()[0])
    return sizes


def free_ports(count):
    """So many ports in a row that nobody uses; the first of them."""
    for first in range(21000, 30000, count):
        with contextlib.ExitStack() as all_closed, contextlib.suppress(OSError):
            for port in range(first, first + count):
                all_closed.enter_context(socket.create_server(("", port)))
            return first
    sys.exit("there are no free ports")


def task(address, ports):
    """An entry of a TASKS message: a visit by hand (probe/order.h) that is due at once."""
    asked = b"".join(struct.pack(">HBB", port, TCP, 6) + b"banner" for port in ports)
    order = struct.pack(">B10x2s4sIBB8sB", 1, b"\xff\xff", address.packed, 0, BY_HAND, 8, b"operator", len(ports)) + asked
    key = f"probe {address} operator bench".encode()
    return struct.pack(">H", len(key)) + key + struct.pack(">H", 5) + b"probe" + struct.pack(">qI", time.time_ns() // 1000, len(order)) + order


class Run:
    def __init__(self, program, folder, port):
        self.folder, self.data, self.made = folder, folder / "data", 0
        conf = pathlib.Path(__file__).resolve().parents[2] / "conf"
        config = folder / "noroshi.yaml"
        config.write_text(f"""
sensor: {{name: bench}}
services: [{{service: telnet, listen: "127.0.0.1:{port}"}}]
honeypot: {{profiles: "{conf}/profiles"}}
fingerprint: {{rules: "{conf}/fingerprints"}}
operator: {{organisation: Example, mail: probes@bench.example, page: "https://bench.example/probing"}}
probe: {{quiet: {QUIET_MSEC}ms, first_byte: 2s}}
outside:
  test_network: ["127.0.0.0/8"]
  in_flight: {AT_ONCE}
  rate: 1000000
  rate_per_address: 1000000
  rate_per_network: 1000000
  daily: {MOST}
  daily_per_address: {MOST}
  daily_per_network: {MOST}
""")
        self.log = open(folder / "log", "wb")
        command = [program, "--config", str(config), "--data", str(self.data), "run"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while b"ready" not in (folder / "log").read_bytes().split():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("noroshi did not start:\n" + (folder / "log").read_text())
            time.sleep(0.05)
        self.roles = roles(self.process.pid)
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.connect(str(self.data / "control"))

    def select(self, file, sql):
        db = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)
        try:
            return db.execute(sql).fetchone()[0]
        finally:
            db.close()

    def visit(self, first, hosts, ports):
        """That many hosts from an address on; the most memory (kB) and descriptors reach had meanwhile."""
        for at in range(0, hosts, 250):
            batch = b"".join(task(first + i, ports) for i in range(at, min(at + 250, hosts)))
            self.control.sendall(struct.pack(">H", TASKS) + batch)
        self.made += hosts
        most, end, reach = {}, time.monotonic() + 300, self.roles["reach"]
        while time.monotonic() < end:
            sizes = memory(reach) | {"files": len(os.listdir(f"/proc/{reach}/fd"))}
            most = {name: max(size, most.get(name, 0)) for name, size in sizes.items()}
            if self.select(self.data / "control.db", "SELECT count(*) FROM task WHERE state='done'") >= self.made:
                return most
            time.sleep(0.2)
        sys.exit("not all visits were made:\n" + (self.folder / "log").read_text()[-2000:])

    def settle(self):
        """Waits until nothing works any more."""
        before = 0
        while sum(map(cpu, self.roles.values())) - before > 0.02:
            before = sum(map(cpu, self.roles.values()))
            time.sleep(0.5)

    def stored(self, first_port, count):
        """How many connections of these ports are in the audit, how many answers with a banner are stored."""
        where = f"WHERE event_outcome='success' AND destination_port BETWEEN {first_port} AND {first_port + count - 1}"
        days = list((self.data / "days").glob("*.db"))
        return [sum(self.select(day, f"SELECT count(*) FROM {kind} {where}") for day in days) for kind in ("dial", "answer")]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.log.close()
        return status


def measure(args, run, kind, first, hosts):
    """Grabs of one kind of host, first by the bare client."""
    port, grabs = args.first_ports[kind], hosts * args.ports
    words = subprocess.run([args.peer, "grab", str(port), str(args.ports), str(grabs), str(AT_ONCE), str(QUIET_MSEC)], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, check=False).stdout.split()
    run.settle()
    stored_before = run.stored(port, args.ports)
    before, began = {role: cpu(pid) for role, pid in run.roles.items()}, time.monotonic()
    profile = ["perf", "record", "-q", "-g", "-F", "1999", "-o", f"{args.perf}.{kind}", "-p", str(run.roles["reach"])]
    perf = subprocess.Popen(profile) if args.perf else None
    most = run.visit(first, hosts, [port + i for i in range(args.ports)])
    seconds = time.monotonic() - began
    run.settle()
    spent = {role: round(cpu(pid) - before[role], 2) for role, pid in run.roles.items()}
    if perf is not None:
        perf.send_signal(signal.SIGINT)
        perf.wait()
    dials, answers = (after - earlier for after, earlier in zip(run.stored(port, args.ports), stored_before))
    return {"grabs": grabs, "dials": dials, "answers": answers, "rate": answers / spent["reach"], "spent": spent, "memory": most, "seconds": seconds,
            "bare": int(words[1]) / float(words[5]), "bare_failed": int(words[3])}


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description="banner grabs")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--ports", type=int, default=5, help="ports of each host, as many as a visit has by default")
    parser.add_argument("--perf", help="profile reach, into FILE.closing and FILE.keeping")
    args = parser.parse_args()
    build = pathlib.Path(os.environ.get("NOROSHI_BUILD", root / "build"))
    program = os.environ.get("NOROSHI", str(build / "noroshi"))
    args.peer = str(build / "test" / "bench" / "bench-probe")
    subprocess.run(["ninja", "-C", str(build), "test/bench/bench-probe"], check=True, stdout=subprocess.DEVNULL)
    hosts = 60000 // args.ports // (10 if args.quick else 1)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="noroshi-bench-"))
    folder.chmod(0o755)  # the roles become another user when started by root
    first_port = free_ports(len(KINDS) * args.ports + 1)
    args.first_ports = {kind: first_port + i * args.ports for i, kind in enumerate(KINDS)}
    hosts_command = [args.peer, "serve", *map(str, args.first_ports.values()), str(args.ports)]
    server = subprocess.Popen(hosts_command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    run = None
    try:
        if server.stdout.readline() != "ready\n":
            sys.exit("the hosts could not be made")
        run = Run(program, folder, first_port + len(KINDS) * args.ports)
        run.visit(ipaddress.IPv4Address("127.8.0.1"), 600, [args.first_ports["closing"]])  # warms up
        run.settle()
        idle = memory(run.roles["reach"])
        results = {kind: measure(args, run, kind, ipaddress.IPv4Address(first), hosts) for kind, first in
                   (("closing", "127.12.0.1"), ("keeping", "127.16.0.1"))}
        held = run.visit(ipaddress.IPv4Address("127.24.0.1"), 2 * AT_ONCE, [args.first_ports["silent"]])
        status = run.stop()
    finally:
        server.stdin.close()
        server.wait(10)
        if run is not None and run.process.poll() is None:
            run.process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    good = status == 0 and held["Rss"] < 50000 and held["files"] > AT_ONCE
    print(f"{'measure':58} {'figure':>10}  bar")
    for kind, r in results.items():
        good = good and r["rate"] >= 30000 and r["dials"] == r["answers"] == r["grabs"]
        times = r["bare"] / r["rate"]
        print(f"{kind + ' hosts: grabs per CPU-s of reach, audit included':58} {r['rate']:10.0f}  >= 30000  {r['answers']} of {r['grabs']} stored")
        print(f"{'  a bare epoll client, same hosts, per CPU-s':58} {r['bare']:10.0f}           {r['bare_failed']} failed; reach: {times:.2f} x")
        print(f"{'  CPU seconds by role':58} {json.dumps(r['spent'])}")
        print(f"{'  grabs per second, wall clock':58} {r['grabs'] / r['seconds']:10.0f}")
        print(f"{'  most memory of reach, kB RSS':58} {r['memory']['Rss']:10}           PSS {r['memory']['Pss']}")
    name = f"memory of reach, kB RSS, {held['files']} descriptors open"
    print(f"{name:58} {held['Rss']:10}  < 50000   PSS {held['Pss']}; idle {idle['Rss']}, PSS {idle['Pss']}")
    print(f"{'exit status of run':58} {status:10}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
