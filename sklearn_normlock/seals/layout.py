"""The layout of an object: everything that its output may depend on, found by following the attributes that count.

Each part is sorted by how it can be seen to change. An estimator, a plain object, a list, a dict, a set or a deque is
compared item by item. An array is made read-only where nobody else writes to it, and compared with a copy where
somebody may. Data frames and byte arrays are compared with a copy, too. The rest (memory of compiled objects, files,
devices, whatever is too large to be compared at each call) is named, so that it can be listed.
"""

from __future__ import annotations

import array
import copyreg
import datetime
import decimal
import enum
import functools
import pickle
import re
import types
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..fingerprints.naming import cached
from ..fingerprints.state import declares_state, is_estimator
from .shape import METHODS, NUMBERS, PLAIN, Shape, is_known, shape_of

if TYPE_CHECKING:
    from .watch import Watch

MEMBERS = 256  # estimators that are watched one by one; a larger ensemble is watched by its containers
ITEMS = 1_000  # a longer list or dict is watched by its length
WORDS = 16  # keys of a dict from which on texts are compared as one tuple, which is quicker
OBJECTS = 2_000  # plain objects that are watched
COMPARED = 1 << 16  # bytes of what is compared with a copy at each call

_PLAIN = PLAIN | NUMBERS | {bytes, complex, type, range, slice}
_IMMUTABLE = (
    *_PLAIN,
    np.generic,
    np.dtype,
    np.ufunc,
    np.random.RandomState,  # the position in a stream is use, not state
    np.random.Generator,
    np.random.BitGenerator,
    np.random.SeedSequence,
    enum.Enum,
    re.Pattern,
    decimal.Decimal,
    datetime.date,
    datetime.time,
    datetime.timedelta,
    datetime.tzinfo,
    types.ModuleType,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.WrapperDescriptorType,
    types.MethodDescriptorType,
    types.GenericAlias,
)
_CONTAINERS = (list, dict, set, deque)

# Why a part is seen to change only when the object is dumped or loaded.
COMPILED = "memory of a compiled object"
MAPPED = "a memory-mapped file, which another process may write to"
DEVICE = "an array of another library"
LARGE = f"more than {COMPARED // 1024} KB that may be written to by others"
LONG = f"a container of more than {ITEMS} items, watched by its length"
OVERRIDDEN = "a method that stands on the object itself: a call of it checks nothing"
MANY = f"beyond the first {MEMBERS} estimators or {OBJECTS} objects"


