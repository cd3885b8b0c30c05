"""A table of changes to fitted objects: what is compared, and what is to be said of it."""

from __future__ import annotations

import copy
import pickle
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import joblib
import numpy as np
import pandas as pd
from holder import holding
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from spec_values import laid_out

import sklearn_normlock as nl
from sklearn_normlock import preprocessing as locked

NAMES = ["age", "income", "rate", "score"]
RNG = np.random.RandomState(7)
A = RNG.normal(size=(60, 4)) * [9.0, 8000.0, 0.07, 3.0] + [41.3, 51203.4, 0.31, 17.7]
Y = (A[:, 0] + RNG.normal(size=60) > 41).astype(int)
TOWNS = np.array(["Bonn", "Graz", "Ulm"], object)[np.arange(60) % 3][:, None]


def frame(array: Any = A, names: Any = NAMES) -> pd.DataFrame:
    return pd.DataFrame(array, columns=list(names))


def times(factor: Any, offset: Any = 0.0) -> pd.DataFrame:
    """Return the data in other units: a factor and an offset for each column, or for all."""
    return frame(A * np.broadcast_to(factor, 4) + np.broadcast_to(offset, 4))


def standard(X: Any = None) -> Any:
    return StandardScaler().fit(frame() if X is None else X)


def minmax(X: Any = None) -> Any:
    return MinMaxScaler().fit(frame() if X is None else X)


def pipe(**params: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # an older scikit-learn on a newer SciPy
        steps = [("impute", SimpleImputer()), ("scaler", StandardScaler()), ("model", LogisticRegression())]
        return Pipeline(steps).set_params(**params).fit(frame(), Y)


def columns(**params: Any) -> Any:
    table = ColumnTransformer(
        [("num", StandardScaler(), ["age", "income"]), ("rest", MinMaxScaler(), ["rate", "score"])]
    )
    return Pipeline([("preprocess", table)]).set_params(**params).fit(frame())


def edited(make: Callable[[], Any], *edits: tuple[str, Callable[[Any], Any]]) -> Callable[[], Any]:
    """Return what makes an object and sets attributes of it, by path, to what they become."""

    def made() -> Any:
        est = make()
        for path, change in edits:
            *owners, name = path.split(".")
            holder = est
            for owner in owners:
                holder = (
                    holder.named_steps[owner] if hasattr(holder, "named_steps") else holder.named_transformers_[owner]
                )
            setattr(holder, name, change(copy.deepcopy(getattr(holder, name))))
        return est

    return made


def put(at: Any, value: Any) -> Callable[[Any], Any]:
    def change(array: Any) -> Any:
        array[at] = value
        return array

    return change


def used(make: Callable[[], Any], use: Callable[[Any], Any]) -> Callable[[], Any]:
    def made() -> Any:
        est = make()
        result = use(est)
        return result if result is not None and hasattr(result, "get_params") else est

    return made


class Told(NamedTuple):
    """One expected change; a relation is its kind, with the factor where there is one."""

    path: str
    kind: str
    label: str = ""
    differing: int = 0
    relation: str | None = None
    factor: float | None = None


class Row(NamedTuple):
    before: Callable[[], Any]
    after: Callable[[], Any]


def grid() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, cv=2).fit(A, Y)


def neighbours() -> Any:
    return KNeighborsClassifier().fit(A, Y)


def towns(categories: Any = TOWNS) -> Any:
    return OneHotEncoder().fit(categories)


def words(texts: Any = ("one two three", "two three four five")) -> Any:
    return CountVectorizer().fit(texts)


ONE = [1, 1e-3, 1, 1]
COMPONENTS = np.array([[0.5, 0.1, 0.7, 0.2], [0.3, 0.9, 0.4, 0.6]])

