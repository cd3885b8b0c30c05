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
from ..fingerprints.exclusions import counted
from ..fingerprints.state import is_estimator
from ..records.environment import STAMP
from .freeze import lock_arrays
from .shape import Shape, shape_of

_MEMBERS = 256  # estimators that are watched one by one; a larger ensemble is watched by its containers
_ITEMS = 1_000  # a longer list or dict is watched by its length

# The names under which a seal travels with its object.
FINGERPRINT = "fingerprint_"
ENVIRONMENT = STAMP
RECORD = "_normlock_record"
UNNAMED = "_normlock_unfingerprintable"  # in place of the others: why there is no fingerprint
CARRIED = (FINGERPRINT, ENVIRONMENT, RECORD, UNNAMED)

_writeable = attrgetter("flags.writeable")
_LEAVES = frozenset({str, int, float, bool, type(None), np.ndarray, np.float64, np.int64, type})


class Layout:
    """The estimators and containers in an object, found by following the attributes that count.

    Attributes
    ----------
    members : list of estimator
        The estimators in the object, from the outside in, itself left out.
    states : list of (type, dict, Shape)
        Class, ``__dict__`` and shape of the object and of each of its members.
    watched : list of Watch
        Over those members that are left out of the other lists, as their watches have all that is in them.
    containers : list
        What is compared item by item: lists, and views of the values of dicts.
    sized : list
        What is compared by its length.
    """

    def __init__(self, obj: Any) -> None:
        self.members: list[Any] = []
        self.states: list[tuple[type, dict[str, Any], Shape]] = []
        self.watched: list[Watch] = []
        self.containers: list[Any] = []
        self.sized: list[Any] = []
        self._seen = {id(obj)}
        self.state = self._enter(obj)

    def _enter(self, estimator: Any) -> Any:
        attributes = vars(estimator)
        shape = shape_of(type(estimator), attributes)
        self.states.append((type(estimator), attributes, shape))
        for name in shape.visited:
            self._visit(attributes[name])

    def _visit(self, value: Any) -> None:
        if isinstance(value, (list, dict)):
            if id(value) in self._seen:
                return
            self._seen.add(id(value))
            if len(value) > _ITEMS:
                self.sized.append(value)
                return
            value = value.values() if isinstance(value, dict) else value
            self.containers.append(value)
        elif is_estimator(value):
            if id(value) not in self._seen and len(self.members) < _MEMBERS:
                self._seen.add(id(value))
                self.members.append(value)
                self._enter(value)
            return
        elif not isinstance(value, tuple):
            return
        for item in value:
            if type(item) not in _LEAVES:
                self._visit(item)


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
    layout : Layout, default=None
        The object's, if it is known.

    Attributes
    ----------
    arrays, spared : list of ndarray
        The fitted arrays that were made read-only, and those that were not.
    kernels : dict
        What :mod:`sklearn_normlock.kernels` made for as long as nothing moves: by method, and for the estimators in
        the object by the id of their ``__dict__`` and method.
    """

    def __init__(
        self,
        obj: Any,
        foreign: Sequence[np.ndarray],
        record: Record,
        *,
        from_bytes: bool = False,
        layout: Layout | None = None,
    ) -> None:
        if layout is None:
            layout = Layout(obj)
        self.record = record
        self.from_bytes = from_bytes
        self.arrays: list[np.ndarray] = []
        self.spared: list[np.ndarray] = []
        # Not the object itself: its watch must not keep it alive.
        self._states = layout.states
        for _, attributes, shape in self._states:
            lock_arrays(attributes, shape, foreign, self.arrays, self.spared)
        self._containers = layout.containers
        self._sized = [(container, len(container)) for container in layout.sized]
        for watch in layout.watched:
            self._states += watch._states
            self._containers += watch._containers
            self._sized += watch._sized
            self.arrays += watch.arrays
            self.spared += watch.spared
        self._dict = vars(obj)
        self._contained = tuple(chain.from_iterable(self._containers))
        self._live = [attributes.values() for _, attributes, _ in self._states] + self._containers
        self._snapshot()

    def _snapshot(self) -> None:
        self._names = [tuple(attributes) for _, attributes, _ in self._states]
        self._flat = tuple(chain.from_iterable(self._live))
        self.kernels: dict[Any, Any] = {}

    def covered(self) -> frozenset[int]:
        """Return the ids of the ``__dict__`` of each estimator that is watched: the object, and those in it."""
        return frozenset(id(attributes) for _, attributes, _ in self._states)

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

    def doubt(self) -> None:
        """Have the object hashed at its next call: something may have changed that can't be seen."""
        self._dict = {}

    def settle(self, attributes: dict[str, Any]) -> bool:
        """Tell whether only attributes that don't count have moved; if so, they are in place from now on.

        That is ``n_jobs`` or ``set_output`` after a fit, and what scikit-learn takes away from an estimator behind it.
        """
        if (
            attributes is not self._dict
            or sum(map(len, self._containers)) != len(self._contained)
            or not all(map(is_, chain.from_iterable(self._containers), self._contained))
            or any(map(_writeable, self.arrays))
            or any(len(container) != size for container, size in self._sized)
        ):
            return False
        values = iter(self._flat)
        for (cls, now, _), before in zip(self._states, self._names, strict=True):
            then = dict(zip(before, values, strict=False))
            names = [*counted(cls, now), *CARRIED]
            if len(names) != len(counted(cls, then)) + len(CARRIED):
                return False
            if not all(now.get(name) is then.get(name, self) for name in names if name in now or name in then):
                return False
        self._snapshot()
        return True
