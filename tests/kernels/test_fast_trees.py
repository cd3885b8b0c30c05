"""Kernels of trees give scikit-learn's bits for batches of any size, and its choice between equal scores."""

from __future__ import annotations

import numpy as np
import pytest
from fast_models import outcome
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)

import sklearn_normlock as nl
from sklearn_normlock.kernels import trees
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import MaxAbsScaler

rng = np.random.default_rng(0)
X = rng.normal(size=(120, 5))
X[rng.random(X.shape) < 0.05] = np.nan
MODELS = {
    "two classes": HistGradientBoostingClassifier(max_iter=6, min_samples_leaf=3).fit(X, X[:, 0] > 0),
    "three classes": HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=3).fit(X, np.arange(120) % 3),
    "counts": HistGradientBoostingRegressor(max_iter=5, loss="poisson").fit(X, np.arange(120) % 4),
}


def batches(rows):
    plain = rng.normal(size=(rows, 5))
    odd = plain.copy()
    odd[rng.random(odd.shape) < 0.1] = np.nan
    yield plain
    yield odd
    yield np.asfortranarray(odd)
    yield odd.astype(np.float32)
    yield odd[::-1]
    odd[0, 0] = np.inf
    yield odd


@pytest.mark.parametrize("rows", [1, 2, 7, trees._FEW, trees._FEW + 1, trees._ALONE + 1, 3000])
@pytest.mark.parametrize("name", MODELS)
def test_a_batch_is_scored_to_the_bit(name, rows):
    """Rows that are scored together get what scikit-learn gives them."""
    model = MODELS[name]
    locked = nl.seal(make_pipeline(MaxAbsScaler().fit(X), model))
    kept = [method for method in ("predict", "predict_proba", "decision_function") if hasattr(model, method)]
    for batch in batches(rows):
        for method in kept:
            with nl.config_context(fast=False):
                expected = outcome(locked, method, batch)
            assert outcome(locked, method, batch) == expected


def _counted(monkeypatch):
    """Count the trees whose comparisons are made for all rows at once, as they are whatever the number of threads."""
    calls, original = [], trees.Splits.__call__
    monkeypatch.setattr(trees, "_THREADS", 999)
    monkeypatch.setattr(trees, "_MANY", 1)
    monkeypatch.setattr(trees.Splits, "__call__", lambda *args: calls.append(1) or original(*args))
    return calls


@pytest.mark.parametrize("leaves", [2, 3, 31, trees._LEAVES])
def test_many_rows_are_compared_split_by_split(leaves, monkeypatch):
    """Trees of any shape and size, down to a single leaf, give many rows scikit-learn's bits, in blocks of any size."""
    data = rng.normal(size=(4000, 6)) ** 3  # of long tails: trees that grow to one side
    data[rng.random(data.shape) < 0.1] = np.nan
    target = np.digitize(np.nan_to_num(data).sum(axis=1), [-9, -5, 0, 4])
    model = HistGradientBoostingClassifier(max_iter=6, max_leaf_nodes=leaves, min_samples_leaf=2, random_state=0)
    locked = nl.seal(make_pipeline(MaxAbsScaler().fit(data), model.fit(data, target)))
    stock, calls = nl.unlock(locked), _counted(monkeypatch)
    many = np.tile(data, (3, 1))
    expected = outcome(stock, "predict_proba", many)
    for block in (trees._BLOCK, 1000, 777):
        monkeypatch.setattr(trees, "_BLOCK", block)
        assert outcome(locked, "predict_proba", many) == expected
    assert len(calls) == 6 * 5 * (1 + 12 + 16)  # trees, for each block
    assert outcome(locked, "predict_proba", many[::-1]) == outcome(stock, "predict_proba", many[::-1])


def test_trees_of_one_leaf_give_every_row_their_value(monkeypatch):
    """A tree without a split, as boosting leaves where nothing is to be learned, adds the same to all rows."""
    still, labels = np.zeros((300, 2)), np.array(["no", "yes", "no"] * 100)
    model = HistGradientBoostingClassifier(max_iter=3).fit(still, labels)
    locked, calls = nl.seal(make_pipeline(MaxAbsScaler().fit(still), model)), _counted(monkeypatch)
    assert outcome(locked, "predict_proba", still) == outcome(nl.unlock(locked), "predict_proba", still)
    assert len(calls) == model.n_iter_


def test_large_trees_and_many_threads_take_compiled_code(monkeypatch):
    """Where comparisons for all rows don't pay, scikit-learn's compiled code scores them, to the same bits."""
    data = rng.normal(size=(3000, 6))
    target = (data[:, 0] + rng.normal(size=3000) > 0).astype(int)
    many, calls = np.tile(data, (8, 1)), _counted(monkeypatch)
    for leaves, threads in ((trees._LEAVES + 1, 999), (7, 0)):
        monkeypatch.setattr(trees, "_THREADS", threads)
        model = HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=leaves, min_samples_leaf=1).fit(data, target)
        locked = nl.seal(make_pipeline(MaxAbsScaler().fit(data), model))
        assert outcome(locked, "decision_function", many) == outcome(nl.unlock(locked), "decision_function", many)
    assert not calls


def test_a_batch_never_reaches_scikit_learns_method(monkeypatch):
    """A batch is scored without the estimator's own method."""
    locked = nl.seal(make_pipeline(MaxAbsScaler().fit(X), MODELS["two classes"]))
    expected = locked.predict_proba(X)
    monkeypatch.setattr(HistGradientBoostingClassifier, "_raw_predict", None)
    assert locked.predict_proba(X).tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    "model",
    [
        GradientBoostingClassifier(n_estimators=3),
        HistGradientBoostingClassifier(max_iter=3),
        RandomForestClassifier(n_estimators=4, bootstrap=False, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.parametrize("sign", [1, -1])
def test_a_tie_goes_to_the_same_class(model, sign):
    """Between classes of equal score a kernel chooses as scikit-learn does."""
    side = np.concatenate([np.linspace(-1, -0.001, 40), np.zeros(40), np.linspace(0.001, 1, 40)])
    labels = np.where(side == 0, np.arange(120) % 2, side > 0)  # as many of each class in the middle
    data = np.stack([sign * side, np.zeros(120)], axis=1)
    locked = make_pipeline(MaxAbsScaler(), model).fit(data, labels)
    stock = nl.unlock(locked)
    for rows in (data[:1], data[50:51], data[-1:], data[30:90]):
        assert locked.predict(rows).tolist() == stock.predict(rows).tolist()


def test_a_score_of_zero_is_each_models_own_class():
    """Gradient boosting takes a score of exactly zero for its second class, the histogram kind for its first."""
    still, labels = np.zeros((12, 2)), np.array(["no", "yes"] * 6)
    for model, pick in (
        (GradientBoostingClassifier(n_estimators=1), trees._classes),
        (HistGradientBoostingClassifier(max_iter=1), trees._classes_above_zero),
    ):
        model.fit(still, labels)
        zero = np.zeros((1, 1))
        assert model.decision_function(still[:1]) == 0
        assert pick(model)(zero).tolist() == model.predict(still[:1]).tolist()
