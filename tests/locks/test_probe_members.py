"""A probe sees what a member of a meta-estimator does: at its numbers, at any depth."""

# ruff: noqa: E501  (tables: one case a line)

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import zoo_case as data
from sklearn import compose, ensemble, feature_selection, linear_model, model_selection, multiclass, multioutput
from sklearn.calibration import CalibratedClassifierCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import LinearSVC

from sklearn_normlock.probes.probing import probes_of, replay
from sklearn_normlock.probes.statistics import known_columns
from sklearn_normlock.probes.synthesis import rows_for

TEMPLATES = {"estimator", "estimators", "regressor", "base_estimator", "final_estimator"}
CENTRE, SCALE = np.array([1000.0, -50.0, 3e5, 0.02]), np.array([10.0, 1.0, 5e3, 1e-3])


def far(maker: Callable[..., Any]) -> Callable[[], Any]:
    """Return a maker of data that lie nowhere near the generic rows."""

    def made() -> Any:
        X, *rest = maker()
        return (StandardScaler().fit_transform(X) * SCALE + CENTRE, *rest)

    return made


def scaled(model: Any = None) -> Any:
    return make_pipeline(StandardScaler(), linear_model.LogisticRegression() if model is None else model)


def ridge() -> Any:
    return scaled(linear_model.Ridge())


def search(**kwargs: Any) -> Any:
    return model_selection.GridSearchCV(scaled(), {"logisticregression__C": [0.1, 1.0]}, cv=3, **kwargs)


META: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "AdaBoostRegressor": (lambda: ensemble.AdaBoostRegressor(ridge(), n_estimators=1, random_state=0), data.continuous),
    "BaggingClassifier": (lambda: ensemble.BaggingClassifier(scaled(), n_estimators=2, random_state=0), data.blobs),
    "BaggingClassifier of some columns": (lambda: ensemble.BaggingClassifier(scaled(), n_estimators=4, max_features=0.5, random_state=0), data.blobs),
    "BaggingRegressor": (lambda: ensemble.BaggingRegressor(ridge(), n_estimators=2, random_state=0), data.continuous),
    "CalibratedClassifierCV": (lambda: CalibratedClassifierCV(scaled(), cv=3), data.blobs),
    "ClassifierChain": (lambda: multioutput.ClassifierChain(scaled(), order=[1, 0]), data.two_labels),
    "RegressorChain": (lambda: multioutput.RegressorChain(ridge()), data.two_targets),
    "ColumnTransformer, model": (lambda: make_pipeline(compose.ColumnTransformer([("s", StandardScaler(), [0, 1, 2, 3])]), linear_model.LogisticRegression()), data.blobs),
    "FeatureUnion, model": (lambda: make_pipeline(FeatureUnion([("s", StandardScaler())]), linear_model.LogisticRegression()), data.blobs),
    "FixedThresholdClassifier": (lambda: model_selection.FixedThresholdClassifier(scaled(), threshold=0.4), data.binary),
    "GridSearchCV": (search, data.blobs),
    "GridSearchCV in a vote": (lambda: ensemble.VotingClassifier([("a", search()), ("b", scaled())], voting="soft"), data.blobs),
    "RandomizedSearchCV": (lambda: model_selection.RandomizedSearchCV(scaled(), {"logisticregression__C": [0.1, 1.0]}, n_iter=1, cv=3, random_state=0), data.blobs),
    "MultiOutputClassifier": (lambda: multioutput.MultiOutputClassifier(scaled()), data.two_labels),
    "MultiOutputClassifier of labels alone": (lambda: multioutput.MultiOutputClassifier(scaled(LinearSVC())), data.two_labels),
    "MultiOutputRegressor": (lambda: multioutput.MultiOutputRegressor(ridge()), data.two_targets),
    "OneVsOneClassifier": (lambda: multiclass.OneVsOneClassifier(scaled()), data.named_classes),
    "OneVsRestClassifier": (lambda: multiclass.OneVsRestClassifier(scaled()), data.named_classes),
    "OutputCodeClassifier": (lambda: multiclass.OutputCodeClassifier(scaled(), random_state=0), data.named_classes),
    "RANSACRegressor": (lambda: linear_model.RANSACRegressor(ridge(), min_samples=20, random_state=0), data.continuous),
    "RFE": (lambda: feature_selection.RFE(scaled(), n_features_to_select=3, importance_getter="named_steps.logisticregression.coef_"), data.blobs),
    "RFECV": (lambda: feature_selection.RFECV(scaled(), cv=3, importance_getter="named_steps.logisticregression.coef_"), data.blobs),
    "SelfTrainingClassifier": (lambda: SelfTrainingClassifier(scaled()), data.partly_labelled),
    "StackingClassifier": (lambda: ensemble.StackingClassifier([("a", scaled())], cv=3), data.named_classes),
    "StackingRegressor": (lambda: ensemble.StackingRegressor([("a", ridge())], cv=3), data.continuous),
    "TransformedTargetRegressor": (lambda: compose.TransformedTargetRegressor(ridge(), transformer=StandardScaler()), data.continuous),
    "TunedThresholdClassifierCV": (lambda: model_selection.TunedThresholdClassifierCV(scaled(), cv=3, random_state=0), data.binary),
    "VotingClassifier soft": (lambda: ensemble.VotingClassifier([("a", scaled()), ("b", linear_model.LogisticRegression())], voting="soft"), data.blobs),
    "VotingClassifier hard": (lambda: ensemble.VotingClassifier([("a", linear_model.LogisticRegression()), ("b", scaled())]), data.named_classes),
    "VotingRegressor": (lambda: ensemble.VotingRegressor([("a", ridge())]), data.continuous),
    "chain in a pipeline": (lambda: make_pipeline(FunctionTransformer(), multioutput.ClassifierChain(scaled())), data.two_labels),
    "chain of votes": (lambda: multioutput.ClassifierChain(ensemble.VotingClassifier([("a", scaled())], voting="soft")), data.two_labels),
    "selection, scaler": (lambda: make_pipeline(feature_selection.SelectKBest(k=2), scaled()), data.blobs),
}  # fmt: skip
if not hasattr(model_selection, "FixedThresholdClassifier"):  # both are there from 1.5 on
    del META["FixedThresholdClassifier"], META["TunedThresholdClassifierCV"]
