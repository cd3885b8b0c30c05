"""Locks of many kinds, and documents of them that are altered: for tests of the format and of damage to it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from holder import holding
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.documents.envelope import document_digest
from sklearn_normlock.locks.parts import FileDigest, Fitted
from sklearn_normlock.probes.outputs import outputs_of

RNG = np.random.RandomState(0)
X = RNG.normal(size=(40, 3)) * [1.0, 20.0, 0.3] + [5.0, 0.0, -2.0]
y = (X[:, 0] > 5).astype(int)
TABLE = np.column_stack([X, np.array(["Bonn", "Graz", "Ulm", "Linz"])[np.arange(40) % 4]]).astype(object)
TABLE[:, :3] = X
COUNTS = sparse.csr_matrix(RNG.poisson(0.7, size=(12, 4)).astype(float))


def pipeline() -> Pipeline:
    columns = ColumnTransformer(
        [("num", StandardScaler(), [0, 1, 2]), ("cat", OneHotEncoder(handle_unknown="ignore"), [3])]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # an older scikit-learn on a newer SciPy
        return make_pipeline(columns, LogisticRegression()).fit(TABLE, y)


def named() -> Any:
    import pandas as pd

    frame = pd.DataFrame(X[:, :2], columns=["age", "income"])
    frame["town"] = TABLE[:, 3].astype(str)
    columns = ColumnTransformer([("num", StandardScaler(), ["age", "income"]), ("cat", OneHotEncoder(), ["town"])])
    return make_pipeline(columns, KNeighborsClassifier()).fit(frame, np.where(y, "pays", "owes"))


def scaler() -> StandardScaler:
    return StandardScaler().fit(X)


def gaps() -> nl.Lock:
    """Return a lock with an output that is kept as sums, and is NaN in part."""
    lock = nl.lock(scaler())
    states = np.full((12, 40, 16), np.nan)
    states[:, :8] = 1.5
    return replace(lock, probes=(replace(lock.probes[0], outputs=tuple(outputs_of("", "transform", states))),))


@lru_cache(maxsize=1)
def locks() -> dict[str, nl.Lock]:
    """Return a lock of each kind, by name; among them every field that a lock can have."""
    file = FileDigest(sha256="5" * 64, size=12)
    values = {"inf_": np.array([np.inf, -np.inf, np.nan, -0.0, 5e-324]), "words_": np.array(["ä", "", "b"]), "z_": 1j}
    return {
        "scaler": nl.lock(scaler()).with_files({"scaler.skops": file}),
        "recorded": replace(
            nl.lock(scaler()),
            fitted={"": Fitted(versions=("0.24.2",), evidence="file", approved="recorded", recorded={"numpy": "1.19"})},
            trusted=("mine.Scaler",),
            beside={"": "the operators of its graph"},
        ),
        "pipeline": nl.lock(pipeline()),
        "rows": nl.lock(pipeline(), TABLE),
        "frame": nl.lock(named()),
        "sparse rows": nl.lock(TfidfTransformer().fit(COUNTS), COUNTS),
        "texts": nl.lock(make_pipeline(HashingVectorizer(n_features=256), TfidfTransformer()).fit(["a b", "b c"])),
        "bundle": nl.lock({"first": scaler(), "second": KNeighborsClassifier().fit(X, y)}).with_files(
            {"first.joblib": FileDigest(sha256="6" * 64, size=3, member="first")}
        ),
        "gaps": gaps(),
        "odd values": nl.lock(
            holding(np.arange(200_000.0), **values, complex_=np.array([1j]), days_=np.zeros(2, "M8[D]"))
        ),
    }


def sealed(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document whose digest is that of its content, whatever that is."""
    body = {key: value for key, value in document.items() if key != "digest"}
    return {**body, "digest": document_digest(body)}


OTHERS = (None, True, -1, 7, 1.5, "x", "", [], {}, [1], ["x"], {"a": 1}, 10**400)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where each value in a document stands; of a list the first two and the last."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for i in sorted({0, 1, len(value) - 1} & set(range(len(value)))):
            yield from places(value[i], (*path, i))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def malformed(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what was done, and the document: each field left out, of another type, or with an unknown one beside it."""
    for path in places(document):
        if path == ("digest",):
            continue
        old = at(document, path)
        if isinstance(path[-1], str):
            changed = copy.deepcopy(document)
            del at(changed, path[:-1])[path[-1]]
            yield f"{path} left out", changed
        for other in OTHERS:
            if type(other) is not type(old) or other != old:
                changed = copy.deepcopy(document)
                at(changed, path[:-1])[path[-1]] = other
                yield f"{path} is {str(other)[:20]!r}", changed
        if isinstance(old, dict):
            changed = copy.deepcopy(document)
            at(changed, path)["novelty"] = 1
            yield f"{path} has a novelty", changed
