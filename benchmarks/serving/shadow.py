"""The primary's latency alone and beside a candidate: ``python -m benchmarks.serving.shadow [--requests 10000]``.

Each block of requests is served by the primary alone and by a shadow in turn, so that both meet the same state of the
machine. Every answer is compared with the primary's own. Printed are the quantiles of both and their quotient, by the
clock and by the processor time of the request's thread. Other work of the machine disturbs the first, not the second.
A stock pipeline answers in half a millisecond, a sealed one in a few microseconds, a forest in milliseconds.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler
from sklearn_normlock.serving import Shadow

BLOCK = 1000


class Candidate(ClassifierMixin, BaseEstimator):
    """A candidate that behaves in one way."""

    def __init__(self, how: str = "raises") -> None:
        self.how = how

    def predict(self, X: Any) -> Any:
        if self.how == "raises":
            raise RuntimeError("out of memory")
        if self.how == "hangs":
            time.sleep(3600)
        if self.how == "wrong shape":
            return np.zeros((len(X), 7))
        if self.how == "slow":
            time.sleep(0.02)
        if self.how == "busy":  # Python code that holds the interpreter lock
            sum(i * i for i in range(200_000))
        return np.zeros(len(X), int)


def measure(primary: Any, X: np.ndarray, how: str, run: str, requests: int, gap: float) -> str:
    """Return a line: the 50th and 99th percentile of both, and how many answers were changed."""
    candidate = primary if how == "same model" else Candidate(how)
    shadow = Shadow(primary, candidate, run=run, timeout=1.0)
    shadow.predict(X[:1])
    shadow.drain(30.0)
    answers = primary.predict(X)
    seconds: dict[str, list[tuple[float, float]]] = {"alone": [], "shadow": []}
    changed = 0
    rng = np.random.default_rng(0)
    for _ in range(requests // BLOCK):
        for name, est in (("alone", primary), ("shadow", shadow)):
            if name == "alone":
                shadow.drain(0.5)  # what is left over is not the primary's
            for at in rng.integers(0, len(X), BLOCK):
                row = X[at : at + 1]
                start, worked = time.perf_counter(), time.thread_time()
                answer = est.predict(row)
                seconds[name].append((time.perf_counter() - start, time.thread_time() - worked))
                changed += int(answer[0] != answers[at])
                if gap:
                    time.sleep(gap)
    status = shadow.status()
    shadow.close()
    cells = []
    for which in (0, 1):
        for q in (0.5, 0.99):
            alone, beside = (1e3 * np.quantile(np.array(found)[:, which], q) for found in seconds.values())
            cells.append(f"{alone:6.3f} {beside:6.3f} {beside / alone:5.2f}")
    return f"{how:12} {run:8} {changed:3d} | {' | '.join(cells)} | {status.compared:6d} {status.dropped:6d}"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--gap", type=float, default=0.0, help="seconds between two requests")
    parser.add_argument("--run", nargs="*", default=["thread", "process"])
    parser.add_argument("--how", nargs="*", default=["same model", "raises", "wrong shape", "slow", "busy", "hangs"])
    parser.add_argument("--primary", choices=["stock", "sealed", "forest"], default="stock")
    given = parser.parse_args()
    X, y = load_breast_cancer(return_X_y=True)
    steps = (
        StandardScaler(),
        RandomForestClassifier(100, random_state=0) if given.primary == "forest" else LogisticRegression(),
    )
    primary = make_pipeline(*steps).fit(X, y)
    if given.primary != "sealed":
        primary = nl.unlock(primary)
    print("                          | by the clock, ms            | processor time, ms")
    print("candidate    run  changed | p50 alone, shadow, × | p99 | p50 | p99 | compared dropped")
    for run in given.run:
        for how in given.how:
            print(measure(primary, X, how, run, given.requests, given.gap), flush=True)


if __name__ == "__main__":
    main()
