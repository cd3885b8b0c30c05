"""The primary's latency alone and beside a candidate: ``python -m benchmarks.serving.shadow [--requests 10000]``.

Each block of requests is served by the primary alone and by a shadow in turn, so that both meet the same state of the
machine. Every answer is compared with the primary's own. Printed are the quantiles of both and their quotient. Run it
on a machine with at least two idle cores. A logistic regression answers in microseconds, a forest in milliseconds.
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

from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler
from sklearn_normlock.serving import Shadow

BLOCK = 250


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
    seconds: dict[str, list[float]] = {"alone": [], "shadow": []}
    changed = 0
    rng = np.random.default_rng(0)
    for _ in range(requests // BLOCK):
        for name, est in (("alone", primary), ("shadow", shadow)):
            if name == "alone":
                shadow.drain(0.5)  # what is left over is not the primary's
            for at in rng.integers(0, len(X), BLOCK):
                row = X[at : at + 1]
                start = time.perf_counter()
                answer = est.predict(row)
                seconds[name].append(time.perf_counter() - start)
                changed += int(answer[0] != answers[at])
                if gap:
                    time.sleep(gap)
    status = shadow.status()
    shadow.close()
    p50, p99 = ({name: 1e3 * np.quantile(found, q) for name, found in seconds.items()} for q in (0.5, 0.99))
    return (
        f"{how:12} {run:8} {changed:3d} | {p50['alone']:7.3f} {p50['shadow']:7.3f} "
        f"{p50['shadow'] / p50['alone']:5.2f} | {p99['alone']:7.3f} {p99['shadow']:7.3f} "
        f"{p99['shadow'] / p99['alone']:5.2f} | {status.compared:6d} {status.dropped:6d}"
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--gap", type=float, default=0.0, help="seconds between two requests")
    parser.add_argument("--run", nargs="*", default=["thread", "process"])
    parser.add_argument("--how", nargs="*", default=["same model", "raises", "wrong shape", "slow", "busy", "hangs"])
    parser.add_argument("--primary", choices=["logistic", "forest"], default="logistic", help="a fast or a slow one")
    given = parser.parse_args()
    X, y = load_breast_cancer(return_X_y=True)
    models = {"logistic": LogisticRegression(), "forest": RandomForestClassifier(100, random_state=0)}
    primary = make_pipeline(StandardScaler(), models[given.primary]).fit(X, y)
    print("candidate    run      changed | p50 ms alone, shadow, × | p99 ms alone, shadow, × | compared dropped")
    for run in given.run:
        for how in given.how:
            print(measure(primary, X, how, run, given.requests, given.gap), flush=True)


if __name__ == "__main__":
    main()
