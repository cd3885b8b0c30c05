"""Tell how many faults each test alone detects: ``python benchmarks/guard/ablation.py --seed S``.

Fresh families are drawn as `names.py` draws them. Each batch is weighed once. Then one test after the other is left
out, and its share of the budget goes to the others.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sklearn_normlock as nl
from guard.families import THEMES
from guard.faults import FAULTS
from guard.names import generator, scenes
from sklearn_normlock.guards.tests import TESTS, Evidence, weigh
from sklearn_normlock.guards.tests.reference import reference_of


def weighed(seed: int, families: int, sizes: list[int]) -> list[tuple[str, int, Evidence]]:
    """Return the fault, the rows and the evidence of each batch."""
    found = []
    for at in range(families):
        for theme in THEMES:
            rng = generator(seed, "faults", theme, at)
            for scene in scenes(theme, rng):
                reference = reference_of(nl.Profile.from_data(scene.train), 0.3)
                for fault in FAULTS:
                    plan = fault.plan(rng, scene) if scene.side in fault.sides else None
                    for rows in sizes if plan else ():
                        X = np.asarray(plan.apply(rng, scene.draw(rng, rows)), float)
                        with np.errstate(all="ignore"):
                            found.append((fault.name, rows, weigh(reference, X, {}, 1e-3)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--families", type=int, default=2, help="of each theme")
    parser.add_argument("--sizes", nargs="*", type=int, default=[16, 64], help="rows of a batch")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    every = weighed(asked.seed, asked.families, asked.sizes)
    for rows in asked.sizes:
        found = [(fault, evidence) for fault, n, evidence in every if n == rows]
        print(f"{rows} rows: {sum(evidence.alarm for _, evidence in found)} of {len(found)} detected; without")
        for test in TESTS:
            lost: Counter[str] = Counter()
            for fault, evidence in found:
                others = {name: p for name, p in evidence.log_p.items() if name != test.name}
                lost[fault] += evidence.alarm and not replace(evidence, log_p=others).alarm
            print(
                f"  {test.name}: {lost.total()} fewer",
                ", ".join(f"{n} {fault}" for fault, n in lost.most_common(4) if n),
            )


if __name__ == "__main__":
    main()
