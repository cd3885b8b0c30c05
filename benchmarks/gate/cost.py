"""The cost of a gate beside two predicts: ``python benchmarks/gate/cost.py --rows 1000000``."""

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
    site = rng.integers(0, 10, len(X))
    alone, whole = [], []
    for _ in range(arguments.rounds):
        start = time.perf_counter()
        for est in pair:
            est.predict(X)
        alone.append(time.perf_counter() - start)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        report = nl.gate(*pair, X, y, cohorts={"site": site})
        whole.append(time.perf_counter() - start)
        more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        ratio = whole[-1] / alone[-1]
        print(f"two predicts {alone[-1]:.2f} s, gate {whole[-1]:.2f} s, ratio {ratio:.2f}, memory +{more:.0f} MB")
    print(f"least of each: ratio {min(whole) / min(alone):.2f}; {report.answer}, {len(report.judgements)} judgements")


if __name__ == "__main__":
    main()
