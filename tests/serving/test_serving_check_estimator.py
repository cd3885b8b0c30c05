"""The serving estimators are estimators as scikit-learn means it: they pass every check of their members."""

from __future__ import annotations

import warnings
from typing import Any
from unittest import SkipTest

import pytest
from estimator_table import VERSION, check_name, generated
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from sklearn_normlock.serving import Canary, Fallback, Shadow

MEMBERS = [
    (LogisticRegression(), LogisticRegression(C=0.5)),
    (Ridge(), Ridge(alpha=2.0)),
    (StandardScaler(), StandardScaler(with_std=False)),
]

#: Not part of check_estimator, and why they can't apply.
LEFT_OUT = {
    "array_api": "the tags say that other array libraries are not supported",
    "check_param_validation": "reads scikit-learn's private table of parameters",
}
if VERSION < (1, 6):
    LEFT_OUT["check_parameters_default_constructible"] = "makes instances only of classes whose parameters it knows"


def _instances_of(old: Any, new: Any) -> list[Any]:
    return [Fallback([new, old]), Canary(old, new, share=0.4), Shadow(old, new)]


def _instances() -> list[Any]:
    return [made for old, new in MEMBERS for made in _instances_of(old, new)]


def _marks(estimator: Any) -> list[pytest.MarkDecorator]:
    """Return none for a member that predicts and one that transforms: the others share their code."""
    front = estimator.candidates[0] if isinstance(estimator, Fallback) else estimator.primary
    fast = isinstance(front, LogisticRegression) or (
        isinstance(front, StandardScaler) and isinstance(estimator, Fallback)
    )
    return [] if fast else [pytest.mark.campaign]


def _label(estimator: Any, check: Any) -> str:
    front = estimator.candidates[0] if isinstance(estimator, Fallback) else estimator.primary
    return f"{type(estimator).__name__}-{type(front).__name__}-{check_name(check)}"


@pytest.mark.parametrize(
    ("estimator", "check"),
    [
        pytest.param(estimator, check, id=_label(instance, check), marks=_marks(instance))
        for instance in _instances()
        for estimator, check in generated(instance)
        if not any(which in check_name(check) for which in LEFT_OUT)
    ],
)
def test_a_serving_estimator_passes_the_check(estimator: Any, check: Any) -> None:
    """Each check that scikit-learn has for such an estimator passes; none is expected to fail."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(estimator)
        except SkipTest as reason:
            pytest.skip(str(reason))
