"""A checksum of a sealed object's state that is quick to take, so that a small object is verified quickly on arrival.

A fingerprint is made to be the same everywhere and to say where two objects differ, which takes a walk through every
value. Whether a state has *arrived* as it left is a simpler question. An object whose watch says that nothing has moved
since its fingerprint was taken leaves with a checksum over its class, its fingerprint and every value that counts, as
Python's own ``marshal`` writes them (version 2 of that format, which has no references: equal values give equal bytes).
Where the checksum is right, so is the fingerprint. Where it is not, or there is none, the fingerprint decides, as it
does for whatever is large or has more to it than numbers, strings and plain arrays: a wrong checksum costs time only.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable, Container
from typing import Any

import numpy as np

from ..fingerprints.naming import class_name
from ..fingerprints.state import declares_state, is_estimator
from .shape import NUMBERS, PLAIN, shape_of
from .watch import FINGERPRINT

_LARGEST = 1 << 16  # bytes of an array; from there on hashing itself is what takes time
_DEEPEST = 6  # levels of lists, tuples and estimators

_NATIVE = frozenset("?bBhHiIlLqQefd")  # what dtype.str says of them, the platform says too


class _Beyond(Exception):
    """A value that is not covered."""


def checksum(obj: Any, vouched: Callable[[Any], Any], frozen: Container[int] | None = None) -> str | None:
    """Return the checksum of an object's state, or None if it holds something that is not covered.

    Parameters
    ----------
    obj : Locked
        Sealed.
    vouched : callable
        Says of a sealed object in it whether it is intact: it is covered by its fingerprint.
    frozen : container of int, default=None
        The ids of the arrays that nobody can have edited; any other is not covered. None takes all.
    """

    def covered(value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is np.ndarray:
            if frozen is not None and id(value) not in frozen:
                raise _Beyond
            if value.dtype.hasobject:
                items = value.ravel().tolist()
                if not {*map(type, items)} <= PLAIN:
                    raise _Beyond
                return b"objects", value.shape, items
            if value.nbytes > _LARGEST:
                raise _Beyond
            dtype = value.dtype
            return dtype.char if dtype.char in _NATIVE and dtype.isnative else dtype.str, value.shape, value.tobytes()
        if kind in NUMBERS:
            return kind.__name__, value.tobytes()
        if depth > _DEEPEST:
            raise _Beyond
        if kind is tuple or kind is list:
            return kind([item if type(item) in PLAIN else covered(item, depth + 1) for item in value])
        if not is_estimator(value):
            raise _Beyond
        if getattr(kind, "_normlock_locked", False):
            if vouched(value) is None:
                raise _Beyond
            return b"locked", class_name(kind), vars(value)[FINGERPRINT]
        return state(value, depth + 1)

    def state(estimator: Any, depth: int) -> Any:
        attributes, kind = vars(estimator), type(estimator)
        if declares_state(kind):
            raise _Beyond
        shape = shape_of(kind, attributes)
        values = [attributes[name] for name in shape.counted]
        for i in shape.composed:
            values[i] = covered(values[i], depth)
        return b"state", class_name(kind), shape.counted, values

    try:
        whole = (vars(obj)[FINGERPRINT], state(obj, 0))
        return hashlib.sha256(marshal.dumps(whole, 2)).hexdigest()
    except Exception:
        # Whatever can't be covered (a class without a stable name, a number too large for marshal) takes the long way.
        return None