class Layout:
    """The parts of an object.

    Parameters
    ----------
    obj : estimator
        The object.
    survey : bool, default=False
        Whether to note the paths of all parts, for a list of them.

    Attributes
    ----------
    members : list of estimator
        The estimators in the object, from the outside in, itself left out.
    states : list of (type, dict, Shape)
        Class, ``__dict__`` and shape of the object and of each of its members.
    watched : list of Watch
        Over those members that are left out of the other lists, as their watches have all that is in them.
    parts : list
        The members, and plain objects in between: their class is compared. The attributes of plain objects are among
        the containers.
    known : bool
        Whether it is known of all the classes which private attributes change with use.
    containers : list
        What is compared item by item. A dict is there twice, by its keys and by its values.
    private : list of bool
        For each container, whether it belongs to a private attribute of a class that isn't known.
    sized : list
        What is compared by its length.
    worded : list of dict
        What is compared by its values, and by the words that are its keys.
    frozen : list of ndarray
        Arrays that are to be made read-only.
    compared : list
        Arrays, frames and byte arrays that are compared with a copy.
    seen, unseen : dict of str to str
        By path, how each part is watched, and why it is not; empty without a survey.
    """

    def __init__(self, obj: Any, *, survey: bool = False) -> None:
        self._begin(obj, survey)
        self._enter(obj, "")

    def _begin(self, obj: Any, survey: bool) -> None:
        self.members: list[Any] = []
        self.states: list[tuple[type, dict[str, Any], Shape]] = []
        self.watched: list[Watch] = []
        self.parts: list[Any] = []
        self.known = True
        self.containers: list[Any] = []
        self.private: list[bool] = []
        self.sized: list[Any] = []
        self.worded: list[dict[str, Any]] = []
        self.frozen: list[np.ndarray] = []
        self.compared: list[Any] = []
        self.seen: dict[str, str] = {}
        self.unseen: dict[str, str] = {}
        self._survey = survey
        self._seen = {id(obj)}
        self._freezing = True  # whether the arrays that are met belong to nobody else
        self._in_private = False

    def _enter(self, estimator: Any, path: str) -> None:
        attributes, cls = vars(estimator), type(estimator)
        shape = shape_of(cls, attributes)
        self.states.append((cls, attributes, shape))
        self.known &= shape.known
        outside = self._freezing, self._in_private
        for name in shape.visited:
            self._belongs(shape, name)
            self._visit(attributes[name], self._at(path, f".{name}"))
        if self._survey:
            self.seen.update((f"{path}.{name}".lstrip("."), "attribute") for name in shape.counted)
            if getattr(cls, "_normlock_locked", False):
                self.unseen.update((f"{path}.{name}".lstrip("."), OVERRIDDEN) for name in METHODS & attributes.keys())
        self._freezing, self._in_private = outside

    def _belongs(self, shape: Shape, name: str) -> None:
        self._freezing = shape.frozen and name not in shape.writable
        self._in_private = not shape.known and name[0] == "_"

    def _at(self, path: str, name: str) -> str:
        return (path + name).lstrip(".") if self._survey else ""

    def _unseen(self, path: str, why: str) -> None:
        if self._survey:
            self.unseen[path] = why

    def _add(self, *containers: Any) -> None:
        self.containers += containers
        self.private += [self._in_private] * len(containers)

    def _visit(self, value: Any, path: str) -> None:
        kind = type(value)
        if kind in _PLAIN:
            return
        if isinstance(value, np.ndarray):
            self._array(value, path)
            return
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        if is_estimator(value) and not isinstance(value, type):
            if len(self.members) < MEMBERS:
                self.members.append(value)
                self.parts.append(value)
                self._enter(value, path)
            else:
                self._unseen(path, MANY)
        elif isinstance(value, _CONTAINERS):
            self._container(value, path)
        elif isinstance(value, (tuple, frozenset)):
            self._items(value, path)
        else:
            _manner(kind)(self, value, path)

    def _container(self, value: Any, path: str) -> None:
        if len(value) > ITEMS:
            self.sized.append(value)
            self._unseen(path, LONG)
        elif isinstance(value, dict):
            if len(value) > WORDS and {*map(type, value)} == {str}:
                self.worded.append(value)
                self._add(value.values())
            else:
                self._add(value, value.values())
            for key, item in value.items():
                if type(item) not in _PLAIN:
                    self._visit(item, self._at(path, f"[{key!r}]"))
        else:
            self._add(value)
            self._items(value, path)

    def _items(self, values: Any, path: str) -> None:
        for i, item in enumerate(values):
            if type(item) not in _PLAIN:
                self._visit(item, self._at(path, f"[{i}]"))

    def _array(self, value: np.ndarray, path: str) -> None:
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        freezing = self._freezing
        if value.dtype.hasobject and value.size:
            items = value.view(np.ndarray)  # a masked array takes its items for arrays, and hides some
            # Gradient boosting hands its array of trees to code that asks for writable memory.
            freezing = freezing and not is_estimator(items.flat[0])
            if value.size <= ITEMS:
                self._items(items.ravel().tolist(), path)
            else:
                self._unseen(path + "[…]", LONG)
        if freezing:
            self.frozen.append(value)
        else:
            self._compare(value, path)
        mask = getattr(value, "_mask", None)
        if isinstance(mask, np.ndarray):
            self._array(mask, self._at(path, ".mask"))
        if isinstance(value, np.memmap):
            self._unseen(path, MAPPED)

    def _compare(self, value: Any, path: str) -> None:
        if _size(value) <= COMPARED:
            self.compared.append(value)
        else:
            self._unseen(path, LARGE)

    # -- other objects, each by the manner of its class -------------------------------------------------------------

    def _plain_object(self, value: Any, path: str) -> None:
        if len(self.parts) - len(self.members) >= OBJECTS:
            self._unseen(path, MANY)
            return
        self.parts.append(value)
        self.known &= is_known(type(value))
        attributes = getattr(value, "__dict__", None)
        if attributes is not None:  # an empty one may get an attribute
            self._add(attributes, attributes.values())
            for name, item in attributes.items():
                if type(item) not in _PLAIN:
                    self._visit(item, self._at(path, f".{name}"))
        names = _slots(type(value))
        if names:
            slots = SlotValues(value, names)
            self._add(slots)
            for name, item in zip(names, slots, strict=True):
                self._visit(item, self._at(path, f".{name}"))

    def _partial(self, value: Any, path: str) -> None:
        self._visit(value.func, self._at(path, ".func"))
        self._items(value.args, self._at(path, ".args"))
        self._visit(value.keywords, self._at(path, ".keywords"))

    def _method(self, value: Any, path: str) -> None:
        self._visit(value.__self__, self._at(path, ".__self__"))

    def _copied(self, value: Any, path: str) -> None:
        try:
            content(value)
        except Exception:  # whatever a class of the user's raises when it is pickled
            self._unseen(path, COMPILED)
        else:
            self._compare(value, path)

    def _leaf(self, value: Any, path: str) -> None:
        pass

    def _compiled(self, value: Any, path: str) -> None:
        self._unseen(path, COMPILED)

    def _device(self, value: Any, path: str) -> None:
        self._unseen(path, DEVICE)


