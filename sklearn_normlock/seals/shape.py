"""What is known of an estimator from its class, the names of its attributes and their types: looked at once for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..fingerprints.exclusions import counted_names
from ..fingerprints.naming import cached

PLAIN = frozenset({type(None), bool, int, float, str})
NUMBERS = frozenset({np.float64, np.float32, np.int64, np.int32, np.bool_})
_NO_ARRAY = PLAIN | NUMBERS | {type}
_LEAVES = _NO_ARRAY | {np.ndarray}  # what can't be changed in place, or would have to be made writable first


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
        Those of ``counted`` that may hold estimators, or be changed in place.
    lockable : tuple of str
        Those that may hold arrays to be made read-only.
    private : tuple of str
        Arrays that are left writable, whatever other name they go by.
    ours : bool
        Whether the class is a locked one.
    """

    counted: tuple[str, ...]
    composed: tuple[int, ...]
    visited: tuple[str, ...]
    lockable: tuple[str, ...]
    private: tuple[str, ...]
    ours: bool


def shape_of(cls: type, attributes: dict[str, Any]) -> Shape:
    """Return the shape of an estimator of a class, by its ``__dict__``."""
    return _shape(cls, tuple(attributes), tuple(map(type, attributes.values())))


@cached
def _shape(cls: type, names: tuple[str, ...], kinds: tuple[type, ...]) -> Shape:
    kind_of = dict(zip(names, kinds, strict=True))
    counted = tuple(counted_names(cls, names))
    ours = getattr(cls, "_normlock_locked", False)
    if ours:
        lockable = names
    elif cls.__module__.startswith("sklearn."):
        lockable = tuple(name for name in names if name[-1] == "_" and name[0] != "_" or name == "_fit_X")
    else:
        lockable = ()
    left = parameter_names(cls)
    return Shape(
        counted=counted,
        composed=tuple(i for i, name in enumerate(counted) if kind_of[name] not in PLAIN),
        visited=tuple(name for name in counted if kind_of[name] not in _LEAVES),
        lockable=tuple(
            name
            for name in lockable
            if name not in left and (kind_of[name] not in _LEAVES or kind_of[name] is np.ndarray)
        ),
        private=()
        if ours
        else tuple(name for name in names if name[0] == "_" and issubclass(kind_of[name], np.ndarray)),
        ours=ours,
    )


@cached
def parameter_names(cls: type) -> frozenset[str]:
    """Return the names of a class's constructor parameters: they are the user's, and are never made read-only."""
    getter = getattr(cls, "_get_param_names", None)
    return frozenset(getter() if getter is not None else ())