CHANGED: dict[str, Row] = {
    # -- units
    "a column in thousands": Row(standard, lambda: standard(times(ONE))),
    "a column in thousands, min-max": Row(minmax, lambda: minmax(times(ONE))),
    "all columns x1000": Row(standard, lambda: standard(times(1000.0))),
    "inches in a column": Row(standard, lambda: standard(times([1 / 2.54, 1, 1, 1]))),
    "all columns in inches": Row(minmax, lambda: minmax(times(1 / 2.54))),
    "all columns x3": Row(lambda: MaxAbsScaler().fit(A), lambda: MaxAbsScaler().fit(A * 3)),
    "hours for days": Row(lambda: MaxAbsScaler().fit(A), lambda: MaxAbsScaler().fit(A * [1, 1, 1, 24.0])),
    "Fahrenheit in a column": Row(
        lambda: MaxAbsScaler().fit(A), lambda: MaxAbsScaler().fit(A * [1, 1, 1, 1.8] + [0, 0, 0, 32.0])
    ),
    "all in Fahrenheit": Row(lambda: MaxAbsScaler().fit(A), lambda: MaxAbsScaler().fit(A * 1.8 + 32)),
    "all in kelvin": Row(lambda: SimpleImputer().fit(A), lambda: SimpleImputer().fit(A + 273.15)),
    "kelvin in a column": Row(lambda: SimpleImputer().fit(A), lambda: SimpleImputer().fit(A + [0, 0, 0, 273.15])),
    "affine in all": Row(lambda: SimpleImputer().fit(A), lambda: SimpleImputer().fit(A * 2.5 + 7)),
    "shifted": Row(lambda: SimpleImputer().fit(A), lambda: SimpleImputer().fit(A + 7.25)),
    # -- order and sign
    "two columns swapped": Row(lambda: SimpleImputer().fit(A), lambda: SimpleImputer().fit(A[:, [1, 0, 2, 3]])),
    "columns rotated": Row(lambda: SimpleImputer().fit(A), lambda: SimpleImputer().fit(A[:, [1, 2, 3, 0]])),
    "sign flipped": Row(lambda: SimpleImputer().fit(A), lambda: SimpleImputer().fit(-A)),
    "a component's sign": Row(
        lambda: PCA(2).fit(A), edited(lambda: PCA(2).fit(A), ("components_", lambda a: a * [[1], [-1]]))
    ),
    "components in another order": Row(
        edited(lambda: PCA(2).fit(A), ("components_", lambda _: COMPONENTS)),
        edited(lambda: PCA(2).fit(A), ("components_", lambda _: COMPONENTS[::-1])),
    ),
    # -- rounding
    "round-off": Row(standard, edited(standard, ("mean_", lambda a: np.nextafter(a, 0)))),
    "round-off beside a change": Row(standard, edited(standard, ("mean_", lambda a: put(1, 50.0)(np.nextafter(a, 0))))),
    "rounded to float32": Row(standard, edited(standard, ("mean_", lambda a: a.astype("f4").astype("f8")))),
    "float32": Row(standard, edited(standard, ("mean_", lambda a: a.astype("f4")))),
    "integers as floats": Row(lambda: holding(np.arange(5)), lambda: holding(np.arange(5.0))),
    # -- refits
    "refitted on fewer rows": Row(standard, lambda: standard(frame(A[:50]))),
    "refitted on more rows": Row(standard, lambda: standard(frame(np.vstack([A, A[:7] + 1])))),
    "refitted in a pipeline": Row(pipe, used(pipe, lambda p: p["scaler"].fit(A[:30]) and None)),
    # -- no relation
    "an element": Row(standard, edited(standard, ("mean_", put(2, 0.5)))),
    "an element is three times as much": Row(standard, edited(standard, ("mean_", lambda a: a * [1, 1, 3, 1]))),
    "an element by a millionth": Row(standard, edited(standard, ("mean_", lambda a: a * [1, 1, 1 + 1e-6, 1]))),
    "a sign among others": Row(standard, edited(standard, ("mean_", lambda a: a * [-1, 1.3, 1, 1]))),
    "an element shifted": Row(standard, edited(standard, ("mean_", lambda a: a + [0, 0, 0, 2.2]))),
    "two elements, two factors": Row(standard, edited(standard, ("scale_", lambda a: a * [1, 2, 5, 1]))),
    "a zero": Row(standard, edited(standard, ("mean_", put(0, 0.0)))),
    "a NaN": Row(standard, edited(standard, ("mean_", put(0, np.nan)))),
    "a parameter": Row(standard, edited(standard, ("with_mean", lambda _: False))),
    "a parameter ten times as large": Row(pipe, edited(pipe, ("model.C", lambda _: 10.0))),
    "a number of bins": Row(
        lambda: KBinsDiscretizer(4, encode="ordinal", strategy="uniform", subsample=None).fit(A),
        lambda: KBinsDiscretizer(5, encode="ordinal", strategy="uniform", subsample=None).fit(A),
    ),
    "a strategy": Row(
        lambda: SimpleImputer(strategy="mean").fit(frame()), lambda: SimpleImputer(strategy="median").fit(frame())
    ),
    "a function": Row(lambda: FunctionTransformer(np.log1p).fit(A), lambda: FunctionTransformer(np.log10).fit(A)),
    "a class": Row(standard, lambda: RobustScaler().fit(frame())),
    "a step's class": Row(pipe, used(pipe, lambda p: p.steps.__setitem__(1, ("scaler", MaxAbsScaler().fit(A))))),
    "a step less": Row(pipe, used(pipe, lambda p: p.steps.pop(0) and None)),
    "a step more": Row(columns, used(columns, lambda p: p.steps.append(("pca", PCA(2).fit(A))))),
    "a step with another name": Row(columns, used(columns, lambda p: p.steps.__setitem__(0, ("pre", p[0])))),
    "a model from another training": Row(pipe, edited(pipe, ("model.coef_", lambda a: a + [[0.5, -0.2, 0.1, 0.3]]))),
    "a category": Row(towns, lambda: towns(np.array([["Bonn"], ["Graz"], ["Linz"]], object))),
    "a category more": Row(towns, lambda: towns(np.vstack([TOWNS, [["Wien"]]]))),
    "categories in another order": Row(
        lambda: OrdinalEncoder(categories=[list("abcde")]).fit([["a"]]),
        lambda: OrdinalEncoder(categories=[list("abdce")]).fit([["a"]]),
    ),
    "a vocabulary": Row(words, lambda: words(("one two", "three four six"))),
    "a feature renamed": Row(standard, lambda: standard(frame(names=["age", "salary", "rate", "score"]))),
    "features in another order": Row(standard, lambda: standard(frame()[["income", "age", "rate", "score"]])),
    "a width": Row(lambda: standard(A), lambda: standard(A[:, :3])),
    "a large array in thousands": Row(
        lambda: holding(np.linspace(1, 9, 2000)), lambda: holding(np.linspace(1, 9, 2000) / 1000)
    ),
    "a place in a very large array": Row(
        lambda: holding(np.arange(300_000) % 777),
        lambda: holding(put([150_000, 150_001], [5, 6])(np.arange(300_000) % 777)),
    ),
    "a step's mean in a table": Row(columns, edited(columns, ("preprocess.num.mean_", put(1, 51.2034)))),
    "quantiles": Row(
        lambda: QuantileTransformer(n_quantiles=5).fit(A), lambda: QuantileTransformer(n_quantiles=5).fit(A[:40])
    ),
}

