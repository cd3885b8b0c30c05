"""The cost of a gate beside two predicts: ``python benchmarks/gate/cost.py --rows 1000000``.

Processor time, so that other work of the machine counts little; with ten named cohorts, and with a search of slices.
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl


def main() -> None:
    """Print the times, their ratio, and the memory that the gate added."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    X = rng.normal(size=(arguments.rows, 30))
    y = (X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=len(X)) > 0).astype(int)
    pair = [
        make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=100, random_state=seed)).fit(
            X[seed : 20_000 + seed], y[seed : 20_000 + seed]
        )
        for seed in range(2)
    ]
    cohorts = {"ten cohorts": {"site": rng.integers(0, 10, len(X))}, "found": "found"}
    for name, asked in cohorts.items():
        alone, whole = [], []
        for _ in range(arguments.rounds):
            start = time.process_time()
            for est in pair:
                est.predict(X)
            alone.append(time.process_time() - start)
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            start = time.process_time()
            report = nl.gate(*pair, X, y, cohorts=asked)
            whole.append(time.process_time() - start)
            more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
            ratio = whole[-1] / alone[-1]
            print(
                f"{name}: two predicts {alone[-1]:.2f} s, gate {whole[-1]:.2f} s, ratio {ratio:.2f}, "
                f"memory +{more:.0f} MB",
                flush=True,
            )
        least = min(whole) / min(alone)
        print(f"{name}, least of each: ratio {least:.2f}; {report.answer}, {len(report.judgements)} judgements")
    print(
        f"the rows are {X.nbytes >> 20} MB; most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB"
    )


if __name__ == "__main__":
    main()
