"""Facts that follow from an estimator's class and its attributes' names and types: looked at once for all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np

from ..errors import UnfingerprintableError
from ..fingerprints.exclusions import counted_names
from ..fingerprints.naming import cached, class_name
from ..fingerprints.state import declares_state

# The methods that take a seal, and those that look at it.
SEALING = ("fit", "fit_transform", "fit_predict", "fit_resample", "partial_fit")
CHECKED = (
    "transform",
    "inverse_transform",
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score",
    "score_samples",
    "perplexity",
    "get_covariance",
    "get_precision",
)
METHODS = frozenset((*SEALING, *CHECKED))

PLAIN = frozenset({type(None), bool, int, float, str})
NUMBERS = frozenset({np.float64, np.float32, np.int64, np.int32, np.bool_})
_LEAVES = PLAIN | NUMBERS | {type}
# Fitted arrays that a method only reads, through compiled code that refuses read-only memory. `dual_coef_` may be the
# same array as the second.
_ASKED_WRITABLE = {
    "sklearn.svm._base.BaseSVC": ("dual_coef_", "_dual_coef_", "_intercept_", "_probA", "_probB"),  # predict_proba
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The attributes of an estimator, sorted by what has to be done with them.

    Parameters
    ----------
    names : tuple of str
        All of them.
    counted : tuple of str
        Those that count.
    values : callable
        Takes the values of ``counted`` out of the ``__dict__``, as a tuple.
    composed : tuple of (int, bool, bool)
        Those that are more than a number or a string: their positions in ``counted``, whether the arrays in them are
        made read-only, and whether they are private to a class that isn't known.
    title : tuple of (str, tuple of str), default=None
        The name of the class and those that count; None if a class has no stable name, or says itself what its state
        is.
    visited : tuple of str
        Those of ``counted`` that may hold arrays or estimators, or be changed in place; parameters come first.
    writable : frozenset of str
        Those whose arrays are left writable: the constructor's parameters, which are the user's, and what compiled code
        asks to be writable.
    frozen : bool
        Whether the fitted arrays are made read-only: locked classes and scikit-learn's do not write
        to them when they are used.
    known : bool
        Whether it is known which private attributes change with use.
    """

    names: tuple[str, ...]
    counted: tuple[str, ...]
    values: Callable[[dict[str, Any]], tuple[Any, ...]]
    composed: tuple[tuple[int, bool, bool], ...]
    title: tuple[str, tuple[str, ...]] | None
    visited: tuple[str, ...]
    writable: frozenset[str]
    frozen: bool
    known: bool


def shape_of(cls: type, attributes: dict[str, Any]) -> Shape:
    """Return the shape of an estimator of a class, by its ``__dict__``."""
    return _shape(cls, tuple(attributes), tuple(map(type, attributes.values())))


@cached
def _shape(cls: type, names: tuple[str, ...], kinds: tuple[type, ...]) -> Shape:
    kind_of = dict(zip(names, kinds, strict=True))
    counted = tuple(counted_names(cls, names))
    parameters, known = parameter_names(cls), is_known(cls)
    writable = parameters.union(
        *(_ASKED_WRITABLE.get(f"{base.__module__}.{base.__qualname__}", ()) for base in cls.__mro__)
    )
    frozen = known or bool(getattr(cls, "_normlock_locked", False))
    visited = [name for name in counted if kind_of[name] not in _LEAVES]
    return Shape(
        names=names,
        counted=counted,
        values=_getter(counted),
        composed=tuple(
            (i, frozen and name not in writable, not known and name[0] == "_")
            for i, name in enumerate(counted)
            if kind_of[name] not in PLAIN
        ),
        title=_title(cls, counted),
        visited=tuple(sorted(visited, key=lambda name: name not in parameters)),
        writable=writable,
        frozen=frozen,
        known=known,
    )


def _getter(names: tuple[str, ...]) -> Callable[[dict[str, Any]], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda attributes: tuple(attributes[name] for name in names)


def _title(cls: type, counted: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    if declares_state(cls):
        return None
    try:
        return class_name(cls), counted
    except UnfingerprintableError:
        return None


@cached
def is_known(cls: type) -> bool:
    """Tell whether what changes when objects of a class are used is known, and excluded by name.

    That is so of scikit-learn's classes, of drop-ins that compute what those compute, and of NumPy's and SciPy's.
    """
    stock = cls.__dict__.get("__fingerprint_class__", cls)
    return stock.__module__.startswith(("sklearn.", "sklearn_normlock.", "scipy.", "numpy."))


@cached
def parameter_names(cls: type) -> frozenset[str]:
    """Return the names of a class's constructor parameters: they are the user's, and are never made read-only."""
    getter = getattr(cls, "_get_param_names", None)
    return frozenset(getter() if getter is not None else ())
