"""The watch over a sealed object: has anything moved since it was sealed? In about a microsecond, without hashing.

A watch holds the values that were in place when the object was sealed: those of its ``__dict__``, of the estimators in
it at any depth, and of the lists and dicts between them. A call compares identities. An array can't have been edited
while it is read-only. Only when something has moved is the object hashed again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from operator import attrgetter, is_
from typing import Any

import numpy as np

from ..fingerprints import Record
from ..fingerprints.naming import cached
from ..fingerprints.state import counted, is_estimator
from .freeze import lock_arrays

_MEMBERS = 256  # estimators that are watched one by one; a larger ensemble is watched by its containers
_ITEMS = 256  # a longer list is watched by its length

# The names under which a seal travels with its object.
FINGERPRINT = "fingerprint_"
ENVIRONMENT = "_normlock_environment"
RECORD = "_normlock_record"
UNNAMED = "_normlock_unfingerprintable"  # in place of the others: why there is no fingerprint
CARRIED = (FINGERPRINT, ENVIRONMENT, RECORD, UNNAMED)

_writeable = attrgetter("flags.writeable")
_LEAVES = frozenset({str, int, float, bool, type(None), np.ndarray, np.float64, np.int64, type})


class Layout:
    """The containers in an object, found by following its attributes.

    Attributes
    ----------
    live : list
        What is compared item by item: views of dicts, and lists.
    sized : list
        What is compared by its length.
    members : list of estimator
        The estimators in the object, from the outside in, itself left out.
    """

    def __init__(self, obj: Any) -> None:
        self.live: list[Any] = []
        self.sized: list[Any] = []
        self.members: list[Any] = []
        self._seen = {id(obj)}
        self._follow(vars(obj))

    def _follow(self, container: dict[Any, Any] | list[Any]) -> None:
        items = container.values() if isinstance(container, dict) else container
        self.live.append(items)
        for item in items:
            if type(item) not in _LEAVES:
                self._visit(item)

    def _visit(self, value: Any) -> None:
        if isinstance(value, tuple):
            for item in value:
                if type(item) not in _LEAVES:
                    self._visit(item)
        elif isinstance(value, (list, dict)):
            if id(value) not in self._seen:
                self._seen.add(id(value))
                if len(value) > _ITEMS:
                    self.sized.append(value)
                else:
                    self._follow(value)
        elif is_estimator(value) and id(value) not in self._seen and len(self.members) < _MEMBERS:
            self._seen.add(id(value))
            self.members.append(value)
            self._follow(vars(value))


class Watch:
    """What was in place when an object was sealed.

    Parameters
    ----------
    obj : estimator
        Its fitted arrays, and those of the estimators in it, are made read-only.
    foreign : sequence of ndarray
        Arrays of the user's that must stay writable.
    record : Record
        What stood in it.
    from_bytes : bool, default=False
        Whether the object came back from bytes rather than from a fit.

    Attributes
    ----------
    arrays, spared : list of ndarray
        The fitted arrays that were made read-only, and those that were not.
    """

    def __init__(self, obj: Any, foreign: Sequence[np.ndarray], record: Record, *, from_bytes: bool = False) -> None:
        layout = Layout(obj)
        self.record = record
        self.from_bytes = from_bytes
        self.arrays: list[np.ndarray] = []
        self.spared: list[np.ndarray] = []
        # Not the object itself: its watch must not keep it alive.
        self._states = [(type(estimator), vars(estimator)) for estimator in (obj, *layout.members)]
        for cls, attributes in self._states:
            locked, spared = lock_arrays(attributes, parameter_names(cls), foreign)
            self.arrays += locked
            self.spared += spared
        self._dict = vars(obj)
        self._counted = self._counting() if UNNAMED in self._dict else None
        self._live = layout.live
        self._flat = tuple(chain.from_iterable(layout.live))
        self._sized = [(container, len(container)) for container in layout.sized]

    def intact(self, attributes: dict[str, Any]) -> bool:
        """Tell whether everything is where it was.

        Parameters
        ----------
        attributes : dict
            The object's ``__dict__``.
        """
        return (
            attributes is self._dict
            and sum(map(len, self._live)) == len(self._flat)
            and all(map(is_, chain.from_iterable(self._live), self._flat))
            and not any(map(_writeable, self.arrays))
            and (not self._sized or all(len(container) == size for container, size in self._sized))
        )

    def counts_the_same(self) -> bool:
        """Tell, for an object without a fingerprint, whether only what does not count has moved."""
        now, then = self._counting(), self._counted
        return then is not None and len(now) == len(then) and all(map(is_, now, then))

    def _counting(self) -> list[Any]:
        values: list[Any] = []
        for cls, attributes in self._states:
            state = counted(cls, attributes)
            values += [*state, *state.values()]
        return values


@cached
def parameter_names(cls: type) -> tuple[str, ...]:
    """Return the names of a class's constructor parameters; they are the user's, and are never made read-only."""
    getter = getattr(cls, "_get_param_names", None)
    return tuple(getter()) if getter is not None else ()
