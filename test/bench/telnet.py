#!/usr/bin/env python3
"""Measures the telnet honeypot as a user runs it: `noroshi run` with a temporary data folder, clients on the loopback.

CPU seconds are those of all Noroshi processes together, from the first connection until the store is quiet again, so that every record has been
written durably. Memory is the sum of their PSS. Usage: telnet.py [--quick] [--profile NAMES]; NOROSHI and NOROSHI_BUILD name the program and its build folder.
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

# Devices with an ash behind any login: the client types one command without looking for a vendor's line first.
PROFILES = "xiongmai-h264,dahua-hcvr,swann-dvr4,tvt-dvrdvs,asus-rt-ac68u,dlink-dir600,tenda-n301,dd-wrt-wrt54gl"
TICK = os.sysconf("SC_CLK_TCK")


def tree(root):
    """The process and all its descendants."""
    parents = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat[stat.rindex(")") + 2:].split()[1])
    found, added = {root}, True
    while added:
        added = {p for p, parent in parents.items() if parent in found and p not in found}
        found |= added
    return sorted(found)


def cpu(pids):
    total = 0
    for pid in pids:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        fields = stat[stat.rindex(")") + 2:].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def cpu_by_role(pids):
    shares = {}
    for pid in pids:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        role = words[words.index(b"--role") + 1].decode() if b"--role" in words else "supervisor"
        shares[role] = cpu([pid])
    return shares


def pss(pids):
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Run:
    def __init__(self, program, profile, folder):
        self.port = free_port()
        self.folder = folder
        config = folder / "noroshi.yaml"
        profiles = pathlib.Path(__file__).resolve().parents[2] / "conf" / "profiles"
        config.write_text(
            f"sensor: {{name: bench}}\nservices:\n  - {{service: telnet, listen: \"127.0.0.1:{self.port}\", profile: \"{profile}\"}}\n"
            f"honeypot: {{profiles: \"{profiles}\", connections_per_peer: 10000}}\n")
        self.log = open(folder / "log", "wb")
        self.process = subprocess.Popen([program, "--config", str(config), "--data", str(folder / "data"), "run"], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + 30
        while b"ready" not in (folder / "log").read_bytes().split():
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("noroshi did not start:\n" + (folder / "log").read_text())
            time.sleep(0.05)
        self.pids = tree(self.process.pid)

    def settle(self):
        """Waits until nothing works any more."""
        before = cpu(self.pids)
        for _ in range(60):
            time.sleep(0.5)
            now = cpu(self.pids)
            if now - before < 0.02:
                return
            before = now

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(30)
        self.log.close()
        return status


def client(path, mode, run, count, at_once):
    done = subprocess.run([path, mode, "127.0.0.1", str(run.port), str(count), str(at_once)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    words = done.stdout.split()
    return {"good": int(words[2]), "failed": int(words[4]), "seconds": float(words[6]), "p50": float(words[8]), "p99": float(words[10])}


def throughput(args, run, mode, count):
    run.settle()
    before, shares = cpu(run.pids), cpu_by_role(run.pids)
    result = client(args.client, mode, run, count, 2000)
    run.settle()
    spent = cpu(run.pids) - before
    after = cpu_by_role(run.pids)
    result["cpu"] = spent
    result["rate"] = result["good"] / spent if spent > 0 else 0
    result["shares"] = {role: round(after[role] - shares[role], 2) for role in after}
    return result


def hold(args, run, counts):
    """The memory with so many sessions logged in and idle, the next ones on top of those before and of what a program that has worked a little holds."""
    client(args.client, "login", run, 500, 100)
    run.settle()
    sizes, holders, sessions = [pss(run.pids)], [], [0]
    for count in counts:
        more = count - sessions[-1]
        holder = subprocess.Popen([args.client, "idle", "127.0.0.1", str(run.port), str(more), "500"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True)
        holders.append(holder)
        sessions.append(sessions[-1] + int(holder.stdout.readline().split()[2]))
        run.settle()
        sizes.append(pss(run.pids))
    for holder in holders:
        holder.communicate()
    run.settle()
    return {"sessions": sessions, "kb": sizes, "each_of_all": (sizes[-1] - sizes[0]) / sessions[-1],
            "each_more": (sizes[-1] - sizes[1]) / (sessions[-1] - sessions[1])}


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description="telnet benchmark")
    parser.add_argument("--profile", default=PROFILES)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything")
    args = parser.parse_args()
    build = pathlib.Path(os.environ.get("NOROSHI_BUILD", root / "build"))
    program = os.environ.get("NOROSHI", str(build / "noroshi"))
    args.client = str(build / "test" / "bench" / "bench-telnet")
    subprocess.run(["ninja", "-C", str(build), "test/bench/bench-telnet"], check=True, stdout=subprocess.DEVNULL)
    scale = 10 if args.quick else 1
    folder = pathlib.Path(tempfile.mkdtemp(prefix="noroshi-bench-"))
    folder.chmod(0o755)  # the roles become another user when started by root
    try:
        run = Run(program, args.profile, folder)
        run.settle()
        idle = hold(args, run, (1000 // scale, 5000 // scale))
        burst = client(args.client, "burst", run, 5000 // scale, 5000 // scale)
        login = throughput(args, run, "login", 40000 // scale)
        mirai = throughput(args, run, "mirai", 20000 // scale)
        status = run.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{'measure':44} {'figure':>12}  bar")
    print(f"{'login + one command, sessions per CPU-s':44} {login['rate']:12.0f}  >= 10000   {login['failed']} failed, {login['shares']}")
    print(f"{'Mirai scan dialogues per CPU-s':44} {mirai['rate']:12.0f}  >= 5000    {mirai['failed']} failed, {mirai['shares']}")
    for count, size in zip(idle["sessions"], idle["kb"]):
        print(f"{'memory with %d logged in, kB (sum of PSS)' % count:44} {size:12}  <= 60000 at 5000")
    print(f"{'kB per session, of all / of the later ones':44} {idle['each_of_all']:5.2f} / {idle['each_more']:4.2f}  <= 4")
    print(f"{'served of a burst of %d' % (5000 // scale):44} {burst['good']:12}  all; p99 {burst['p99']} ms")
    print(f"{'exit status of run':44} {status:12}")
    print(json.dumps({"login": login, "mirai": mirai, "idle": idle, "burst": burst}), file=sys.stderr)
    good = (login["rate"] >= 10000 and mirai["rate"] >= 5000 and idle["each_of_all"] <= 4 and idle["each_more"] <= 4 and idle["kb"][-1] <= 60000 and
            burst["failed"] == 0 and login["failed"] == 0 and mirai["failed"] == 0 and status == 0)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
