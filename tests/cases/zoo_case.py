"""What a case of the zoo is, and the small data that cases are fitted on.

Data are made from `RandomState` (its stream is frozen by NumPy), so that every process and version fits the same.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

ROWS = 36  # divisible by 3 classes x 3 folds, above every default n_neighbors and n_components used here

#: What fits on toy data say about themselves: not converged, graph not connected, a default that will change.
FIT_WARNINGS = (ConvergenceWarning, FutureWarning, DeprecationWarning, RuntimeWarning, UserWarning)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what toy data make fits and uses say about themselves, and nothing else."""
    with warnings.catch_warnings():
        for category in FIT_WARNINGS:
            warnings.simplefilter("ignore", category)
        yield


Data = tuple[Any, ...]


# -- data: each maker takes a seed and returns the positional arguments of ``fit`` ---------------------------------


def blobs(seed: int = 0) -> Data:
    """Three overlapping classes of four features, not centred, of unequal scale."""
    rng = np.random.RandomState(seed)
    y = np.arange(ROWS) % 3
    X = rng.normal(size=(ROWS, 4)) + y[:, None] * [1.0, -0.5, 0.0, 2.0]
    return X * [1.0, 10.0, 0.1, 3.0] + [0.0, 5.0, 1.0, -2.0], y


def features(seed: int = 0) -> Data:
    return blobs(seed)[:1]


def binary(seed: int = 0) -> Data:
    X, y = blobs(seed)
    return X, (y > 0).astype(int)


def named_classes(seed: int = 0) -> Data:
    X, y = blobs(seed)
    return X, np.array(["ash", "birch", "cedar"])[y]


def unbalanced_classes(seed: int = 0) -> Data:
    return features(seed)[0], labels(seed)[0]


def continuous(seed: int = 0) -> Data:
    X, _ = blobs(seed)
    noise = np.random.RandomState(seed + 100).normal(size=ROWS)
    return X, X @ [1.0, 0.2, -3.0, 0.5] + 0.1 * noise


def positive_target(seed: int = 0) -> Data:
    X, y = continuous(seed)
    return X, np.exp(y / np.abs(y).max())


def two_targets(seed: int = 0) -> Data:
    X, y = continuous(seed)
    return X, np.column_stack([y, X[:, 0] - 2 * X[:, 1]])


def two_labels(seed: int = 0) -> Data:
    X, y = blobs(seed)
    return X, np.column_stack([y > 0, X[:, 0] > np.median(X[:, 0])]).astype(int)


def partly_labelled(seed: int = 0) -> Data:
    X, y = blobs(seed)
    return X, np.where(np.arange(ROWS) % 4 == 3, -1, y)


def positive(seed: int = 0) -> Data:
    X, y = blobs(seed)
    return np.abs(X), y


def positive_features(seed: int = 0) -> Data:
    return positive(seed)[:1]


def ordinals(seed: int = 0) -> Data:
    rng = np.random.RandomState(seed)
    # every level occurs, so that a query never holds an unseen one
    return rng.permutation(np.arange(ROWS * 2) % (3 + seed % 2)).reshape(ROWS, 2), np.arange(ROWS) % 3


def gaps(seed: int = 0) -> Data:
    X, _ = blobs(seed)
    X = X.copy()
    missing = np.random.RandomState(seed + 200).uniform(size=X.shape) < 0.15
    missing[:, seed % 4] = False  # which columns have gaps is learnt too
    X[missing] = np.nan
    return (X,)


def csr(seed: int = 0) -> Data:
    X, y = positive(seed)
    # another share of zeros in each column, and with another seed
    floor = np.diag(np.quantile(X, np.roll([0.3, 0.45, 0.6, 0.75], seed), axis=0))
    return sparse.csr_matrix(np.where(X > floor, X, 0.0)), y


