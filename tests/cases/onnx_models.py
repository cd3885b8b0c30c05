"""Pipelines that are converted to ONNX: what is fitted, on which rows, and how each is exported."""

# ruff: noqa: E501  (a table: one model a line)

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn import (
    cluster,
    compose,
    decomposition,
    ensemble,
    feature_selection,
    impute,
    linear_model,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
    tree,
)


class Model(NamedTuple):
    name: str
    est: Any
    X: Any
    y: Any


def _data() -> dict[str, tuple[Any, Any]]:
    rng = np.random.default_rng(0)
    plain = rng.normal(size=(300, 4)) * [1.0, 2.0, 0.5, 1.0] + [0.0, 1.0, -2.0, 5.0]
    label = ((plain[:, 0] + 0.5 * plain[:, 1] + rng.normal(size=300) * 0.3) > 0.5).astype(int)
    zeros = plain.copy()
    zeros[:20] = 0.0  # at the threshold of a Binarizer
    holes = plain.copy()
    holes[rng.random(plain.shape) < 0.1] = np.nan
    return {
        "plain": (plain, label),
        "zeros": (zeros, label),
        "far": (1e6 + plain, label),  # float32 holds sixteenths of it
        "offset": (1e3 + plain, label),
        "holes": (holes, label),
        "positive": (np.abs(plain) + 0.1, label),
        "whole": (rng.integers(0, 6, size=(300, 3)).astype(float), label),
        "value": (plain, plain[:, 0] * 3 + plain[:, 2] + rng.normal(size=300) * 0.1),
        "far value": (1e6 + plain, plain[:, 0] * 3 + plain[:, 2]),
    }


def models() -> list[Model]:
    """Return the table, unfitted."""
    p, e, lm = preprocessing, ensemble, linear_model

    def pipe(*steps: Any) -> Any:
        return pipeline.make_pipeline(*steps)

    def columns(*names: Any) -> Any:
        return compose.ColumnTransformer(list(names))

    logistic = lm.LogisticRegression
    rows: list[tuple[str, Any]] = [
        ("plain", p.StandardScaler()),
        ("far", p.StandardScaler()),
        ("offset", p.StandardScaler()),
        ("plain", p.MinMaxScaler()),
        ("far", p.MinMaxScaler()),
        ("plain", p.MaxAbsScaler()),
        ("plain", p.RobustScaler()),
        ("far", p.RobustScaler()),
        ("plain", p.Normalizer()),
        ("zeros", p.Binarizer()),
        ("whole", p.Binarizer(threshold=2.0)),
        ("plain", p.KBinsDiscretizer(4, encode="ordinal")),
        ("plain", p.KBinsDiscretizer(4, encode="onehot-dense", strategy="uniform")),
        ("plain", p.PolynomialFeatures(2)),
        ("positive", p.PowerTransformer()),
        ("positive", p.PowerTransformer(method="box-cox")),
        ("plain", p.QuantileTransformer(n_quantiles=50)),
        ("whole", p.OneHotEncoder(handle_unknown="ignore", sparse_output=False)),
        ("whole", p.OrdinalEncoder()),
        ("holes", impute.SimpleImputer()),
        ("holes", impute.SimpleImputer(strategy="most_frequent")),
        ("plain", decomposition.PCA(2)),
        ("plain", decomposition.TruncatedSVD(2)),
        ("far", decomposition.PCA(2)),
        ("plain", feature_selection.SelectKBest(k=2)),
        ("plain", feature_selection.VarianceThreshold(0.5)),
        ("plain", cluster.KMeans(3, random_state=0, n_init=1)),
        ("plain", pipe(p.StandardScaler(), logistic())),
        ("far", pipe(p.StandardScaler(), logistic())),
        ("holes", pipe(impute.SimpleImputer(), p.StandardScaler(), logistic())),
        ("plain", pipe(p.MinMaxScaler(), decomposition.PCA(2), logistic())),
        ("value", pipe(p.StandardScaler(), lm.Ridge())),
        ("far value", pipe(p.StandardScaler(), lm.Ridge())),
        ("value", pipe(p.PolynomialFeatures(2), p.StandardScaler(), lm.Lasso(0.01))),
        ("plain", tree.DecisionTreeClassifier(random_state=0)),
        ("whole", tree.DecisionTreeClassifier(random_state=0)),
        ("plain", pipe(p.StandardScaler(), tree.DecisionTreeClassifier(random_state=0))),
        ("far", pipe(p.StandardScaler(), tree.DecisionTreeClassifier(random_state=0))),
        ("plain", e.RandomForestClassifier(20, random_state=0)),
        ("plain", pipe(p.StandardScaler(), e.RandomForestClassifier(20, random_state=0))),
        ("value", e.RandomForestRegressor(20, random_state=0)),
        ("value", e.GradientBoostingRegressor(n_estimators=20, random_state=0)),
        ("plain", e.GradientBoostingClassifier(n_estimators=20, random_state=0)),
        ("value", e.HistGradientBoostingRegressor(max_iter=10)),
        ("plain", e.ExtraTreesClassifier(10, random_state=0)),
        ("plain", pipe(p.StandardScaler(), svm.SVC())),
        ("value", pipe(p.StandardScaler(), svm.SVR())),
        ("plain", pipe(p.StandardScaler(), svm.LinearSVC())),
        ("plain", pipe(p.StandardScaler(), neighbors.KNeighborsClassifier(3))),
        ("value", pipe(p.StandardScaler(), neighbors.KNeighborsRegressor(3))),
        ("plain", naive_bayes.GaussianNB()),
        ("plain", pipe(p.StandardScaler(), neural_network.MLPClassifier((8,), max_iter=50, random_state=0))),
        ("plain", pipe(columns(("a", p.StandardScaler(), [0, 1]), ("b", p.MinMaxScaler(), [2, 3])), logistic())),
        ("far", pipe(columns(("a", p.StandardScaler(), [0, 1]), ("b", p.MinMaxScaler(), [2, 3])), logistic())),
        ("plain", pipeline.make_union(p.StandardScaler(), decomposition.PCA(2))),
        ("plain", pipe(p.KBinsDiscretizer(5, encode="ordinal"), logistic())),
        ("plain", pipe(p.StandardScaler(), p.KBinsDiscretizer(5, encode="ordinal"), logistic())),
        ("plain", pipe(p.QuantileTransformer(n_quantiles=50), logistic())),
        ("plain", e.StackingClassifier([("a", pipe(p.StandardScaler(), logistic())), ("b", tree.DecisionTreeClassifier(max_depth=2))])),
        ("plain", e.VotingClassifier([("a", pipe(p.StandardScaler(), logistic())), ("b", naive_bayes.GaussianNB())], voting="soft")),
    ]  # fmt: skip
    data = _data()
    return [Model(f"{i:02d} {name} {est.__class__.__name__}", est, *data[name]) for i, (name, est) in enumerate(rows)]
