"""The fitted estimators in one that are given its rows: where statistics are looked for, and kinds of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

# Where estimators keep fitted ones that are given the same rows, the most telling first. A template comes last: it is
# fitted only where it was handed over fitted.
_MEMBER_NAMES = (
    "best_estimator_",
    "regressor_",
    "estimator_",
    "calibrated_classifiers_",
    "estimators_",
    "base_estimator_",
    "transformer_list",
    "estimator",
    "base_estimator",
)


def members_of(est: Any) -> Iterator[tuple[Any, np.ndarray | None]]:
    """Yield the fitted estimators in one that are given its rows, and which columns of them; None for all.

    Parameters
    ----------
    est : estimator
        Fitted.
    """
    width = getattr(est, "n_features_in_", None)
    if hasattr(est, "get_support") and hasattr(est, "estimator_"):  # recursive elimination fits on what it selects
        support = np.flatnonzero(est.get_support())
        fits = getattr(est.estimator_, "n_features_in_", None) in (None, len(support))
        yield est.estimator_, support if fits and len(support) != width else None
        return
    some = getattr(est, "estimators_features_", None)  # bagging
    for name in _MEMBER_NAMES:
        for i, member in enumerate(_flat(getattr(est, name, None))):
            at = None
            if some is not None and name == "estimators_" and i < len(some):
                features = np.asarray(some[i])
                # With all columns the members are given the rows as they are, in whatever order these indices stand.
                if len(features) != width or getattr(est, "bootstrap_features", False):
                    at = features
            yield member, at


def _flat(value: Any) -> Iterator[Any]:
    """Yield the estimators in an attribute. Pipelines and forests have a length, too: NumPy would take them apart."""
    if isinstance(value, (list, tuple, np.ndarray)):
        for item in value:
            yield from _flat(item)
    elif hasattr(value, "fit"):
        yield value
    elif hasattr(getattr(value, "estimator", None), "fit"):  # a member of a calibrated classifier
        yield value.estimator


def width_of(est: Any) -> int | None:
    """Return how many columns an estimator takes, by the usual name or by what it keeps for each."""
    width = getattr(est, "n_features_in_", None) or None  # CatBoost says 0 once it has been pickled
    for name in () if width is not None else ("idf_", "lambdas_", "coef_", "feature_names_"):
        value = getattr(est, name, None)
        if value is not None and np.ndim(value):
            return int(np.shape(value)[-1])
    return _width_of_arrays(est) if width is None else width


def _width_of_arrays(est: Any) -> int | None:
    """Return the length that all fitted rows of numbers in an estimator have in common."""
    fitted = (value for name, value in getattr(est, "__dict__", {}).items() if name[-1:] == "_" and name[:1] != "_")
    lengths = {
        len(value)
        for value in fitted
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "fiu"
    }
    return lengths.pop() if len(lengths) == 1 else None
