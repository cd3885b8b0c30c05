"""A checksum of a state that is quick to take, so that one that was verified before is known again.

A fingerprint is made to be the same everywhere and to say where two objects differ, which takes a walk through every
value. A process that loads the same small object over and over (a worker that is sent the pipeline with each task) has
done that before. It remembers the checksums of the states whose fingerprints it has verified itself. The checksum is
over the class, the fingerprint and every value that counts, as Python's own ``marshal`` writes them (version 2 of that
format, which has no references: equal values give equal bytes). An array, a NumPy number and an estimator are written
as a tuple with bytes in it. No other covered value has bytes, so that an array and a list of its items differ. The
checksum never comes from a file: what arrives with an object says nothing of the object. Whatever is large, or has more
to it than numbers, strings and plain arrays, is fingerprinted each time.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np

from ..fingerprints.naming import class_name
from ..fingerprints.state import is_estimator
from .layout import Layout
from .shape import NUMBERS, PLAIN, shape_of
from .watch import FINGERPRINT

_LARGEST = 1 << 16  # bytes of an array; from there on hashing itself is what takes time
_LONGEST = 256  # items of a list
_DEEPEST = 6  # levels of estimators

_REMEMBERED = 4096  # states
_verified: set[bytes] = set()

_NATIVE = frozenset("?bBhHiIlLqQefd")  # what dtype.str says of them, the platform says too


class _Beyond(Exception):
    """A value that is not covered."""


class Checksum(Layout):
    """The checksum of an object's state, and the layout that is seen on the way.

    Parameters
    ----------
    obj : Locked
        Sealed.
    vouched : callable
        Gives the watch over a sealed object in it that is intact, or None: it is covered by its fingerprint.

    Attributes
    ----------
    text : bytes or None
        None if the object holds something that is not covered; the layout is not complete then.
    """

    def __init__(self, obj: Any, vouched: Callable[[Any], Any]) -> None:
        self._vouched = vouched
        self._begin(obj, False)
        try:
            whole = marshal.dumps((vars(obj)[FINGERPRINT], self._state(obj, 1)), 2)
        except Exception:
            # Whatever can't be covered (a class without a stable name, a number too large) takes the long way.
            self.text = None
        else:
            self.text = sha256(whole).digest()

    @property
    def verified(self) -> bool:
        """Whether the fingerprint of this state was verified before, in this process."""
        return self.text is not None and self.text in _verified

    def remember(self) -> None:
        """Remember that the fingerprint of this state was verified."""
        if self.text is not None:
            if len(_verified) >= _REMEMBERED:
                _verified.clear()
            _verified.add(self.text)

    def _state(self, estimator: Any, depth: int) -> Any:
        attributes, kind = vars(estimator), type(estimator)
        shape = shape_of(kind, attributes)
        if shape.title is None or depth > _DEEPEST:
            raise _Beyond
        self.states.append((kind, attributes, shape))
        self.known &= shape.known
        values = list(shape.values(attributes))
        for i, freezing, in_private in shape.composed:
            value = values[i]
            if type(value) is np.ndarray and freezing:
                values[i] = _array(value)
                self.frozen.append(value)
            else:
                self._freezing, self._in_private = freezing, in_private
                values[i] = self._covered(value, depth)
        return b"state", shape.title, values

    def _covered(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in NUMBERS:
            return kind.__name__, value.tobytes()
        if kind is tuple or kind is list:
            if kind is list:
                self._add(value)
            if len(value) > _LONGEST:
                raise _Beyond
            return kind([item if type(item) in PLAIN else self._covered(item, depth) for item in value])
        if kind is np.ndarray:
            covered = _array(value)
            if self._freezing:
                self.frozen.append(value)
            else:
                self._compare(value, "")
            return covered
        if not is_estimator(value) or id(value) in self._seen:
            raise _Beyond
        self._seen.add(id(value))
        self.members.append(value)
        self.parts.append(value)
        if not getattr(kind, "_normlock_locked", False):
            outside = self._freezing, self._in_private
            covered = self._state(value, depth + 1)
            self._freezing, self._in_private = outside
            return covered
        watch = self._vouched(value)
        if watch is None:
            raise _Beyond
        self.watched.append(watch)
        return b"locked", class_name(kind), vars(value)[FINGERPRINT]


def _array(value: np.ndarray) -> tuple[str | bytes, tuple[int, ...], Any]:
    dtype = value.dtype
    code = dtype.char
    if code in _NATIVE:
        if value.nbytes > _LARGEST or not dtype.isnative:
            raise _Beyond
        return code, value.shape, value.tobytes()
    items = value.ravel().tolist() if code == "O" else None
    if items is None or not PLAIN.issuperset(map(type, items)):
        raise _Beyond
    return b"objects", value.shape, items
