"""Run the benchmark of the guard and print its tables: ``python benchmarks/guard/run.py --help``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from guard import measure, peers, report
from guard.datasets import DATA_SETS

FULL = measure.Effort(parts=20, clean=4000, faults=2, windows=1000, peer_parts=3, peer_clean=12)
QUICK = measure.Effort(parts=4, clean=240, faults=1, windows=48, peer_parts=1, peer_clean=3)
SPLITS = ("development", "held-out")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The benchmark of the guard; see benchmarks/guard/__init__.py.")
    parser.add_argument("--split", choices=[*SPLITS, "both"], default="both")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the cases: minutes, wide intervals")
    parser.add_argument("--data", nargs="*", help="only these data sets")
    parser.add_argument("--sizes", nargs="*", type=int, default=list(measure.SIZES), help="only these batch sizes")
    parser.add_argument("--no-peers", action="store_true", help="only the guard")
    parser.add_argument("--no-vectors", action="store_true", help="without the wide family")
    for field in fields(measure.Effort):
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=int, help=f"in place of {getattr(FULL, field.name)}"
        )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tolerate", type=float, default=measure.DRIFT, help="the guard's `drift`, in deviations")
    parser.add_argument("--json", type=Path, help="write the counts there, after each data set")
    parser.add_argument("--tables", type=Path, nargs="*", help="print tables of counts that were written; run nothing")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    splits = SPLITS if asked.split == "both" else (asked.split,)
    lines: list[dict] = []
    if asked.tables:
        lines = [line for path in asked.tables for line in json.loads(path.read_text())["counts"]]
    else:
        own = {f.name: getattr(asked, f.name) for f in fields(measure.Effort) if getattr(asked, f.name) is not None}
        effort = replace(QUICK if asked.quick else FULL, **own)
        others = [] if asked.no_peers else peers.installed()
        beside = ", ".join(p.name for p in others) or "none"
        print(f"seed {asked.seed}, {effort}, tolerated drift {asked.tolerate:g}, peers: {beside}\n", flush=True)
        tally = measure.Tally()
        for data in DATA_SETS:
            if data.split not in splits or (asked.data and data.name not in asked.data):
                continue
            if data.wide and asked.no_vectors:
                continue
            start = time.perf_counter()
            measure.run(data, effort, asked.seed, tuple(asked.sizes), others, tally, asked.tolerate)
            print(f"{data.name}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
            if asked.json:
                asked.json.write_text(json.dumps({"seed": asked.seed, "counts": tally.lines()}, indent=0))
        lines = tally.lines()
        print(report.seconds(tally.seconds, tally.asked))
    for name in splits:
        if any(line["split"] == name for line in lines):
            print(report.split(lines, name))


if __name__ == "__main__":
    main()
