"""Facts that follow from an estimator's class and its attributes' names and types: looked at once for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..fingerprints.exclusions import counted_names
from ..fingerprints.naming import cached

PLAIN = frozenset({type(None), bool, int, float, str})
NUMBERS = frozenset({np.float64, np.float32, np.int64, np.int32, np.bool_})
_LEAVES = PLAIN | NUMBERS | {type}


@dataclass(frozen=True, slots=True)
class Shape:
    """The attributes of an estimator, sorted by what has to be done with them.

    Parameters
    ----------
    counted : tuple of str
        Those that count.
    composed : tuple of int
        The positions, in ``counted``, of those that are more than a number or a string.
    visited : tuple of str
        Those of ``counted`` that may hold arrays or estimators, or be changed in place; parameters come first.
    parameters : frozenset of str
        The constructor's parameters: they are the user's, so that arrays in them are left writable.
    frozen : bool
        Whether the fitted arrays are made read-only: locked classes and scikit-learn's do not write
        to them when they are used.
    known : bool
        Whether it is known which private attributes change with use.
    """

    counted: tuple[str, ...]
    composed: tuple[int, ...]
    visited: tuple[str, ...]
    parameters: frozenset[str]
    frozen: bool
    known: bool


def shape_of(cls: type, attributes: dict[str, Any]) -> Shape:
    """Return the shape of an estimator of a class, by its ``__dict__``."""
    return _shape(cls, tuple(attributes), tuple(map(type, attributes.values())))


@cached
def _shape(cls: type, names: tuple[str, ...], kinds: tuple[type, ...]) -> Shape:
    kind_of = dict(zip(names, kinds, strict=True))
    counted = tuple(counted_names(cls, names))
    parameters = parameter_names(cls)
    visited = [name for name in counted if kind_of[name] not in _LEAVES]
    return Shape(
        counted=counted,
        composed=tuple(i for i, name in enumerate(counted) if kind_of[name] not in PLAIN),
        visited=tuple(sorted(visited, key=lambda name: name not in parameters)),
        parameters=parameters,
        frozen=is_known(cls) or bool(getattr(cls, "_normlock_locked", False)),
        known=is_known(cls),
    )


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
