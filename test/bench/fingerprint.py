#!/usr/bin/python3
"""How fast fingerprints are matched, with captures, on recog's corpus, and what the worst of many hostile 4 KiB banners costs.

Usage: fingerprint.py [--quick] [--tries N]; NOROSHI_BUILD names the build folder, NOROSHI_SHARED where data/banners lies (recog's files and examples; not
part of the program). Exit status 1 when under a bar.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BANNERS_PER_CPU_SECOND = 600_000
WORST_MILLISECONDS = 5.0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="fewer hostile banners")
    parser.add_argument("--tries", type=int)
    args = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    build = pathlib.Path(os.environ.get("NOROSHI_BUILD", root / "build"))
    data = pathlib.Path(os.environ.get("NOROSHI_SHARED", root.parent / "shared")) / "data" / "banners"
    if not (data / "recog_xml").is_dir():
        print(f"skipped: {data} is not there")
        return 0
    subprocess.run(["ninja", "-C", str(build), "test/bench/bench-fingerprint"], check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory(prefix="noroshi-bench-") as folder:
        environment = dict(os.environ, NOROSHI_FINGERPRINT_CACHE=str(pathlib.Path(folder) / "cache"))
        tries = args.tries or (20_000 if args.quick else 200_000)
        out = subprocess.run([str(build / "test" / "bench" / "bench-fingerprint"), str(root / "conf" / "fingerprints"), str(data / "recog_xml"),
                              str(data / "recog_examples.jsonl"), str(tries)], check=True, stdout=subprocess.PIPE, env=environment).stdout
    result = json.loads(out)
    print(f"{result['own']} rules of ours, {result['recog']} of recog's; {result['banners']} banners")
    print(f"matched     {result['banners_per_cpu_second']:,.0f} banners per CPU second, with captures, best of 12 passes "
          f"(slowest {result['slowest_pass']:,.0f}; bar {BANNERS_PER_CPU_SECOND:,})")
    print(f"worst       {result['worst_milliseconds']:.3f} ms of {result['hostile_banners']:,} hostile banners of 4 KiB (bar {WORST_MILLISECONDS} ms): "
          f"{result['worst_field']}, begins {result['worst_begins']!r}")
    return int(result["banners_per_cpu_second"] < BANNERS_PER_CPU_SECOND or result["worst_milliseconds"] >= WORST_MILLISECONDS)


if __name__ == "__main__":
    sys.exit(main())