class SlotValues:
    """The values of an object's slots, as something that can be gone through again and again."""

    def __init__(self, obj: Any, names: tuple[str, ...]) -> None:
        self._obj = obj
        self._names = names

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Any]:
        return (getattr(self._obj, name, None) for name in self._names)


@cached
def _slots(cls: type) -> tuple[str, ...]:
    found: list[str] = []
    for base in cls.__mro__:
        names = base.__dict__.get("__slots__", ())
        found += [names] if isinstance(names, str) else names
    return tuple(name for name in found if name not in ("__dict__", "__weakref__"))


_ARE_COPIED = ("pandas", "polars")
_DEFAULT_GETSTATE = getattr(object, "__getstate__", None)


@cached
def _manner(cls: type) -> Callable[[Layout, Any, str], None]:
    """Return how a part of a class that is neither an array, a container nor an estimator is watched."""
    if issubclass(cls, _IMMUTABLE) or issubclass(cls, type):
        return Layout._leaf
    if issubclass(cls, functools.partial):
        return Layout._partial
    if issubclass(cls, types.MethodType):
        return Layout._method
    if issubclass(cls, (bytearray, array.array)) or cls.__module__.partition(".")[0] in _ARE_COPIED:
        return Layout._copied
    if cls.__module__.startswith("scipy.") or issubclass(cls, types.SimpleNamespace):
        return Layout._plain_object  # sparse matrices and splines, whose parts are plain arrays
    if hasattr(cls, "__dlpack__") or hasattr(cls, "__array_namespace__"):
        return Layout._device
    if (
        declares_state(cls)
        or cls in copyreg.dispatch_table
        or cls.__reduce_ex__ is not object.__reduce_ex__
        or cls.__reduce__ is not object.__reduce__
        or getattr(cls, "__getstate__", None) is not _DEFAULT_GETSTATE
    ):
        # The part that counts is not the one that stands in the object, which may change with every use.
        return Layout._compiled
    return Layout._plain_object if cls.__dictoffset__ or _slots(cls) else Layout._leaf


def content(value: Any) -> bytes:
    """Return the bytes of something that is compared with a copy; of an array of objects their addresses."""
    if isinstance(value, np.ndarray):
        return value.tobytes()
    return bytes(value) if isinstance(value, bytearray) else pickle.dumps(value, 5)


def _size(value: Any) -> int:
    for name in ("nbytes", "memory_usage", "estimated_size"):  # arrays, pandas, polars
        size = getattr(value, name, None)
        if size is not None:
            return int(np.sum(size())) if callable(size) else int(size)
    return len(value) if isinstance(value, bytearray) else COMPARED if isinstance(value, array.array) else 0
