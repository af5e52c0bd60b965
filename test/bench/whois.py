#!/usr/bin/env python3
"""Measures WHOIS look-ups by a whole Noroshi: `noroshi run`, tasks through DATA/control, a WHOIS server and a resolver on loopback.

Each task is a quest for another block by the channel ip_whois: its name is asked of the resolver, one question goes to the WHOIS server after its DIAL
record was committed, the answer is stored (LOOKUP), read, evaluated and chosen from (CONTACT, QUEST). CPU seconds are reach's, user and
system; those of the store stand beside. Debian's whois asks the same server in the same run, a process for each question, when it is installed.
Usage: whois.py [--quick] [--perf FILE]; NOROSHI and NOROSHI_BUILD name the program and its build folder.
"""
import argparse
import ipaddress
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from probe import TASKS, cpu, free_ports, memory, roles
import probe

SERVER = "whois.bench.example"
CONTACT_TASK, BY_HAND = b"contact", 1  # contact/order.h


def task(address):
    """An entry of a TASKS message: a quest by hand that is due at once."""
    mapped = b"\0" * 10 + b"\xff\xff" + address.packed
    order = struct.pack(">B16sqBB8sBBB8s", 1, mapped, time.time_ns() // 1000, BY_HAND, 8, b"operator", 0, 1, 8, b"ip_whois")
    key = f"contact {address} operator".encode()
    return struct.pack(">H", len(key)) + key + struct.pack(">H", len(CONTACT_TASK)) + CONTACT_TASK + struct.pack(">qI", time.time_ns() // 1000, len(order)) + order


class Run(probe.Run):
    def __init__(self, program, folder, port, whois_port, dns_port):
        lists = folder / "lists"
        shutil.copytree(pathlib.Path(__file__).resolve().parents[2] / "conf/lists/contact", lists)
        (lists / "blocks").write_text(f"# source: this measurement\n# date: 2026-11-20\n20.0.0.0/6 {SERVER}\n24.0.0.0/5 {SERVER}\n32.0.0.0/3 {SERVER}\n64.0.0.0/3 {SERVER}\n")
        (lists / "servers").write_text(f"# source: this measurement\n# date: 2026-11-20\n[{SERVER}]\nregistry: RIPE\naddress: -r {{}}\nport: {whois_port}\nat-once: 64\n")
        self.folder, self.data, self.made = folder, folder / "data", 0
        config = folder / "noroshi.yaml"
        conf = pathlib.Path(__file__).resolve().parents[2] / "conf"
        config.write_text(f"""
sensor: {{name: bench}}
services: [{{service: telnet, listen: "127.0.0.1:{port}"}}]
honeypot: {{profiles: "{conf}/profiles"}}
fingerprint: {{rules: "{conf}/fingerprints"}}
operator: {{organisation: Example, mail: probes@bench.example, page: "https://bench.example/probing"}}
contact: {{lists: "{lists}", rate: 100000}}
outside:
  test_network: ["127.0.0.0/8"]
  resolver: "127.0.0.1:{dns_port}"
""")
        self.start(program, config)

    def start(self, program, config):
        self.log = open(self.folder / "log", "wb")
        command = [program, "--config", str(config), "--data", str(self.data), "run"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 60
        while b"ready" not in (self.folder / "log").read_bytes().split():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("noroshi did not start:\n" + (self.folder / "log").read_text())
            time.sleep(0.05)
        self.roles = roles(self.process.pid)
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.connect(str(self.data / "control"))

    def quests(self, addresses):
        """Finds whom to notify for each; the most memory (kB) that reach had meanwhile."""
        for at in range(0, len(addresses), 250):
            self.control.sendall(struct.pack(">H", TASKS) + b"".join(map(task, addresses[at:at + 250])))
        self.made += len(addresses)
        most, end, reach = {}, time.monotonic() + 300, self.roles["reach"]
        while time.monotonic() < end:
            most = {name: max(size, most.get(name, 0)) for name, size in memory(reach).items()}
            if self.select(self.data / "control.db", "SELECT count(*) FROM task WHERE state='done'") >= self.made:
                return most
            time.sleep(0.2)
        sys.exit("not all quests ended:\n" + (self.folder / "log").read_text()[-2000:])

    def stored_quests(self):
        wanted = ("dial WHERE noroshi_lookup_server IS NOT NULL", "lookup WHERE noroshi_lookup_state='good' AND noroshi_content IS NOT NULL",
                  "contact WHERE noroshi_contact_choice='primary' AND noroshi_contact_valid='yes'", "quest WHERE event_outcome='success'")
        days = list((self.data / "days").glob("*.db"))
        return [sum(self.select(day, f"SELECT count(*) FROM {what}") for day in days) for what in wanted]


def debian(whois_port, addresses):
    """CPU seconds and seconds of so many processes of whois, or None when it is not installed."""
    if shutil.which("whois") is None:
        return None
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    for address in addresses:
        subprocess.run(["whois", "-h", "127.0.0.1", "-p", str(whois_port), str(address)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return len(addresses) / spent, len(addresses) / (time.monotonic() - began)


def addresses_from(first, count):
    """Each in a block of its own, one to a /16."""
    return [ipaddress.IPv4Address(first) + (i << 16) for i in range(count)]


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description="WHOIS look-ups")
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    parser.add_argument("--perf", help="profile reach, into FILE")
    args = parser.parse_args()
    build = pathlib.Path(os.environ.get("NOROSHI_BUILD", root / "build"))
    program = os.environ.get("NOROSHI", str(build / "noroshi"))
    subprocess.run(["ninja", "-C", str(build), "test/bench/bench-whois"], check=True, stdout=subprocess.DEVNULL)
    count = 1800 if args.quick else 18000
    folder = pathlib.Path(tempfile.mkdtemp(prefix="noroshi-bench-"))
    folder.chmod(0o755)  # the roles become another user when started by root
    port = free_ports(3)
    server = subprocess.Popen([str(build / "test" / "bench" / "bench-whois"), str(port), str(port + 1)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    run = None
    try:
        if server.stdout.readline() != "ready\n":
            sys.exit("the server could not be made")
        run = Run(program, folder, port + 2, port, port + 1)
        run.quests(addresses_from("20.1.9.7", 500))  # warms up
        run.settle()
        before, began = {role: cpu(pid) for role, pid in run.roles.items()}, time.monotonic()
        stored = run.stored_quests()
        profile = ["perf", "record", "-q", "-g", "-F", "1999", "-o", args.perf or "", "-p", str(run.roles["reach"])]
        perf = subprocess.Popen(profile) if args.perf else None
        most = run.quests(addresses_from("24.1.9.7", count))
        seconds = time.monotonic() - began
        run.settle()
        spent = {role: round(cpu(pid) - before[role], 2) for role, pid in run.roles.items()}
        if perf is not None:
            perf.send_signal(signal.SIGINT)
            perf.wait()
        stored = [after - earlier for after, earlier in zip(run.stored_quests(), stored)]
        other = debian(port, addresses_from("20.1.9.7", count // 50))
        status = run.stop()
    finally:
        server.stdin.close()
        server.wait(10)
        if run is not None and run.process.poll() is None:
            run.process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    rate = count / spent["reach"]
    good = status == 0 and rate >= 5000 and stored == [count] * 4
    print(f"{'measure':58} {'figure':>10}  bar")
    print(f"{'queries per CPU-s of reach, audit included':58} {rate:10.0f}  >= 5000")
    print(f"{'  stored: dials, look-ups, contacts, quests':58} {'':10}           {', '.join(map(str, stored))} of {count}")
    print(f"{'  CPU seconds by role':58} {json.dumps(spent)}")
    print(f"{'  queries per second, wall clock':58} {count / seconds:10.0f}")
    print(f"{'  most memory of reach, kB RSS':58} {most['Rss']:10}           PSS {most['Pss']}")
    if other is None:
        print("Debian's whois is not installed: nothing to compare with")
    else:
        print(f"{'whois of Debian, a process each: queries per CPU-s':58} {other[0]:10.0f}           reach: {rate / other[0]:.1f} x")
        print(f"{'  queries per second, wall clock':58} {other[1]:10.0f}")
    print(f"{'exit status of run':58} {status:10}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
