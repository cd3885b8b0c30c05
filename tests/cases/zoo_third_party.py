"""The zoo's cases from other packages, each as far as its package is installed.

Their objects follow scikit-learn's conventions in part: state in compiled boosters, in private attributes, in objects of
their own. `Network` stands for the wrappers around deep-learning modules.
"""

# ruff: noqa: E501  (tables: one case a line)

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import zoo_case as data
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from zoo_case import Case


class Layer:
    """What a framework's module looks like from outside: not an estimator, its weights in a dict of its own."""

    def __init__(self, weights: Any, bias: Any) -> None:
        self.parameters = {"weights": weights, "bias": bias}
        self.children: list[Layer] = []

    def forward(self, X: Any) -> Any:
        for child in self.children:
            X = np.tanh(child.forward(X))
        return X @ self.parameters["weights"] + self.parameters["bias"]


class Network(ClassifierMixin, BaseEstimator):
    """An estimator around a module, as skorch has it."""

    def __init__(self, hidden: int = 3, random_state: int | None = None) -> None:
        self.hidden = hidden
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Network:
        rng = np.random.RandomState(self.random_state)
        self.classes_ = np.unique(y)
        first = Layer(rng.normal(size=(X.shape[1], self.hidden)), X.mean(axis=0)[: self.hidden])
        self.module_ = Layer(rng.normal(size=(self.hidden, len(self.classes_))), np.zeros(len(self.classes_)))
        self.module_.children.append(first)
        return self

    def predict(self, X: Any) -> Any:
        return self.classes_[self.module_.forward(X).argmax(axis=1)]


def _boosted(package: str, name: str, **kwargs: Any) -> Callable[[], Any]:
    def make() -> Any:
        module = __import__(package)
        return getattr(module, name)(n_estimators=3, n_jobs=1, **kwargs)

    return make


def _from(module: str, name: str, **kwargs: Any) -> Callable[[], Any]:
    """Return a maker that imports its package only when it is called."""

    def make() -> Any:
        from importlib import import_module

        return getattr(import_module(module), name)(**kwargs)

    return make


def _imblearn_pipeline() -> Any:
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.pipeline import Pipeline

    return Pipeline([("scale", StandardScaler()), ("over", RandomOverSampler()), ("clf", LogisticRegression())])


def _towns(seed: int = 0) -> data.Data:
    table, y = data.frame(seed)
    return table[["town"]], y


def _numbers(seed: int = 0) -> data.Data:
    return data.numeric_frame(seed)[:1]


def _number_gaps(seed: int = 0) -> data.Data:
    (table,) = _numbers(seed)
    return (table.mask(np.isnan(data.gaps(seed)[0])),)


def _table(seed: int = 0) -> data.Data:
    return data.frame(seed)[:1]


def _messages(seed: int = 0) -> data.Data:
    import pandas as pd

    return (pd.Series(data.texts(seed)[0], name="message"),)


#: (name, package, make, data, other fields of the case)
_ROWS: tuple[tuple[str, str, Callable[[], Any], Callable[[int], data.Data], dict[str, Any]], ...] = (
    ("Network", "sklearn", Network, data.named_classes, {}),
    ("imblearn.Pipeline", "imblearn", _imblearn_pipeline, data.unbalanced_classes, {"not_used": ("get_feature_names_out",)}),
    ("imblearn.RandomUnderSampler", "imblearn", _from("imblearn.under_sampling", "RandomUnderSampler"), data.unbalanced_classes, {}),
    ("imblearn.SMOTE", "imblearn", _from("imblearn.over_sampling", "SMOTE", k_neighbors=3), data.unbalanced_classes, {}),
    ("imblearn.EditedNearestNeighbours", "imblearn", _from("imblearn.under_sampling", "EditedNearestNeighbours"), data.unbalanced_classes, {}),
    ("imblearn.BalancedRandomForest", "imblearn", _from("imblearn.ensemble", "BalancedRandomForestClassifier", n_estimators=3), data.unbalanced_classes, {}),
    ("feature_engine.MeanMedianImputer", "feature_engine", _from("feature_engine.imputation", "MeanMedianImputer"), _number_gaps, {}),
    ("feature_engine.OneHotEncoder", "feature_engine", _from("feature_engine.encoding", "OneHotEncoder"), _towns, {"not_used": ("inverse_transform",)}),
    ("feature_engine.OrdinalEncoder", "feature_engine", _from("feature_engine.encoding", "OrdinalEncoder"), _towns, {}),
    ("feature_engine.RareLabelEncoder", "feature_engine", _from("feature_engine.encoding", "RareLabelEncoder", n_categories=2), _towns, {"not_used": ("inverse_transform",)}),
    ("feature_engine.EqualFrequencyDiscretiser", "feature_engine", _from("feature_engine.discretisation", "EqualFrequencyDiscretiser", q=3), _numbers, {}),
    ("feature_engine.Winsorizer", "feature_engine", _from("feature_engine.outliers", "Winsorizer"), _numbers, {}),
    ("feature_engine.YeoJohnson", "feature_engine", _from("feature_engine.transformation", "YeoJohnsonTransformer"), _numbers, {}),
    ("skrub.TableVectorizer", "skrub", _from("skrub", "TableVectorizer"), _table, {}),
    ("skrub.SquashingScaler", "skrub", _from("skrub", "SquashingScaler"), _numbers, {}),
    ("skrub.StringEncoder", "skrub", _from("skrub", "StringEncoder", n_components=3), _messages, {}),
    ("skrub.MinHashEncoder", "skrub", _from("skrub", "MinHashEncoder", n_components=4), _messages, {"learns": False}),
    ("skrub.GapEncoder", "skrub", _from("skrub", "GapEncoder", n_components=2, max_iter=2), _messages, {}),
    ("lightgbm.LGBMClassifier", "lightgbm", _boosted("lightgbm", "LGBMClassifier", min_child_samples=3, verbose=-1), data.named_classes, {}),
    ("lightgbm.LGBMRegressor", "lightgbm", _boosted("lightgbm", "LGBMRegressor", min_child_samples=3, verbose=-1), data.continuous, {}),
    ("xgboost.XGBClassifier", "xgboost", _boosted("xgboost", "XGBClassifier"), data.blobs, {}),
    ("xgboost.XGBRegressor", "xgboost", _boosted("xgboost", "XGBRegressor"), data.continuous, {}),
)  # fmt: skip

THIRD_PARTY: dict[str, Case] = {
    name: Case(name=name, make=make, data=maker, **fields)
    for name, package, make, maker, fields in _ROWS
    if find_spec(package) is not None
}
#: name -> the package that it would need
ABSENT = {name: package for name, package, *_ in _ROWS if name not in THIRD_PARTY}
