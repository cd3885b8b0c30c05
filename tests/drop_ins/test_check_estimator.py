"""The drop-ins are estimators as scikit-learn means it: they pass every check that the stock classes pass.

Transformers of text, labels and dicts get few checks: scikit-learn's feed arrays of numbers. Its own test modules, run
with the drop-ins in place of its classes, cover those.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any
from unittest import SkipTest

import pytest
from estimator_table import (
    STOCK,
    VERSION,
    check_name,
    expected_failures,
    further_instances,
    generated,
    in_stock_classes,
    instances,
    registered,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MaxAbsScaler

from sklearn_normlock import Locked
from sklearn_normlock.errors import EnvironmentMismatchWarning, SealWarning

OURS = sorted(STOCK, key=lambda cls: cls.__name__)
# What fits other estimators, some of them hundreds of times: the checks of searches alone take longer than all others.
HOLDERS = ("calibration", "ensemble", "feature_selection", "model_selection", "multiclass", "multioutput")
# One for each thing that mixin and kernels do: a mergeable fit, a row-wise kernel, an iterated one, ranks, gaps,
# categories, targets, labels, text, a rotation, a function, and what holds steps. The others share their code with
# these, and run in the campaign.
REPRESENTATIVES = (
    "ColumnTransformer", "FeatureUnion", "FunctionTransformer", "LabelBinarizer", "Normalizer", "OneHotEncoder", "PCA",
    "Pipeline", "PowerTransformer", "QuantileTransformer", "SimpleImputer", "StandardScaler", "TargetEncoder",
    "TfidfVectorizer",
)  # fmt: skip


def _marks(cls: type) -> list[pytest.MarkDecorator]:
    if cls.__module__.startswith(tuple(f"sklearn_normlock.{each}" for each in HOLDERS)):
        return [pytest.mark.long]
    return [] if cls.__name__ in REPRESENTATIVES else [pytest.mark.campaign]


def _run(check: Any, estimator: Any) -> None:
    with registered(), warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning, ConvergenceWarning, UserWarning, RuntimeWarning):
            warnings.simplefilter("ignore", category)
        for category in (SealWarning, EnvironmentMismatchWarning):
            warnings.simplefilter("error", category)
        check(estimator)


def _outcome(check: Any, estimator: Any) -> type[BaseException] | None:
    try:
        _run(check, estimator)
    except (Exception, SkipTest) as error:
        return type(error)
    return None


def _label(number: int, cls: type, check: Any) -> str:
    keywords = check.keywords if isinstance(check, partial) else {}
    return f"{cls.__name__}{number or ''}-{check_name(check)}" + "".join(f"-{k}={v}" for k, v in keywords.items())


def _in_the_suite() -> Iterator[Any]:
    for cls in OURS:
        for number, instance in enumerate(instances(cls)):
            failures = expected_failures(instance)
            for estimator, check in generated(instance):
                which = check_name(check)
                # scikit-learn's entries for array libraries are by check, and true of some of the libraries.
                strict = "array_api" not in which
                marks = _marks(cls)
                marks += [pytest.mark.xfail(reason=failures[which], strict=strict)] if which in failures else []
                yield pytest.param(estimator, check, marks=marks, id=_label(number, cls, check))


def _beyond_the_suite() -> Iterator[Any]:
    for cls in OURS:
        for number, instance in enumerate(further_instances(cls)):
            for estimator, check in generated(instance):
                yield pytest.param(estimator, check, marks=_marks(cls), id=_label(number, cls, check))


@pytest.mark.parametrize(("estimator", "check"), list(_in_the_suite()))
def test_a_drop_in_passes_the_check_of_its_stock_class(estimator: Any, check: Any) -> None:
    """Each check that scikit-learn runs on a stock class, passes on the drop-in too, or fails by its own table."""
    _run(check, estimator)


@pytest.mark.campaign
@pytest.mark.parametrize(("estimator", "check"), list(_beyond_the_suite()))
def test_a_drop_in_fares_as_its_stock_class(estimator: Any, check: Any) -> None:
    """On instances that scikit-learn's suite leaves out, a drop-in passes and fails what the stock instance does."""
    outcome = _outcome(check, estimator)
    if outcome is not None:
        assert outcome is _outcome(check, in_stock_classes(estimator))


@pytest.mark.parametrize("cls", [pytest.param(cls, marks=_marks(cls), id=cls.__name__) for cls in OURS])
def test_no_check_of_a_stock_class_is_lost(cls: type) -> None:
    """A drop-in gets the same checks, on the same parameters, as scikit-learn runs on the class it stands for."""
    for ours in instances(cls) + further_instances(cls):
        # Our classes print as the stock classes do.
        pairs, of_stock = generated(ours), generated(in_stock_classes(ours))
        assert [(check_name(check), repr(variant)) for variant, check in pairs] == [
            (check_name(check), repr(variant)) for variant, check in of_stock
        ]
        assert all(type(variant) is cls for variant, _ in pairs)


def test_every_drop_in_is_checked() -> None:
    """Every drop-in has an instance to be checked, so that a class that can't be constructed isn't passed over."""
    skipped = [cls.__name__ for cls in OURS if not instances(cls) + further_instances(cls)]
    # scikit-learn's own suite skips these: the searches up to 1.5, the last one up to 1.7.
    searches = ["GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "RandomizedSearchCV"]
    assert skipped == searches * (VERSION < (1, 6)) + ["SparseCoder"] * (VERSION < (1, 8))
    assert set(REPRESENTATIVES) <= {cls.__name__ for cls in OURS}


class _Counting(Locked, MaxAbsScaler):
    """Breaks the contract on purpose: transform keeps something, and returns another result each time."""

    def transform(self, X: Any) -> Any:
        self.count = getattr(self, "count", 0) + 1
        return super().transform(X) + self.count


def test_the_checks_can_fail() -> None:
    """A locked transformer that changes with use is caught by the same run of checks."""
    outcomes = {check_name(check): _outcome(check, estimator) for estimator, check in generated(_Counting())}
    assert outcomes["check_dict_unchanged"] is not None
    assert outcomes["check_methods_subset_invariance"] is not None
    assert outcomes["check_no_attributes_set_in_init"] is None
