"""Speed and its price, against what users would take instead: one run, one set of tables, all as ratios.

``python benchmarks/peers.py`` prints for every piece of work the median ratio of paired runs and its quartiles. The
runs of all ways are taken in turn, so that a busy machine slows all of them alike. ``--plots DIR`` draws each table,
``--json FILE`` keeps the figures, ``--quick`` takes a part of the time. Peers that aren't installed are left out
(``pip install ".[bench]"`` brings them).
"""

from __future__ import annotations

import argparse
import json
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as a server with a process for each core is run

import platform

import _peers_seal
import _peers_serving
import numpy as np
import sklearn

PARTS = ("serving", "seal")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", default=PARTS, help=f"of {PARTS}; default: all")
    parser.add_argument("--quick", action="store_true", help="a part of the time, sizes up to 32 MiB")
    parser.add_argument("--json", metavar="FILE", help="keep the figures")
    parser.add_argument("--plots", metavar="DIR", help="draw the tables as SVG files")
    options = parser.parse_args()
    budget = 0.15 if options.quick else 0.6
    print(f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, Python {platform.python_version()},")
    print(f"{platform.machine()}, {os.cpu_count()} processors, OMP_NUM_THREADS={os.environ['OMP_NUM_THREADS']}")
    found = {}
    if "serving" in options.parts:
        found |= _peers_serving.main(budget)
    if "seal" in options.parts:
        found |= _peers_seal.main(budget, 1 << 25 if options.quick else 1 << 30)
    if options.json:
        flat = [
            {
                "table": title,
                "case": [case] if isinstance(case, str) else list(case),
                "way": way,
                "ratio": one.ratio,
                "quartiles": one.spread,
                "microseconds": one.microseconds,
            }
            for title, cases in found.items()
            for case, ways in cases.items()
            for way, one in ways.items()
        ]
        with open(options.json, "w") as file:
            json.dump(flat, file, indent=1)
    if options.plots:
        import _peers_plots

        _peers_plots.draw(found, options.plots)


if __name__ == "__main__":
    main()
