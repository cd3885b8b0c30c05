"""Every ordinary way to change what a fitted object holds, found by walking it.

The walk knows nothing of how a seal watches. It follows attributes, slots, items and what methods and partial functions
are bound to. It yields an edit for each piece of state that Python lets anybody change, with what undoes it.
"""

from __future__ import annotations

import collections
import functools
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator

MOST = 4  # items of a container that are followed and edited
DEEPEST = 12


class Edit(NamedTuple):
    """A change of one piece of state.

    Parameters
    ----------
    path : str
        Of what is changed, as ``normlock show`` writes it.
    kind : str
        Of what, and how.
    do, undo : callable
        Make the change, and take it back.
    """

    path: str
    kind: str
    do: Callable[[], Any]
    undo: Callable[[], Any]


class Other:
    """A value that nothing held before."""


def edits(obj: Any) -> Iterator[Edit]:
    """Yield the edits of everything in an object that can be reached and changed."""
    seen: set[int] = set()
    waiting: collections.deque[tuple[Any, str, int]] = collections.deque([(obj, "", 0)])
    while waiting:
        value, path, depth = waiting.popleft()
        if id(value) in seen or depth > DEEPEST:
            continue
        seen.add(id(value))
        yield from _edits_of(value, path)
        waiting += [(part, at, depth + 1) for part, at in _parts(value, path)]


def _noun(value: Any) -> str:
    if isinstance(value, BaseEstimator):
        return "estimator"
    if isinstance(value, np.ndarray):
        own = "" if type(value) is np.ndarray else f"{type(value).__name__} of "
        return f"{own}array of {value.dtype.kind if value.dtype.names is None else 'records'}{value.ndim}"
    name = type(value).__name__
    return name if type(value).__module__ in ("builtins", "collections", "functools") else f"object {name}"


def _attributes(value: Any) -> dict[str, Any] | None:
    if isinstance(value, (type, types.FunctionType, types.ModuleType, np.ndarray, np.generic)):
        return None
    found = getattr(value, "__dict__", None)
    return found if isinstance(found, dict) else None


def _slots(value: Any) -> list[str]:
    names = [name for base in type(value).__mro__ for name in _as_names(base.__dict__.get("__slots__", ()))]
    return [name for name in names if name not in ("__dict__", "__weakref__") and hasattr(value, name)]


def _as_names(slots: Any) -> tuple[str, ...]:
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _parts(value: Any, path: str) -> Iterator[tuple[Any, str]]:
    """Yield what a value holds, with its path."""
    attributes = _attributes(value)
    if attributes:
        yield from ((item, f"{path}.{name}".lstrip(".")) for name, item in attributes.items())
    if isinstance(value, dict):
        yield from ((item, f"{path}[{key!r}]") for key, item in list(value.items())[:MOST])
    elif isinstance(value, (list, tuple, collections.deque, set, frozenset)):
        yield from ((item, f"{path}[{i}]") for i, item in enumerate(list(value)[:MOST]))
    elif isinstance(value, np.ndarray) and value.dtype.hasobject and value.size:
        yield from ((item, f"{path}[{i}]") for i, item in enumerate(value.ravel().tolist()[:MOST]))
    elif isinstance(value, functools.partial):
        yield from ((value.func, f"{path}.func"), (value.keywords, f"{path}.keywords"))
        yield from ((item, f"{path}.args[{i}]") for i, item in enumerate(value.args))
    elif isinstance(value, types.MethodType):
        yield value.__self__, f"{path}.__self__"
    elif attributes is None and type(value).__module__.partition(".")[0] in ("sklearn", "scipy"):
        # Memory of compiled objects, by the arrays that they show.
        for name in dir(type(value)):
            if not name.startswith("_") and isinstance(getattr(type(value), name), types.GetSetDescriptorType):
                part = getattr(value, name, None)
                if isinstance(part, np.ndarray):
                    yield part, f"{path}.{name}"


def _edits_of(value: Any, path: str) -> Iterator[Edit]:
    noun = _noun(value)
    attributes = _attributes(value)
    if attributes is not None and not isinstance(value, types.MethodType):
        for name in [name for name in attributes if isinstance(name, str)]:
            at = f"{path}.{name}".lstrip(".")
            of = f"{noun}: {'fitted ' if name.endswith('_') else 'private ' if name[0] == '_' else ''}"
            yield _attribute(value, name, at, f"{of}{type(attributes[name]).__name__} attribute set")
            yield _deletion(value, name, at, f"{of}attribute deleted")
        yield Edit(
            path,
            f"{noun}: attribute added",
            functools.partial(setattr, value, "another_", 1.0),
            lambda: attributes.pop("another_", None),
        )
        if type(value).__flags__ & (1 << 9) and path:  # a class that Python made
            made = type(value).__name__, (type(value),), {"__slots__": ()}
            yield Edit(
                path,
                f"{noun}: class set",
                lambda: setattr(value, "__class__", type(*made)),
                functools.partial(setattr, value, "__class__", type(value)),
            )
    for name in _slots(value):
        yield _attribute(value, name, f"{path}.{name}", f"{noun}: slot set")
    if isinstance(value, np.ndarray):
        yield from _array(value, path, noun)
    elif isinstance(value, dict):
        yield from _mapping(value, path, noun)
    elif isinstance(value, (list, collections.deque)):
        yield from _sequence(value, path, noun)
    elif isinstance(value, set):
        yield Edit(path, f"{noun}: item added", lambda: value.add(Other), lambda: value.discard(Other))
    elif isinstance(value, bytearray) and value:
        yield Edit(path, f"{noun}: byte set", lambda: _flip(value), lambda: _flip(value))
    elif sp.issparse(value) and value.nnz:
        entries = value.data.copy()
        yield Edit(
            path,
            f"{noun}: entry set",
            lambda: value.data.__setitem__(..., value.data + 1),
            lambda: value.data.__setitem__(..., entries),
        )


