"""Measure the seal's costs: fit, call, load, bytes and import, against scikit-learn in the same run.

``python benchmarks/seal_cost.py`` prints a table of ratios: locked to stock, the median of paired runs and their
quartiles. Absolute times depend on the machine and mean little; the pairs are taken alternately, so that its moods
cancel.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from functools import partial
from statistics import quantiles

import numpy as np
from sklearn import pipeline as stock_pipeline
from sklearn import preprocessing as stock
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock import pipeline, preprocessing
from sklearn_normlock.seals.seal import watch_over


def seconds(function, number):
    start = time.perf_counter()
    for _ in range(number):
        function()
    return (time.perf_counter() - start) / number


def paired(ours, theirs, number, pairs=41):
    """Return the quartiles of ours/theirs over alternating runs, and the median of theirs in microseconds."""
    ours(), theirs()
    ratios, base = [], []
    for i in range(pairs):
        a = b = 0.0
        for first in ((True, False), (False, True))[i % 2]:
            if first:
                a = seconds(ours, number)
            else:
                b = seconds(theirs, number)
        ratios.append(a / b)
        base.append(b)
    return quantiles(ratios, n=4), 1e6 * quantiles(base, n=2)[0]


def row(what, ours, theirs, number):
    (low, middle, high), base = paired(ours, theirs, number)
    print(f"{what:52s} {middle:6.3f}   {low:.3f} to {high:.3f}   {base:12.1f}")


def fit(make, *data):
    make().fit(*data)


def locked_pipeline():
    return pipeline.make_pipeline(preprocessing.StandardScaler(), LogisticRegression())


def plain_pipeline():
    return stock_pipeline.make_pipeline(stock.StandardScaler(), LogisticRegression())


def fits(rng):
    for rows in (10_000, 100_000):
        X = rng.normal(size=(rows, 30))
        y = X[:, 0] > 0
        for name in ("StandardScaler", "MinMaxScaler", "RobustScaler", "PowerTransformer", "Normalizer"):
            if rows > 10_000 and name == "PowerTransformer":
                continue
            ours, theirs = getattr(preprocessing, name), getattr(stock, name)
            row(f"fit {name}, {rows}x30", partial(fit, ours, X), partial(fit, theirs, X), max(1, 30_000 // rows))
        what = f"fit StandardScaler + LogisticRegression, {rows}x30"
        row(what, partial(fit, locked_pipeline, X, y), partial(fit, plain_pipeline, X, y), 1)


def calls(locked, plain, X):
    for rows in (1, 1000):
        what = f"predict_proba of a pipeline, {rows}x30"
        row(what, partial(locked.predict_proba, X[:rows]), partial(plain.predict_proba, X[:rows]), 50)
    for name, obj in (("scaler", locked[0]), ("pipeline", locked)):
        check = partial(watch_over(obj).intact, obj)
        best = min(seconds(check, 2000) for _ in range(25))
        print(f"check of an untouched {name}: {1e6 * best:.2f} µs")


def main():
    rng = np.random.default_rng(0)
    print(f"{'locked / stock':52s} {'median':>6s}   {'quartiles':14s}   {'stock, µs':>12s}")
    fits(rng)
    X, y = load_breast_cancer(return_X_y=True)
    locked = pipeline.make_pipeline(preprocessing.StandardScaler(), LogisticRegression(max_iter=1000)).fit(X, y)
    plain = nl.unlock(locked)
    calls(locked, plain, X)
    ours, theirs = pickle.dumps(locked), pickle.dumps(plain)
    row("pickle.loads of a pipeline, verified", lambda: pickle.loads(ours), lambda: pickle.loads(theirs), 100)
    print(
        f"a pickled pipeline: {len(ours)} bytes, stock {len(theirs)}; record of its scaler "
        f"{len(watch_over(locked[0]).record.text)}, of all of it {len(watch_over(locked).record.text)}"
    )

    def starts(statement):
        return lambda: subprocess.run([sys.executable, "-c", statement], check=True)

    row(
        "import sklearn, sklearn_normlock / import sklearn",
        starts("import sklearn, sklearn_normlock"),
        starts("import sklearn"),
        1,
    )
    names = "from {0}.preprocessing import StandardScaler; from {0}.pipeline import Pipeline"
    row(
        "import of the classes used / of scikit-learn's",
        starts(names.format("sklearn_normlock")),
        starts(names.format("sklearn")),
        1,
    )


if __name__ == "__main__":
    main()