#: A class without a case here, and why.
WITHOUT = {
    "AdaBoostClassifier": "as AdaBoostRegressor; a pipeline takes no weights of samples",
    "HalvingGridSearchCV": "as GridSearchCV",
    "HalvingRandomSearchCV": "as RandomizedSearchCV",
    "FrozenEstimator": "as a pipeline; from 1.6 on",
    "Pipeline": "is in every case",
    "SelectFromModel": "selects by a member that it doesn't run",
    "SequentialFeatureSelector": "keeps no fitted member",
    "IterativeImputer": "keeps its members in triplets, and gives the same rows to none",
    "SparseCoder": "has no member",
    "MultiOutputEstimator": "is abstract",
}


def linear_members(est: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Yield the fitted linear models in an object."""
    seen = set() if seen is None else seen
    if id(est) in seen:
        return
    seen.add(id(est))
    if isinstance(est, (list, tuple, np.ndarray)):
        for item in est if not isinstance(est, np.ndarray) or est.dtype == object else ():
            yield from linear_members(item, seen)
    elif hasattr(est, "__dict__") and type(est).__module__.startswith("sklearn"):
        if "coef_" in vars(est):
            yield est
        for name, value in vars(est).items():
            # An estimator's parameter is a template that was cloned: no output comes from it.
            if not hasattr(est, "fit") or name not in TEMPLATES:
                yield from linear_members(value, seen)


@pytest.mark.parametrize("name", META)
def test_a_coefficient_of_any_member_is_seen(name: str) -> None:
    """A hundredth more of the coefficients of one member, wherever it stands, changes a probed output."""
    make, maker = META[name]
    X, *rest = far(maker)()
    with data.quiet():
        est = make().fit(X, *rest)
    probes = probes_of(est)
    assert all(probe.left_out is None for probe in probes)
    places = len(list(linear_members(est)))
    assert places
    for i in range(min(places, 6)):
        other = copy.deepcopy(est)
        member = list(linear_members(other))[i]
        member.coef_ = member.coef_ * 1.01
        leaf = {probe.path: probe for probe in probes}[""]
        assert replay(leaf, other).deviations, f"member {i} of {places}"
        assert replay(leaf, est).deviations == ()


@pytest.mark.parametrize("name", META)
def test_rows_lie_where_the_data_lay(name: str) -> None:
    """The scaler inside says where: no column of the rows is at generic numbers."""
    make, maker = META[name]
    X, *rest = far(maker)()
    with data.quiet():
        est = make().fit(X, *rest)
    rows = np.asarray(rows_for(est, 1), dtype=np.float64)
    near = (np.abs(rows - CENTRE) < 10 * SCALE).any(axis=0)
    assert near.sum() >= {"RFE": 3, "RFECV": 1, "selection, scaler": 2}.get(name, 4)


def test_every_meta_estimator_is_looked_at() -> None:
    """A meta-estimator that scikit-learn adds has a case here, or a reason."""
    from sklearn.utils.discovery import all_estimators

    meta = {name for name, cls in all_estimators() if TEMPLATES & inspect.signature(cls).parameters.keys()}
    unknown = meta - WITHOUT.keys() - {case.split(",")[0].split(" ")[0] for case in META}
    assert unknown == set()


def test_a_step_that_changes_the_columns_ends_the_search() -> None:
    """Statistics of columns that a step made are none of the rows that it is given."""
    est = make_pipeline(PolynomialFeatures(), StandardScaler()).fit(*data.features())
    assert known_columns(est) is None
