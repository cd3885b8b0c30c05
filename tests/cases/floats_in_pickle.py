"""Every float that a pickle holds, one at a time: survey them, or write the pickle with one of them changed by one ULP.

An object travels as what pickle writes, so the floats are found where pickle writes them. Arrays, fields of structured
arrays, scalars, lists, dicts, sparse matrices and the state of compiled trees hold them, in estimators at any depth.
"""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Site:
    """A float scalar, or an array with floats in it.

    Attributes
    ----------
    number : int
        Its place in the order of pickling.
    chain : tuple
        What holds it, from the outermost object on.
    path : str
        The attribute names and keys on the way to it, where they have names.
    size : int
        How many floats it has.
    """

    number: int
    chain: tuple[Any, ...]
    path: str
    size: int


def survey(obj: Any) -> list[Site]:
    """Return the sites of an object, in the order of pickling."""
    return _Pickler(obj).sites


def altered(obj: Any, site: Site, element: int) -> bytes:
    """Return the pickle of an object with one float moved to its neighbour; nothing else differs."""
    return _Pickler(obj, (site.number, element)).data


def neighbour(value: Any) -> Any:
    """Return the next float: towards zero, from zero the smallest one; for NaN, which has no neighbour, zero."""
    value = value.dtype.type(value)
    if np.isnan(value):
        return value.dtype.type(0)
    return np.nextafter(value, value.dtype.type(0 if value != 0 else 1))


def _parts(array: np.ndarray) -> list[np.ndarray]:
    """Return views of an array that hold its floats."""
    if array.dtype.names:
        return [part for name in array.dtype.names for part in _parts(array[name])]
    if array.dtype.kind == "c":
        return [array.real, array.imag]
    return [array] if array.dtype.kind == "f" and array.size else []


class _Pickler(pickle._Pickler):  # the one in C cannot be asked what it is about to write
    def __init__(self, obj: Any, target: tuple[int, int] | None = None) -> None:
        self.sites: list[Site] = []
        self._target = target
        self._chain: list[Any] = []
        self._changed: dict[int, tuple[Any, Any]] = {}  # by the id of what it replaces, which is kept alive
        file = io.BytesIO()
        super().__init__(file, protocol=5)
        self.dump(obj)
        self.data = file.getvalue()

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, (float, np.floating, np.ndarray)):
            if id(obj) in self._changed:
                obj = self._changed[id(obj)][1]
            elif id(obj) not in self.memo:
                obj = self._visit(obj)
        self._chain.append(obj)
        super().save(obj, save_persistent_id)
        self._chain.pop()

    def _visit(self, obj: Any) -> Any:
        array = np.array(obj, copy=True, order="K", subok=False)
        parts = _parts(array)
        size = sum(part.size for part in parts)
        if not size:
            return obj
        self.sites.append(Site(len(self.sites), tuple(self._chain), self._path(obj), size))
        if self._target is None or self._target[0] != self.sites[-1].number:
            return obj
        element = self._target[1]
        for part in parts:
            if element < part.size:
                part.flat[element] = neighbour(part.flat[element])
                break
            element -= part.size
        changed = array if isinstance(obj, np.ndarray) else type(obj)(array[()])
        if type(obj) is not float:  # plain floats are written again wherever they stand
            self._changed[id(obj)] = obj, changed
        return changed

    def _path(self, obj: Any) -> str:
        names = []
        for holder, held in zip(self._chain, [*self._chain[1:], obj], strict=True):
            if isinstance(holder, dict):
                names += [str(key) for key, value in holder.items() if value is held][:1]
        return ".".join(names)
