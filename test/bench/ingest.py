#!/usr/bin/python3
"""How fast records are stored (bench-ingest: CPU seconds of the store, memory), then how long the program's reports over all of them take.

Usage: ingest.py [--quick] [--records N] [--days D]; NOROSHI and NOROSHI_BUILD name the program and its build folder. Exit status 1 when under a bar.
"""
import argparse
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time

# Seconds a report may take; None: shown only.
REPORTS = {"attackers": 0.5, "ports": 0.5, "credentials": None, "commands": None, "services": None}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a twentieth of the records")
    parser.add_argument("--records", type=int)
    parser.add_argument("--days", type=int, default=30)
    args = parser.parse_args()
    records = args.records or (500_000 if args.quick else 10_000_000)
    root = pathlib.Path(__file__).resolve().parents[2]
    build = pathlib.Path(os.environ.get("NOROSHI_BUILD", root / "build"))
    program = os.environ.get("NOROSHI", str(build / "noroshi"))
    subprocess.run(["ninja", "-C", str(build), "test/bench/bench-ingest"], check=True, stdout=subprocess.DEVNULL)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="noroshi-bench-"))
    status = 0
    try:
        bench = [str(build / "test" / "bench" / "bench-ingest"), "--folder", str(folder / "data"), "--records", str(records), "--days", str(args.days)]
        status |= subprocess.run(bench).returncode
        for name, bar in REPORTS.items():
            times, cpu = [], []
            for _ in range(3):
                start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
                subprocess.run([program, "--data", str(folder / "data"), "report", name], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                times.append(time.monotonic() - start)
                after = resource.getrusage(resource.RUSAGE_CHILDREN)
                cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
            print(f"report {name:<12} {min(times):.3f} to {max(times):.3f} s, {min(cpu):.3f} CPU s" + (f" (bar {bar} s)" if bar else ""), flush=True)
            status |= bar is not None and min(times) >= bar
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
