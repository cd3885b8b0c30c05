"""Models whose fitted state holds what versions rename or read anew: meta-estimators, boosting, losses, processes."""

# ruff: noqa: E501  (tables: one setting a line)

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import zoo_case as data
from sklearn import compose, ensemble, feature_selection, linear_model, model_selection, multiclass, multioutput, svm
from sklearn.calibration import CalibratedClassifierCV
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier, SGDOneClassSVM, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, PowerTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from zoo_case import Case

from . import awkward
from .awkward import Make, Maker


def _logistic() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))


def _ridge() -> Any:
    return make_pipeline(StandardScaler(), Ridge())


def _search(kind: str, model: Any, grid: dict[str, Any], **kwargs: Any) -> Any:
    return getattr(model_selection, kind)(model, grid, cv=3, **kwargs)


def _hist(**kwargs: Any) -> Any:
    return ensemble.HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=4, **kwargs)


def _histc(**kwargs: Any) -> Any:
    return ensemble.HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=4, **kwargs)


def _boost(**kwargs: Any) -> Any:
    return ensemble.GradientBoostingRegressor(n_estimators=5, **kwargs)


def _boostc(**kwargs: Any) -> Any:
    return ensemble.GradientBoostingClassifier(n_estimators=5, **kwargs)


_TABLE: dict[str, tuple[Make, Maker]] = {
    # boosting, with every loss
    **{f"hist boosting {loss}": (lambda loss=loss: _hist(loss=loss), data.positive_target) for loss in ("squared_error", "absolute_error", "poisson", "gamma")},
    "hist boosting quantile": (lambda: _hist(loss="quantile", quantile=0.7), data.continuous),
    "hist boosting binary": (_histc, data.binary),
    "hist boosting classes": (_histc, data.named_classes),
    "hist boosting stopped early": (lambda: _histc(early_stopping=True, validation_fraction=0.3), data.binary),
    "hist boosting monotonic": (lambda: _hist(monotonic_cst=[1, 0, -1, 0]), data.continuous),
    "hist boosting of gaps": (_hist, awkward.gaps_target),
    "hist boosting of a frame": (_histc, data.numeric_frame),
    **{f"boosting {loss}": (lambda loss=loss: _boost(loss=loss), data.continuous) for loss in ("squared_error", "absolute_error", "huber", "quantile")},
    "boosting binary": (_boostc, data.binary),
    "boosting classes": (_boostc, data.named_classes),
    "boosting exponential": (lambda: _boostc(loss="exponential"), data.binary),
    "boosting from a model": (lambda: _boostc(init=LogisticRegression(max_iter=300)), data.binary),
    "boosting in a search": (lambda: _search("GridSearchCV", _boostc(), {"max_depth": [1, 2]}), data.blobs),
    "boosting in a vote": (lambda: ensemble.VotingClassifier([("a", _histc()), ("b", _boostc())], voting="soft"), data.blobs),
    # stochastic gradient descent, with every loss
    **{f"SGD {loss}": (lambda loss=loss: make_pipeline(StandardScaler(), SGDClassifier(loss=loss)), data.blobs) for loss in ("hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron")},
    **{f"SGD {loss}": (lambda loss=loss: make_pipeline(StandardScaler(), SGDRegressor(loss=loss)), data.continuous) for loss in ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive")},
    "SGD averaged": (lambda: make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", average=True)), data.binary),
    "SGD one class": (lambda: make_pipeline(StandardScaler(), SGDOneClassSVM()), data.features),
    "SGD one against rest": (lambda: multiclass.OneVsRestClassifier(make_pipeline(StandardScaler(), SGDClassifier())), data.named_classes),
    # generalised linear models
    "Poisson": (lambda: make_pipeline(StandardScaler(), linear_model.PoissonRegressor()), data.positive_target),
    "gamma": (lambda: make_pipeline(StandardScaler(), linear_model.GammaRegressor()), data.positive_target),
    "Tweedie": (lambda: make_pipeline(StandardScaler(), linear_model.TweedieRegressor(power=1.5)), data.positive_target),
    "quantile regression": (lambda: make_pipeline(StandardScaler(), linear_model.QuantileRegressor(solver="highs")), data.continuous),
    # Gaussian processes
    "process": (lambda: make_pipeline(StandardScaler(), GaussianProcessRegressor(alpha=0.1)), data.continuous),
    "process normalised": (lambda: GaussianProcessRegressor(alpha=0.1, normalize_y=True), data.two_targets),
    "process of classes": (lambda: make_pipeline(StandardScaler(), GaussianProcessClassifier()), data.named_classes),
    "process binary": (lambda: GaussianProcessClassifier(), data.binary),
    "processes one against one": (lambda: GaussianProcessClassifier(multi_class="one_vs_one"), data.blobs),
    # forests and trees on rows with gaps
    "tree of gaps": (lambda: DecisionTreeClassifier(max_depth=4), awkward.gaps_classes),
    "tree of gaps, regression": (lambda: DecisionTreeRegressor(max_depth=4), awkward.gaps_target),
    "forest of gaps": (lambda: ensemble.RandomForestClassifier(5), awkward.gaps_classes),
    "forest of gaps, regression": (lambda: ensemble.RandomForestRegressor(5), awkward.gaps_target),
    "forest of a frame": (lambda: ensemble.RandomForestClassifier(5), data.numeric_frame),
    "extra trees of gaps": (lambda: ensemble.ExtraTreesClassifier(5), awkward.gaps_classes),
    "extra trees, regression": (lambda: ensemble.ExtraTreesRegressor(5), data.continuous),
    "isolation of some columns": (lambda: ensemble.IsolationForest(5, max_features=0.5), data.features),
    "bagged trees of gaps": (lambda: ensemble.BaggingClassifier(DecisionTreeClassifier(max_depth=3), 3), awkward.gaps_classes),
    # what holds a pipeline
    "bagged pipelines": (lambda: ensemble.BaggingClassifier(_logistic(), 3), data.blobs),
    "bagged pipelines of some columns": (lambda: ensemble.BaggingClassifier(_logistic(), 4, max_features=0.5), data.blobs),
    "bagged ridges": (lambda: ensemble.BaggingRegressor(_ridge(), 3), data.continuous),
    "boosted ridges": (lambda: ensemble.AdaBoostRegressor(_ridge(), n_estimators=3), data.continuous),
    "boosted trees": (lambda: ensemble.AdaBoostRegressor(n_estimators=3), data.continuous),
    "calibrated pipeline": (lambda: CalibratedClassifierCV(_logistic(), cv=3), data.blobs),
    "calibrated pipeline isotonic": (lambda: CalibratedClassifierCV(_logistic(), cv=3, method="isotonic"), data.binary),
    "calibrated together": (lambda: CalibratedClassifierCV(_logistic(), cv=3, ensemble=False), data.named_classes),
    "chain": (lambda: multioutput.ClassifierChain(_logistic()), data.two_labels),
    "chain in order": (lambda: multioutput.ClassifierChain(_logistic(), order=[1, 0], cv=3), data.two_labels),
    "chain of ridges": (lambda: multioutput.RegressorChain(_ridge()), data.two_targets),
    "targets": (lambda: multioutput.MultiOutputClassifier(_logistic()), data.two_labels),
    "targets of labels alone": (lambda: multioutput.MultiOutputClassifier(svm.LinearSVC()), data.two_labels),
    "targets of ridges": (lambda: multioutput.MultiOutputRegressor(_ridge()), data.two_targets),
    "one against one": (lambda: multiclass.OneVsOneClassifier(_logistic()), data.named_classes),
    "one against rest": (lambda: multiclass.OneVsRestClassifier(_logistic()), data.named_classes),
    "one against rest of labels": (lambda: multiclass.OneVsRestClassifier(_logistic()), data.two_labels),
    "codes": (lambda: multiclass.OutputCodeClassifier(_logistic()), data.named_classes),
    "elimination": (lambda: feature_selection.RFE(LogisticRegression(max_iter=300), n_features_to_select=2), data.blobs),
    "elimination by folds": (lambda: feature_selection.RFECV(LogisticRegression(max_iter=300), cv=3), data.blobs),
    "selected, pipeline": (lambda: make_pipeline(feature_selection.SelectFromModel(LogisticRegression(max_iter=300)), _logistic()), data.blobs),
    "selected one by one": (lambda: make_pipeline(feature_selection.SequentialFeatureSelector(Ridge(), n_features_to_select=2, cv=3), _ridge()), data.continuous),
    "stack": (lambda: ensemble.StackingClassifier([("a", _logistic()), ("b", GaussianNB())], cv=3), data.named_classes),
    "stack passed through": (lambda: ensemble.StackingClassifier([("a", _logistic()), ("b", KNeighborsClassifier())], cv=3, passthrough=True), data.binary),
    "stack of ridges": (lambda: ensemble.StackingRegressor([("a", _ridge()), ("b", DecisionTreeRegressor(max_depth=3))], cv=3), data.continuous),
    "vote hard": (lambda: ensemble.VotingClassifier([("a", _logistic()), ("b", GaussianNB())]), data.named_classes),
    "vote soft": (lambda: ensemble.VotingClassifier([("a", _logistic()), ("b", GaussianNB())], voting="soft"), data.blobs),
    "vote of ridges": (lambda: ensemble.VotingRegressor([("a", _ridge()), ("b", DecisionTreeRegressor(max_depth=3))]), data.continuous),
    "search": (lambda: _search("GridSearchCV", _logistic(), {"logisticregression__C": [0.1, 1.0]}), data.blobs),
    "search at random": (lambda: _search("RandomizedSearchCV", _logistic(), {"logisticregression__C": [0.1, 1.0]}, n_iter=1), data.binary),
    "search of a table": (lambda: _search("GridSearchCV", make_pipeline(compose.ColumnTransformer([("s", StandardScaler(), ["age", "rate"])]), Ridge()), {"ridge__alpha": [0.1, 1.0]}), data.numeric_frame),
    "self-training": (lambda: SelfTrainingClassifier(_logistic()), data.partly_labelled),
    "target of a power": (lambda: compose.TransformedTargetRegressor(_ridge(), transformer=PowerTransformer()), data.positive_target),
    "target of a logarithm": (lambda: compose.TransformedTargetRegressor(_ridge(), func=np.log, inverse_func=np.exp), data.positive_target),
    "consensus": (lambda: linear_model.RANSACRegressor(_ridge(), min_samples=20), data.continuous),
    "threshold": (lambda: model_selection.FixedThresholdClassifier(_logistic(), threshold=0.4), data.binary),
    "threshold tuned": (lambda: model_selection.TunedThresholdClassifierCV(_logistic(), cv=3), data.binary),
    "chain in a pipeline": (lambda: make_pipeline(FunctionTransformer(), multioutput.ClassifierChain(_logistic())), data.two_labels),
    "search of a stack": (lambda: _search("GridSearchCV", ensemble.StackingClassifier([("a", _logistic())], cv=3), {"a__logisticregression__C": [0.1, 1.0]}), data.binary),
}  # fmt: skip


def models() -> Iterator[Case]:
    for name, (make, maker) in _TABLE.items():
        yield Case(name=name, make=make, data=maker)
