"""The zoo's cases of estimators that need arguments, and the helpers that make them."""

# ruff: noqa: E501  (tables: one case a line)

from __future__ import annotations

from typing import Any

import numpy as np
import zoo_case as data
from sklearn import compose, ensemble, feature_selection, impute, multioutput
from sklearn import linear_model as lm
from sklearn import model_selection as ms
from sklearn import preprocessing as pp
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA, SparseCoder
from sklearn.experimental import (  # noqa: F401  (the import is what makes them available)
    enable_halving_search_cv,
    enable_iterative_imputer,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.discovery import all_estimators
from zoo_case import Case

_INSTALLED = {name for name, _ in all_estimators()}


def halve(X: Any, by: float = 2.0) -> Any:
    """Stand in for a user's own function, importable by name."""
    return X / by


def taxicab(a: Any, b: Any) -> float:
    """Stand in for a user's own metric."""
    return float(np.abs(a - b).sum())


def linear_gram(A: Any, B: Any) -> Any:
    """Stand in for a user's own kernel."""
    return A @ B.T


def tree(**kwargs: Any) -> DecisionTreeClassifier:
    return DecisionTreeClassifier(max_depth=3, **kwargs)


def votes() -> list[tuple[str, Any]]:
    return [("tree", tree()), ("bayes", GaussianNB())]


def _regressors() -> list[tuple[str, Any]]:
    return [("tree", DecisionTreeRegressor(max_depth=3)), ("ridge", lm.Ridge())]


def columns(**kwargs: Any) -> compose.ColumnTransformer:
    return compose.ColumnTransformer(
        [("scale", pp.StandardScaler(), [0, 2]), ("bins", pp.KBinsDiscretizer(n_bins=3, **kwargs), [1])],
        remainder="passthrough",
    )


def bin_options() -> dict[str, Any]:
    # 1.7 warns unless the method of quantiles is chosen; older versions don't have the choice
    has = "quantile_method" in pp.KBinsDiscretizer().get_params()
    return {"quantile_method": "averaged_inverted_cdf"} if has else {}


def mixed_columns() -> compose.ColumnTransformer:
    return compose.ColumnTransformer(
        [
            (
                "num",
                make_pipeline(impute.SimpleImputer(), pp.StandardScaler()),
                compose.make_column_selector("^[airs]"),
            ),
            ("town", pp.OneHotEncoder(handle_unknown="ignore"), ["town"]),
        ]
    )


def _halving(search: str) -> Any:
    kind = getattr(ms, search)  # absent until experimental's import above
    return kind(tree(), {"max_depth": [1, 2, 3]}, cv=3, factor=2, min_resources=18)


def _frozen() -> Any:
    from sklearn.frozen import FrozenEstimator

    return FrozenEstimator(pp.StandardScaler().fit(*data.features()))


def _threshold(name: str, **kwargs: Any) -> Any:
    return getattr(ms, name)(lm.LogisticRegression(), **kwargs)


def cases(*cases: tuple[Any, ...]) -> dict[str, Case]:
    """Rows of (name, make, data[, other fields]); a row whose class the installed version lacks is dropped."""
    table: dict[str, Case] = {}
    for name, make, maker, *rest in cases:
        if name.partition("[")[0] in _INSTALLED:
            if name in table:
                raise ValueError(f"two cases are called {name}")
            table[name] = Case(name=name, make=make, data=maker, **(rest[0] if rest else {}))
    return table


META: dict[str, Case] = cases(
    ("BaggingClassifier", lambda: ensemble.BaggingClassifier(tree(), n_estimators=3, oob_score=True), data.blobs),
    ("CalibratedClassifierCV", lambda: CalibratedClassifierCV(GaussianNB(), cv=3), data.blobs),
    ("ClassifierChain", lambda: multioutput.ClassifierChain(tree(), order="random", random_state=3), data.two_labels),
    ("ColumnTransformer", lambda: columns(**bin_options()), data.features),
    ("FeatureUnion", lambda: FeatureUnion([("pca", PCA(2)), ("scale", pp.MinMaxScaler())]), data.features),
    ("FixedThresholdClassifier", lambda: _threshold("FixedThresholdClassifier", threshold=0.4), data.binary),
    ("FrozenEstimator", _frozen, data.blobs, {"learns": False}),
    ("FunctionTransformer", lambda: pp.FunctionTransformer(np.log1p, np.expm1), data.positive_features, {"learns": False}),
    ("GridSearchCV", lambda: ms.GridSearchCV(tree(), {"max_depth": [1, 2]}, cv=3), data.blobs),
    ("HalvingGridSearchCV", lambda: _halving("HalvingGridSearchCV"), data.blobs),
    ("HalvingRandomSearchCV", lambda: _halving("HalvingRandomSearchCV"), data.blobs),
    ("KBinsDiscretizer", lambda: pp.KBinsDiscretizer(3, **bin_options()), data.features),
    ("MultiOutputClassifier", lambda: multioutput.MultiOutputClassifier(tree()), data.two_labels),
    ("MultiOutputRegressor", lambda: multioutput.MultiOutputRegressor(lm.Ridge()), data.two_targets),
    ("OneVsOneClassifier", lambda: OneVsOneClassifier(LinearSVC()), data.named_classes),
    ("OneVsRestClassifier", lambda: OneVsRestClassifier(lm.LogisticRegression()), data.named_classes),
    ("OutputCodeClassifier", lambda: OutputCodeClassifier(tree(), code_size=2), data.named_classes),
    ("Pipeline", lambda: Pipeline([("scale", pp.StandardScaler()), ("clf", lm.LogisticRegression())]), data.blobs, {"not_used": ("get_feature_names_out",)}),
    ("RFE", lambda: feature_selection.RFE(lm.LogisticRegression(), n_features_to_select=2), data.blobs),
    ("RFECV", lambda: feature_selection.RFECV(tree(), cv=3), data.blobs),
    ("RandomizedSearchCV", lambda: ms.RandomizedSearchCV(tree(), {"max_depth": [1, 2, 3]}, n_iter=2, cv=3), data.blobs),
    ("RegressorChain", lambda: multioutput.RegressorChain(lm.Ridge(), order=[1, 0]), data.two_targets),
    ("SelectFromModel", lambda: feature_selection.SelectFromModel(lm.Lasso(0.01)), data.continuous),
    ("SelfTrainingClassifier", lambda: SelfTrainingClassifier(GaussianNB()), data.partly_labelled),
    (
        "SequentialFeatureSelector",
        lambda: feature_selection.SequentialFeatureSelector(tree(), n_features_to_select=2, cv=3),
        lambda seed: data.blobs(2 * seed),  # seeds 0 and 1 select the same features
    ),
    # a random dictionary that doesn't depend on the fit's data
    ("SparseCoder", lambda: SparseCoder(data.features(7)[0]), data.features, {"learns": False}),
    ("StackingClassifier", lambda: ensemble.StackingClassifier(votes(), cv=3), data.named_classes),
    ("StackingRegressor", lambda: ensemble.StackingRegressor(_regressors(), cv=3), data.continuous),
    ("TransformedTargetRegressor", lambda: compose.TransformedTargetRegressor(lm.Ridge(), transformer=pp.StandardScaler()), data.continuous),
    ("TunedThresholdClassifierCV", lambda: _threshold("TunedThresholdClassifierCV", cv=3), data.binary),
    ("VotingClassifier", lambda: ensemble.VotingClassifier(votes(), voting="soft"), data.named_classes),
    ("VotingRegressor", lambda: ensemble.VotingRegressor(_regressors()), data.continuous),
)  # fmt: skip