def _flip(value: bytearray) -> None:
    value[0] ^= 1


def _attribute(value: Any, name: str, path: str, kind: str) -> Edit:
    old = getattr(value, name)
    return Edit(path, kind, lambda: setattr(value, name, _changed(old)), lambda: setattr(value, name, old))


def _deletion(value: Any, name: str, path: str, kind: str) -> Edit:
    attributes = vars(value)
    before = dict(attributes)

    def undo() -> None:
        attributes.clear()  # in the order that it had
        attributes.update(before)

    return Edit(path, kind, lambda: delattr(value, name), undo)


def _changed(old: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(old, (bool, np.bool_)):
        return not old
    if isinstance(old, (int, float, np.number)):
        return old + 1
    if isinstance(old, str):
        return old + "?"
    if isinstance(old, np.ndarray) and old.dtype.kind in "fiu" and old.size:
        return old + old.dtype.type(1)
    return Other()


def _array(value: np.ndarray, path: str, noun: str) -> Iterator[Edit]:
    if not value.size:
        return
    flat = value.reshape(-1) if value.flags.forc else value.flat
    old = value.ravel()[0]
    if value.dtype.names is not None:
        new = np.zeros((), value.dtype)[()] if any(old[name] != 0 for name in value.dtype.names) else None
        if new is None:
            return
    elif value.dtype.kind in "fiub":
        new = np.logical_not(old) if value.dtype.kind == "b" else value.dtype.type(0 if old else 1)
    elif value.dtype.kind in "OUS":
        new = "?" if value.dtype.kind == "U" else b"?" if value.dtype.kind == "S" else Other()
    else:
        return
    yield Edit(path, f"{noun}: element set", lambda: flat.__setitem__(0, new), lambda: flat.__setitem__(0, old))
    if value.dtype.kind in "fiu" and value.dtype.names is None:
        kept = value.copy()
        yield Edit(
            path,
            f"{noun}: multiplied in place",
            lambda: np.multiply(value, 3, out=value, casting="unsafe") if value.any() else np.add(value, 1, out=value),
            lambda: np.copyto(value, kept),
        )
    if value.ndim > 1 and value.dtype.kind != "O" and len(value) > 1 and not np.array_equal(value[0], value[1]):
        order = value.copy()
        yield Edit(
            path,
            f"{noun}: rows swapped",
            lambda: value.__setitem__(slice(0, 2), order[1::-1]),
            lambda: np.copyto(value, order),
        )


def _mapping(value: dict[Any, Any], path: str, noun: str) -> Iterator[Edit]:
    before = dict(value)

    def undo() -> None:
        value.clear()
        value.update(before)

    yield Edit(path, f"{noun}: key added", lambda: value.__setitem__("another key", 1), undo)
    for key in list(value)[:MOST]:
        at = f"{path}[{key!r}]"
        kind = type(value[key]).__name__
        yield Edit(
            at, f"{noun}: {kind} value set", functools.partial(value.__setitem__, key, _changed(value[key])), undo
        )
        yield Edit(at, f"{noun}: key deleted", functools.partial(value.pop, key), undo)
    if len(value) > 1:
        first = next(iter(value))

        def renamed() -> None:
            value[f"{first}?"] = value.pop(first)

        yield Edit(path, f"{noun}: key renamed", renamed, undo)


def _sequence(value: Any, path: str, noun: str) -> Iterator[Edit]:
    before = list(value)

    def undo() -> None:
        value.clear()
        value.extend(before)

    yield Edit(path, f"{noun}: item added", lambda: value.append(Other()), undo)
    for i in range(min(len(value), MOST)):
        kind = type(value[i]).__name__
        yield Edit(
            f"{path}[{i}]",
            f"{noun}: {kind} item set",
            functools.partial(value.__setitem__, i, _changed(value[i])),
            undo,
        )
    if value:
        yield Edit(path, f"{noun}: item removed", value.pop, undo)
    if len(value) > 1 and value[0] is not value[-1]:
        yield Edit(path, f"{noun}: reversed", value.reverse, undo)
