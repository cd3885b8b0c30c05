"""Read-only arrays: fitted state that can't be edited in place, and whose memory nobody else holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .shape import NUMBERS, PLAIN, parameter_names

_CONTAINERS = (list, tuple, dict)
_DEEPEST = 4  # levels of containers that are searched for arrays


def arrays_in(value: Any, depth: int = 0) -> Iterator[np.ndarray]:
    """Yield the arrays in a value: itself, the items of containers, the parts of a sparse matrix or a spline."""
    if isinstance(value, np.ndarray):
        yield value
        # The items of a masked array of text can't be had through it.
        if value.dtype.hasobject and value.size and isinstance(np.asarray(value).flat[0], np.ndarray):
            yield from (item for item in np.asarray(value).flat if isinstance(item, np.ndarray))
    elif isinstance(value, _CONTAINERS) and depth < _DEEPEST:
        for item in value.values() if isinstance(value, dict) else value:
            if isinstance(item, (np.ndarray, *_CONTAINERS)) or hasattr(item, "indptr") or hasattr(item, "t"):
                yield from arrays_in(item, depth + 1)
            elif not isinstance(item, np.generic) and not hasattr(item, "__dict__"):
                return  # a list of numbers or strings: it holds no array
    elif hasattr(value, "indptr") or (hasattr(value, "nnz") and hasattr(value, "data")):
        yield from _parts(value, ("data", "indices", "indptr", "row", "col", "offsets"))
    elif hasattr(value, "t") and hasattr(value, "c"):
        yield from _parts(value, ("t", "c"))
    elif hasattr(value, "_mgr"):  # a frame or series of pandas
        yield from (item for item in getattr(value._mgr, "arrays", ()) if isinstance(item, np.ndarray))


def _parts(value: Any, names: tuple[str, ...]) -> Iterator[np.ndarray]:
    parts = (getattr(value, name, None) for name in names)
    return (part for part in parts if isinstance(part, np.ndarray))


def own(cls: type, attributes: dict[str, Any], foreign: Sequence[np.ndarray]) -> None:
    """Give an estimator its own copy of each fitted array whose memory somebody else may hold.

    Parameters
    ----------
    cls : type
        Of the estimator.
    attributes : dict
        Its ``__dict__``; changed in place.
    foreign : list of ndarray
        The arguments and the result of fit. An array that shares memory with one of them is copied: an edit of the data
        can't change the fitted state, and locking the state doesn't lock the data.
    """
    parameters = parameter_names(cls)
    for name, value in attributes.items():
        if type(value) in _PLAIN or name in parameters:
            continue
        if isinstance(value, np.ndarray):
            # An array that owns its memory can be shared only as itself or as the base of a view.
            if value.base is not None or any(value is other or value is other.base for other in foreign):
                attributes[name] = value.copy(order="K")
        elif foreign and isinstance(value, _CONTAINERS):
            if any(_shared(array, foreign) for array in arrays_in(value)):
                attributes[name] = _copied(value)


def _shared(array: np.ndarray, foreign: Sequence[np.ndarray]) -> bool:
    return any(array is other or np.may_share_memory(array, other) for other in foreign)


def _copied(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return type(value)(map(_copied, value)) if type(value) in (list, tuple) else value


def release(arrays: Iterable[np.ndarray]) -> None:
    """Make arrays writable again, as far as their memory allows."""
    for array in arrays:
        try:
            array.flags.writeable = True
        except ValueError:  # the memory is that of a pickle, or of a file that was opened for reading
            continue


def renew(value: Any, shared: frozenset[int], parts: frozenset[int], memo: dict[int, Any]) -> Any:
    """Return a value with copies in the place of arrays that others may hold; what holds them is changed in place.

    Parameters
    ----------
    value : object
        An object, or anything in it.
    shared : frozenset of int
        The ids of the arrays.
    parts : frozenset of int
        The ids of the objects to enter.
    memo : dict
        What was met, by id.
    """
    if id(value) in memo:
        return memo[id(value)]
    memo[id(value)] = value
    if isinstance(value, np.ndarray):
        if id(value) in shared:
            memo[id(value)] = value.copy(order="K")
    elif type(value) is tuple:
        renewed = tuple(renew(item, shared, parts, memo) for item in value)
        if any(a is not b for a, b in zip(renewed, value, strict=True)):
            memo[id(value)] = renewed
    elif isinstance(value, list):
        value[:] = [renew(item, shared, parts, memo) for item in value]
    elif isinstance(value, dict):
        for key, item in value.items():
            value[key] = renew(item, shared, parts, memo)
    elif id(value) in parts and hasattr(value, "__dict__"):
        renew(vars(value), shared, parts, memo)
    return memo[id(value)]


def make_writable(attributes: dict[str, Any]) -> None:
    """Put copies in the place of those arrays of an estimator that can't be made writable."""
    for name, value in attributes.items():
        if type(value) not in _PLAIN and not all(array.flags.writeable for array in arrays_in(value)):
            attributes[name] = _copied(value)


def passed_arrays(values: Iterable[Any]) -> list[np.ndarray]:
    """Return the arrays among what was passed to a method or returned by it; lists are copied by whoever takes them."""
    return [array for value in values if not isinstance(value, _CONTAINERS) for array in arrays_in(value)]


_PLAIN = PLAIN | NUMBERS | {type}
