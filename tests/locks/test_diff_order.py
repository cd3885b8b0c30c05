"""Claims of the order of a diff: causes first, and what repeats is told once."""

import re

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl


@pytest.mark.parametrize("sides", ["locks", "objects"])
def test_causes_come_before_consequences(sides):
    """A review reads parameters first, and then fitted state step by step: coefficients follow the scaler."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y = X[:, 0] > 0

    def made(rows, C):
        return make_pipeline(StandardScaler(), LogisticRegression(C=C)).fit(X[:rows], y[:rows])

    old, new = made(40, 1.0), made(30, 0.001)
    pair = (nl.lock(old), nl.lock(new)) if sides == "locks" else (old, new)
    steps = [change.path.rpartition(".")[0] for change in nl.diff(*pair).changes]
    assert nl.diff(*pair).changes[0].path == "logisticregression.C"
    assert steps[1:] == sorted(steps[1:], reverse=True)
    assert set(steps) == {"standardscaler", "logisticregression"}


def test_members_that_all_differ_are_told_once():
    """A few places stand for all trees, and every place is counted once: shown, stood for, or left out."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = (X[:, 0] > 0).astype(int)
    old, new = (RandomForestClassifier(5, random_state=seed).fit(X, y) for seed in (0, 1))
    report = nl.diff(nl.lock(old), nl.lock(new))
    text = report.explain()
    lines = [line for line in text.splitlines() if "estimators_[" in line]
    assert len(lines) == 3
    more = int(re.search(r"(\d+) more places in estimators_ differ", text)[1])
    inside = [change for change in report.changes if change.path.startswith("estimators_[")]
    assert more + 3 == len(inside) > 20
    assert f"{more} more places in estimators_ differ" in report.explain("markdown")
    assert f"{more} more places in estimators_ differ" in report.explain("html")
