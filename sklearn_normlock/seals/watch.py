"""The watch over a sealed object: has anything moved since it was sealed? In about a microsecond, without hashing.

A watch holds the values that were in place when the object was sealed: those of its ``__dict__``, of the estimators and
plain objects in it at any depth, and of the containers between them. A call compares identities. An array can't have
been edited while it is read-only; one that has to stay writable is compared with a copy. Only when something has moved
is the object hashed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from operator import attrgetter, is_
from threading import get_ident
from typing import Any

import numpy as np

from ..fingerprints import Record
from ..fingerprints.exclusions import counted
from ..records.environment import STAMP
from .layout import COMPARED, Layout, content
from .shape import Shape

# The names under which a seal travels with its object.
FINGERPRINT = "fingerprint_"
ENVIRONMENT = STAMP
RECORD = "_normlock_record"
UNNAMED = "_normlock_unfingerprintable"  # in place of the others: why there is no fingerprint
CARRIED = (FINGERPRINT, ENVIRONMENT, RECORD, UNNAMED)

_writeable = attrgetter("flags.writeable")
_END = ("end",)  # closes both sides of the comparison, so that neither may be longer than the other


class Watch:
    """The parts that were in place when an object was sealed.

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
        The fitted arrays that were made read-only, and those of the user's that were not.
    thread : int
        Which sealed the object.
    active : bool
        Whether there is code in it, neither scikit-learn's nor ours, that may change the object when it is used.
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
        self.thread = get_ident()
        self.arrays: list[np.ndarray] = layout.frozen
        self.spared: list[np.ndarray] = []
        compared = layout.compared
        if foreign:
            self.arrays = []
            for each in layout.frozen:
                if any(each is other or np.may_share_memory(each, other) for other in foreign):
                    self.spared.append(each)
                    if each.nbytes <= COMPARED:
                        compared.append(each)
                else:
                    self.arrays.append(each)
        for each in self.arrays:
            each.setflags(write=False)
        # Not the object itself: its watch must not keep it alive.
        self._dict = vars(obj)
        self._class = type(obj)
        self._states: list[tuple[type, dict[str, Any], Shape]] = layout.states
        self._containers = layout.containers
        self._private = layout.private
        self._parts = layout.parts
        self._sized = [(container, len(container)) for container in layout.sized] if layout.sized else []
        self._worded = [(container, tuple(container)) for container in layout.worded]
        # An array of objects is compared by their addresses: the copy keeps them from being used again.
        self._compared = [(each, content(each), _items(each)) for each in compared] if compared else []
        self.active = not layout.known
        for watch in layout.watched:
            self._states += watch._states
            self._containers += watch._containers
            self._private += watch._private
            self._sized += watch._sized
            self._worded += watch._worded
            self._parts += watch._parts
            self._compared += watch._compared
            self.arrays += watch.arrays
            self.spared += watch.spared
            self.active |= watch.active
        self._classes = tuple(map(type, self._parts))
        self._contained = tuple(map(tuple, self._containers))
        self._live: list[Iterable[Any]] = [attributes.values() for _, attributes, _ in self._states]
        self._live += self._containers
        self._live.append(_END)
        self._beside = bool(self._sized or self._compared or self._worded)
        # None while they are those of the shapes.
        self._names: list[tuple[str, ...]] | None = None
        self._flat = tuple(chain.from_iterable(self._live))
        self.kernels: dict[Any, Any] = {}

    def _snapshot(self) -> None:
        self._names = [tuple(attributes) for _, attributes, _ in self._states]
        self._flat = tuple(chain.from_iterable(self._live))
        self.kernels = {}

    def covered(self) -> frozenset[int]:
        """Return the ids of the ``__dict__`` of each estimator that is watched: the object, and those in it."""
        return frozenset(id(attributes) for _, attributes, _ in self._states)

    def intact(self, obj: Any) -> bool:
        """Tell whether everything is where it was.

        Parameters
        ----------
        obj : Locked
            The object.
        """
        try:
            return (
                obj.__dict__ is self._dict
                and obj.__class__ is self._class
                and all(map(is_, chain.from_iterable(self._live), self._flat))
                and not any(map(_writeable, self.arrays))
                and (not self._parts or (*map(type, self._parts),) == self._classes)
                and (not self._beside or self._unchanged())
            )
        except RuntimeError:  # another thread changed the size of a dict meanwhile
            return False

    def _unchanged(self) -> bool:
        return (
            all(len(container) == size for container, size in self._sized)
            and all(tuple(container) == words for container, words in self._worded)
            and all(content(each) == before for each, before, _ in self._compared)
        )

    def invalidate(self) -> None:
        """Have the object hashed at its next call: something may have changed that can't be seen."""
        self._dict = {}

    def accept_irrelevant_changes(self, obj: Any) -> bool:
        """Tell whether only attributes that don't count have moved; if so, they are in place from now on.

        That is ``n_jobs`` or ``set_output`` after a fit, and what scikit-learn takes away from an estimator behind it.
        """
        if vars(obj) is not self._dict or not self._same_parts(obj) or not all(map(_same, *self._both())):
            return False
        for cls, now, then in self._before():
            names = [*counted(cls, now), *CARRIED]
            if len(names) != len(counted(cls, then)) + len(CARRIED):
                return False
            if not all(now.get(name) is then.get(name, self) for name in names if name in now or name in then):
                return False
        self._snapshot()
        return True

    def only_use_shows(self, obj: Any) -> bool:
        """Tell whether an own call has changed no more than private attributes of code that isn't known.

        A cache that a library fills when it is used is one; a fitted attribute is not.
        """
        if vars(obj) is not self._dict or not self._same_parts(obj):
            return False
        if not all(private or _same(a, b) for a, b, private in zip(*self._both(), self._private, strict=True)):
            return False
        for (cls, now, then), (_, _, shape) in zip(self._before(), self._states, strict=True):
            for name in {**counted(cls, now), **counted(cls, then)}:
                if now.get(name, self) is not then.get(name, self) and (shape.known or name[0] != "_"):
                    return False
        return True

    def _same_parts(self, obj: Any) -> bool:
        return (
            obj.__class__ is self._class
            and not any(map(_writeable, self.arrays))
            and all(map(is_, map(type, self._parts), self._classes))
            and self._unchanged()
        )

    def _both(self) -> tuple[list[Any], tuple[tuple[Any, ...], ...]]:
        return self._containers, self._contained

    def _before(self) -> Iterable[tuple[type, dict[str, Any], dict[str, Any]]]:
        """Yield the class of each state, its attributes as they are and as they were."""
        values = iter(self._flat)
        all_names = self._names or [shape.names for _, _, shape in self._states]
        for (cls, now, _), names in zip(self._states, all_names, strict=True):
            yield cls, now, dict(zip(names, values, strict=False))


def _same(container: Any, before: tuple[Any, ...]) -> bool:
    return len(container) == len(before) and all(map(is_, container, before))


def _items(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) and value.dtype.hasobject else None
