"""A checksum of a state that is quick to take, so that one that was verified before is known again.

A fingerprint is made to be the same everywhere and to say where two objects differ, which takes a walk through every
value. A process that loads the same small object over and over (a worker that is sent the pipeline with each task) has
done that before. It remembers the checksums of the states whose fingerprints it has verified itself. The checksum is
over the class, the fingerprint and every value that counts, as Python's own ``marshal`` writes them (version 2 of that
format, which has no references: equal values give equal bytes). It never comes from a file: what arrives with an object
says nothing of the object. Whatever is large, or has more to it than numbers, strings and plain arrays, is
fingerprinted each time.
"""

from __future__ import annotations

import marshal
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import numpy as np

from ..fingerprints.naming import class_name
from ..fingerprints.state import declares_state, is_estimator
from .layout import Layout
from .shape import NUMBERS, PLAIN, shape_of
from .watch import FINGERPRINT

_LARGEST = 1 << 16  # bytes of an array; from there on hashing itself is what takes time
_LONGEST = 256  # items of a list
_DEEPEST = 6  # levels of estimators

_REMEMBERED = 4096  # states
_verified: set[str] = set()

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
    text : str or None
        None if the object holds something that is not covered; the layout is not complete then.
    """

    def __init__(self, obj: Any, vouched: Callable[[Any], Any]) -> None:
        self._vouched = vouched
        self._depth = 0
        try:
            super().__init__(obj)
            whole = marshal.dumps((vars(obj)[FINGERPRINT], self.state), 2)
        except Exception:
            # Whatever can't be covered (a class without a stable name, a number too large) takes the long way.
            self.text = None
        else:
            self.text = sha256(whole).hexdigest()

    @property
    def known(self) -> bool:
        """Whether the fingerprint of this state was verified before, in this process."""
        return self.text is not None and self.text in _verified

    def remember(self) -> None:
        """Remember that the fingerprint of this state was verified."""
        if self.text is not None:
            if len(_verified) >= _REMEMBERED:
                _verified.clear()
            _verified.add(self.text)

    def _enter(self, estimator: Any, path: str = "") -> Any:
        attributes, kind = vars(estimator), type(estimator)
        self._depth += 1
        if declares_state(kind) or self._depth > _DEEPEST:
            raise _Beyond
        shape = shape_of(kind, attributes)
        self.states.append((kind, attributes, shape))
        values = [attributes[name] for name in shape.counted]
        for i in shape.composed:
            self._belongs(shape, shape.counted[i])
            values[i] = self._covered(values[i])
        self._depth -= 1
        return b"state", class_name(kind), shape.counted, values

    def _covered(self, value: Any) -> Any:
        kind = type(value)
        if kind is np.ndarray:
            self._array(value, "")
            dtype = value.dtype
            if dtype.char in _NATIVE and dtype.isnative:
                if value.nbytes > _LARGEST:
                    raise _Beyond
                return dtype.char, value.shape, value.tobytes()
            items = value.ravel().tolist() if dtype.hasobject else None
            if items is None or not {*map(type, items)} <= PLAIN:
                raise _Beyond
            return b"objects", value.shape, items
        if kind in NUMBERS:
            return kind.__name__, value.tobytes()
        if kind is tuple or kind is list:
            if kind is list:
                self._add(value)
            if len(value) > _LONGEST:
                raise _Beyond
            return kind([item if type(item) in PLAIN else self._covered(item) for item in value])
        if not is_estimator(value) or id(value) in self._seen:
            raise _Beyond
        self._seen.add(id(value))
        self.members.append(value)
        if not getattr(kind, "_normlock_locked", False):
            return self._enter(value)
        watch = self._vouched(value)
        if watch is None:
            raise _Beyond
        self.watched.append(watch)
        return b"locked", class_name(kind), vars(value)[FINGERPRINT]