def frame(seed: int = 0) -> Data:
    import pandas as pd

    X, y = blobs(seed)
    table = pd.DataFrame(X, columns=["age", "income", "rate", "score"])
    table["town"] = np.array(["Bonn", "Graz", "Wien" if seed % 2 else "Ulm"])[(y + np.arange(ROWS) // 5 + seed) % 3]
    return table, y


def numeric_frame(seed: int = 0) -> Data:
    table, y = frame(seed)
    return table.drop(columns="town"), y


def one_column(seed: int = 0) -> Data:
    X, y = continuous(seed)
    return X[:, 0], y


def gram(seed: int = 0) -> Data:
    X, y = blobs(seed)
    return X @ X.T, y


def labels(seed: int = 0) -> Data:
    return (np.array(["ash", "birch", "cedar", "elm"])[np.arange(ROWS) % (3 + seed % 2)],)


def tag_sets(seed: int = 0) -> Data:
    # sets of strings: their iteration order depends on the hash seed of the process
    names = ["red", "green", "blue", "cyan", "magenta", f"shade{seed}"]
    return ([{names[i % 6], names[(i * 7 + 1) % 6], names[(i * 5 + 3) % 6]} for i in range(ROWS)],)


def records(seed: int = 0) -> Data:
    return ([{"town": ["Bonn", "Graz", "Ulm"][i % 3], f"x{i % 4 + seed}": float(i)} for i in range(ROWS)],)


def texts(seed: int = 0) -> Data:
    words = ["lock", "seal", "guard", "drift", "scale", "train", "serve", "model", "column", "vector", f"word{seed}"]
    docs = [" ".join(words[(i * k + k) % len(words)] for k in range(1, 6)) for i in range(ROWS)]
    return docs, np.arange(ROWS) % 3


def images(seed: int = 0) -> Data:
    return (np.random.RandomState(seed).uniform(size=(4, 8, 8)),)


# -- a case ---------------------------------------------------------------------------------------------------------

#: Methods that use a fitted estimator without fitting it, in the order in which they are tried.
USES = (
    "predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "transform", "kneighbors",
    "kneighbors_graph", "radius_neighbors", "radius_neighbors_graph", "apply", "decision_path", "mahalanobis",
    "staged_predict", "staged_predict_proba", "staged_decision_function", "gibbs", "score", "sample",
    "get_feature_names_out", "get_covariance", "get_precision", "get_n_splits", "sample_y", "get_support",
    "latent_mean_and_variance", "log_marginal_likelihood", "predict_joint_log_proba", "perplexity", "aic", "bic",
    "reconstruction_error", "get_depth", "get_n_leaves", "staged_score", "get_stop_words", "build_analyzer",

)  # fmt: skip

_WITHOUT_DATA = {
    "get_feature_names_out", "get_covariance", "get_precision", "get_support", "log_marginal_likelihood",
    "reconstruction_error", "get_depth", "get_n_leaves", "get_stop_words", "build_analyzer",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Case:
    """One estimator: how to make it, what to fit it on, how to use it.

    Parameters
    ----------
    name : str
        Its key in the zoo: the class's name, with the variant in brackets.
    make : callable
        Returns a fresh unfitted estimator; `random_state` is then set to the seed wherever it is None.
    data : callable
        Seed -> the positional arguments of ``fit``; another seed is other data of the same kind.
    query : callable, optional
        Seed -> the argument of the using methods, where it isn't the first of `data`.
    not_used : tuple of str
        Methods of `USES` that the estimator has and that the data doesn't suit.
    learns : bool
        False: fitting keeps nothing of the data but its shape (a hasher, say), so that other data gives the same state.
    """

    name: str
    make: Callable[[], Any]
    data: Callable[[int], Data] = features
    query: Callable[[int], Any] | None = None
    not_used: tuple[str, ...] = field(default=())
    learns: bool = True

    def fresh(self, seed: int = 0) -> Any:
        """Return an unfitted estimator that nobody else holds."""
        with quiet():
            estimator = self.make()
        unset = {
            name: seed
            for name, value in estimator.get_params().items()
            if name.rpartition("__")[2] == "random_state" and value is None
        }
        if unset:
            estimator.set_params(**unset)
        return estimator

    def fit(self, estimator: Any, seed: int = 0) -> Any:
        with quiet():
            return estimator.fit(*self.data(seed))

    def fitted(self, seed: int = 0) -> Any:
        return self.fit(self.fresh(seed), seed)

    def use(self, estimator: Any) -> list[str]:
        """Call everything that uses `estimator`; return the names of what was called."""
        methods = [name for name in USES if name not in self.not_used and callable(getattr(estimator, name, None))]
        called = list(methods)
        first, *rest = self.data(0)
        X = self.query(0) if self.query is not None else first
        with quiet():
            for name in methods:
                result = _call(getattr(estimator, name), name, X, rest)
                if name == "transform" and "inverse_transform" not in self.not_used:
                    if hasattr(estimator, "inverse_transform"):
                        estimator.inverse_transform(result)
                        called.append("inverse_transform")
            # displaying is use too: since 1.9 the notebook display reads every public fitted property
            repr(estimator)
            if hasattr(estimator, "_repr_html_inner"):
                estimator._repr_html_inner()
        return called


def _call(method: Callable[..., Any], name: str, X: Any, rest: list[Any]) -> Any:
    if name == "sample":
        return method(3) if "n_samples" in inspect.signature(method).parameters else method()
    if name in _WITHOUT_DATA:
        return method()
    if name in ("score", "get_n_splits"):
        return method(X, *rest)
    if name == "staged_score":
        return list(method(X, *rest))
    if name.startswith("staged"):
        return list(method(X))
    return method(X)