#: Nothing that counts differs.
SAME: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "fitted again": (standard, standard),
    "a pipeline fitted again": (pipe, pipe),
    "a table fitted again": (columns, columns),
    "cloned and fitted": (pipe, lambda: clone(pipe()).fit(frame(), Y)),
    "pickled": (pipe, lambda: pickle.loads(pickle.dumps(pipe()))),
    "copied": (columns, lambda: copy.deepcopy(columns())),
    "a hash of joblib": (standard, used(standard, lambda s: joblib.hash(s) and None)),
    "n_jobs": (
        lambda: RandomForestClassifier(3, random_state=0).fit(A, Y),
        used(lambda: RandomForestClassifier(3, random_state=0).fit(A, Y), lambda f: f.set_params(n_jobs=2)),
    ),
    "verbose": (pipe, used(pipe, lambda p: p.set_params(verbose=True))),
    "memory": (pipe, used(pipe, lambda p: p.set_params(memory="cache"))),
    "the output container": (columns, used(columns, lambda p: p.set_output(transform="pandas"))),
    "use": (pipe, used(pipe, lambda p: p.predict_proba(frame()) is None)),
    "neighbours used": (neighbours, used(neighbours, lambda k: k.kneighbors(A[:9]) is None)),
    "times of a search": (grid, grid),
    "Fortran order": (
        lambda: PCA(3).fit(A),
        edited(lambda: PCA(3).fit(A), ("components_", lambda a: laid_out(a, "fortran"))),
    ),
    "byte order": (standard, edited(standard, ("mean_", lambda a: laid_out(a, "big-endian")))),
    "strides": (
        lambda: PCA(3).fit(A),
        edited(lambda: PCA(3).fit(A), ("components_", lambda a: laid_out(a, "strided"))),
    ),
    "read-only": (standard, edited(standard, ("mean_", lambda a: laid_out(a, "read-only")))),
    "order of a vocabulary": (words, edited(words, ("vocabulary_", lambda d: dict(reversed(d.items()))))),
    "what a tool wrote": (standard, used(standard, lambda s: setattr(s, "_mlflow_run_id", "a4f0"))),
    "the drop-in": (standard, lambda: locked.StandardScaler().fit(frame())),
    "a template fitted": (columns, used(columns, lambda p: p[0].transformers[0][1].fit(A) and None)),
    "a very large array in another order of bytes": (
        lambda: holding(np.random.RandomState(0).rand(300_000)),
        lambda: holding(laid_out(np.random.RandomState(0).rand(300_000), "big-endian")),
    ),
    "steps of make_pipeline": (
        lambda: make_pipeline(StandardScaler(), PCA(2)).fit(A),
        lambda: Pipeline([("standardscaler", StandardScaler()), ("pca", PCA(2))]).fit(A),
    ),
}


