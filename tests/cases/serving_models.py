"""Models for the tests of the serving room: good ones, and candidates that misbehave; importable by other processes."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler

X, y = load_iris(return_X_y=True)
FACTOR = 1.0
RELEASED = threading.Event()  # lets every candidate that hangs go on, at the end of a test


def model(C: float = 1.0) -> Any:
    """Return a small pipeline that is sealed."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=C)).fit(X, y)


class Times(TransformerMixin, BaseEstimator):
    """A transformer without a state of its own: a new release of its code may put out something else."""

    def fit(self, X: Any, y: Any = None) -> Times:
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X: Any) -> Any:
        return np.asarray(X) * FACTOR


class Misbehaving(ClassifierMixin, BaseEstimator):
    """A candidate that does one thing wrong.

    Parameters
    ----------
    how : str
        What it does: one of ``WAYS``.
    """

    def __init__(self, how: str = "raises") -> None:
        self.how = how

    def fit(self, X: Any, y: Any) -> Misbehaving:
        self.classes_ = np.unique(y)
        self.n_features_in_ = np.shape(X)[1]
        return self

    def predict(self, X: Any) -> Any:
        return WAYS[self.how](X)

    def predict_proba(self, X: Any) -> Any:
        return WAYS[self.how](X)


class SlowToLoad(Misbehaving):
    """A candidate that takes longer to load than to answer."""

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        time.sleep(4.0)


def _raise(X: Any) -> Any:
    raise RuntimeError("out of memory")


def _exit(X: Any) -> Any:
    raise SystemExit(3)


def _hang(X: Any) -> Any:
    RELEASED.wait(60)
    return np.zeros(len(X))


def _slow(X: Any) -> Any:
    time.sleep(0.05)
    return np.zeros(len(X))


def _overwrite(X: Any) -> Any:
    np.asarray(X)[...] = np.nan
    return np.zeros(len(X))


def _die(X: Any) -> Any:
    os._exit(9)


WAYS = {
    "raises": _raise,
    "exits": _exit,
    "hangs": _hang,
    "slow": _slow,
    "dies": _die,
    "overwrites its rows": _overwrite,
    "too few": lambda X: np.zeros(len(X) - 1),
    "another shape": lambda X: np.zeros((len(X), 7)),
    "nothing": lambda X: None,
    "text": lambda X: "no answer",
    "ragged": lambda X: [[0], [0, 1]] * len(X),
    "nan": lambda X: np.full(len(X), np.nan),
}