#: What is to be told of each, the worst first.
TOLD: dict[str, list[Told]] = {
    "a column in thousands": [
        Told("var_", "elements", label='["income"]', differing=1, relation="scaled", factor=1e-06),
        Told("mean_", "elements", label='["income"]', differing=1, relation="scaled", factor=0.001),
        Told("scale_", "elements", label='["income"]', differing=1, relation="scaled", factor=0.001),
    ],
    "a column in thousands, min-max": [
        Told("data_max_", "elements", label='["income"]', differing=1, relation="scaled", factor=0.001),
        Told("data_min_", "elements", label='["income"]', differing=1, relation="scaled", factor=0.001),
        Told("data_range_", "elements", label='["income"]', differing=1, relation="scaled", factor=0.001),
        Told("scale_", "elements", label='["income"]', differing=1, relation="scaled", factor=1000.0),
        Told("min_", "elements", label='["income"]', differing=1, relation="round-off"),
    ],
    "all columns x1000": [
        Told("var_", "elements", label='["age"]', differing=4, relation="scaled", factor=1000000.0),
        Told("mean_", "elements", label='["age"]', differing=4, relation="scaled", factor=1000.0),
        Told("scale_", "elements", label='["age"]', differing=4, relation="scaled", factor=1000.0),
    ],
    "inches in a column": [
        Told("var_", "elements", label='["age"]', differing=1),
        Told("mean_", "elements", label='["age"]', differing=1, relation="scaled", factor=0.393700787),
        Told("scale_", "elements", label='["age"]', differing=1, relation="scaled", factor=0.393700787),
    ],
    "all columns in inches": [
        Told("data_max_", "elements", label='["age"]', differing=4, relation="scaled", factor=0.393700787),
        Told("data_min_", "elements", label='["age"]', differing=4, relation="scaled", factor=0.393700787),
        Told("data_range_", "elements", label='["age"]', differing=4, relation="scaled", factor=0.393700787),
        Told("scale_", "elements", label='["age"]', differing=4, relation="scaled", factor=2.54),
        Told("min_", "elements", label='["age"]', differing=3, relation="round-off"),
    ],
    "all columns x3": [
        Told("max_abs_", "elements", label="[0]", differing=4, relation="scaled", factor=3.0),
        Told("scale_", "elements", label="[0]", differing=4, relation="scaled", factor=3.0),
    ],
    "hours for days": [
        Told("max_abs_", "elements", label="[3]", differing=1, relation="scaled", factor=24.0),
        Told("scale_", "elements", label="[3]", differing=1, relation="scaled", factor=24.0),
    ],
    "Fahrenheit in a column": [
        Told("max_abs_", "elements", label="[3]", differing=1, relation="affine", factor=1.8),
        Told("scale_", "elements", label="[3]", differing=1, relation="affine", factor=1.8),
    ],
    "all in Fahrenheit": [
        Told("max_abs_", "elements", label="[2]", differing=4, relation="affine", factor=1.8),
        Told("scale_", "elements", label="[2]", differing=4, relation="affine", factor=1.8),
    ],
    "all in kelvin": [
        Told("statistics_", "elements", label="[2]", differing=4, relation="affine", factor=1.0),
    ],
    "kelvin in a column": [
        Told("statistics_", "elements", label="[3]", differing=1, relation="affine", factor=1.0),
    ],
    "affine in all": [
        Told("statistics_", "elements", label="[2]", differing=4, relation="affine", factor=2.5),
    ],
    "shifted": [
        Told("statistics_", "elements", label="[2]", differing=4, relation="shifted", factor=1.0),
    ],
    "two columns swapped": [
        Told("statistics_", "elements", label="[0]", differing=2, relation="permuted"),
    ],
    "columns rotated": [
        Told("statistics_", "elements", label="[1]", differing=4, relation="permuted"),
    ],
    "sign flipped": [
        Told("statistics_", "elements", label="[0]", differing=4, relation="negated", factor=-1.0),
    ],
    "a component's sign": [
        Told("components_", "elements", label="[1, 0]", differing=4, relation="negated", factor=-1.0),
    ],
    "components in another order": [
        Told("components_", "elements", label="[0, 1]", differing=8, relation="permuted"),
    ],
    "round-off": [
        Told("mean_", "elements", label='["age"]', differing=4, relation="round-off"),
    ],
    "round-off beside a change": [
        Told("mean_", "elements", label='["income"]', differing=1),
    ],
    "rounded to float32": [
        Told("mean_", "elements", label='["score"]', differing=4, relation="float32"),
    ],
    "float32": [
        Told("mean_", "dtype", relation="float32"),
    ],
    "integers as floats": [
        Told("held_", "dtype", relation="cast"),
    ],
    "refitted on fewer rows": [
        Told("var_", "elements", label='["score"]', differing=4),
        Told("scale_", "elements", label='["score"]', differing=4),
        Told("mean_", "elements", label='["income"]', differing=4),
        Told("n_samples_seen_", "value", relation="refitted"),
    ],
    "refitted on more rows": [
        Told("var_", "elements", label='["rate"]', differing=4),
        Told("scale_", "elements", label='["rate"]', differing=4),
        Told("mean_", "elements", label='["rate"]', differing=4),
        Told("n_samples_seen_", "value", relation="refitted"),
    ],
    "refitted in a pipeline": [
        Told("scaler.var_", "elements", label='["score"]', differing=4),
        Told("scaler.scale_", "elements", label='["score"]', differing=4),
        Told("scaler.mean_", "elements", label='["age"]', differing=4),
        Told("scaler.n_samples_seen_", "value", relation="refitted"),
    ],
    "an element": [
        Told("mean_", "elements", label='["rate"]', differing=1),
    ],
    "an element is three times as much": [
        Told("mean_", "elements", label='["rate"]', differing=1),
    ],
    "an element by a millionth": [
        Told("mean_", "elements", label='["rate"]', differing=1),
    ],
    "a sign among others": [
        Told("mean_", "elements", label='["age"]', differing=2),
    ],
    "an element shifted": [
        Told("mean_", "elements", label='["score"]', differing=1),
    ],
    "two elements, two factors": [
        Told("scale_", "elements", label='["rate"]', differing=2),
    ],
    "a zero": [
        Told("mean_", "elements", label='["age"]', differing=1),
    ],
    "a NaN": [
        Told("mean_", "elements", label='["age"]', differing=1),
    ],
    "a parameter": [
        Told("with_mean", "value"),
    ],
    "a parameter ten times as large": [
        Told("model.C", "value"),
    ],
    "a number of bins": [
        Told("n_bins", "value"),
        Told("bin_edges_[0]", "shape"),
        Told("bin_edges_[1]", "shape"),
        Told("bin_edges_[2]", "shape"),
        Told("bin_edges_[3]", "shape"),
        Told("n_bins_", "elements", label="[0]", differing=4, relation="scaled", factor=1.25),
    ],
    "a strategy": [
        Told("strategy", "value"),
        Told("statistics_", "elements", label='["rate"]', differing=4),
    ],
    "a function": [
        Told("func", "value"),
    ],
    "a class": [
        Told("", "class"),
    ],
    "a step's class": [
        Told("scaler", "class"),
    ],
    "a step less": [
        Told("steps", "value"),
        Told("impute", "removed"),
    ],
    "a step more": [
        Told("steps", "value"),
        Told("pca", "added"),
    ],
    "a step with another name": [
        Told("steps", "value"),
        Told("preprocess", "removed"),
        Told("pre", "added"),
    ],
    "a model from another training": [
        Told("model.coef_", "elements", label='["score"]', differing=4),
    ],
    "a category": [
        Told("categories_[0]", "value"),
    ],
    "a category more": [
        Told("_n_features_outs", "value"),
        Told("categories_[0]", "value"),
    ],
    "categories in another order": [
        Told("categories", "value"),
        Told("categories_[0]", "elements", label="[2]", differing=2, relation="permuted"),
    ],
    "a vocabulary": [
        Told("vocabulary_", "value"),
    ],
    "a feature renamed": [
        Told("feature_names_in_", "elements", label="[1]", differing=1),
    ],
    "features in another order": [
        Told("feature_names_in_", "elements", label="[0]", differing=2, relation="permuted"),
        Told("var_", "elements", label='["age"]', differing=2, relation="permuted"),
        Told("mean_", "elements", label='["age"]', differing=2, relation="permuted"),
        Told("scale_", "elements", label='["age"]', differing=2, relation="permuted"),
    ],
    "a width": [
        Told("mean_", "shape"),
        Told("scale_", "shape"),
        Told("var_", "shape"),
        Told("n_features_in_", "value"),
    ],
    "a large array in thousands": [
        Told("held_", "elements"),
    ],
    "a place in a very large array": [
        Told("held_", "elements"),
    ],
    "a step's mean in a table": [
        Told("preprocess.num.mean_", "elements", label='["income"]', differing=1),
    ],
    "quantiles": [
        Told("quantiles_", "elements", label="[0, 0]", differing=14),
    ],
}


@cache
def states(name: str) -> tuple[Any, Any]:
    """Return the two records of a row, as locks hold them."""
    before, after = CHANGED[name][:2] if name in CHANGED else SAME[name]
    return nl.lock(before()).state, nl.lock(after()).state


def told(changes: Any) -> list[Told]:
    """Return changes as the table has them."""
    return [
        Told(
            change.path,
            change.kind.value,
            change.label,
            change.differing,
            None if change.relation is None else change.relation.kind,
            None
            if change.relation is None or change.relation.factor is None
            else float(f"{change.relation.factor:.9g}"),
        )
        for change in changes
    ]
