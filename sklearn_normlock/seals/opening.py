"""Ways out of a seal: ``thaw`` to change an object on purpose, ``unlock`` to leave with the stock object."""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import NormLockError
from ..fingerprints.exclusions import PARTIAL_FIT
from ..fingerprints.state import is_estimator
from ..probes.frames import COLUMNS
from .freeze import make_writable
from .layout import Layout
from .mixin import Locked
from .opened import Opening, ThawOpening, inside_blocks
from .seal import check, open_with, seal, watch_over
from .watch import CARRIED


class thaw:  # noqa: N801 - used as a statement
    """Let a sealed object be changed on purpose; it is sealed anew on exit.

    Parameters
    ----------
    est : Locked
        Its members (the steps of a pipeline) are thawed with it.

    Yields
    ------
    est : Locked
        The same object.

    Raises
    ------
    NormLockError
        If the object is not one that can be sealed.

    Notes
    -----
    If the block raises, the old seal stays: what was changed until then is a mismatch. Only the thread or asyncio task
    that runs the block may use the object meanwhile; a call of any other raises. Copies and slices that are taken
    inside are sealed at its end, too.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> scaler = StandardScaler().fit([[0.0], [2.0]])
    >>> before = scaler.fingerprint_
    >>> with nl.thaw(scaler):
    ...     scaler.mean_[0] = 0.5
    >>> scaler.fingerprint_ == before
    False
    >>> scaler.transform([[0.5]])
    array([[0.]])
    """

    def __init__(self, est: Any) -> None:
        if not isinstance(est, Locked):
            raise NormLockError(
                f"A {type(est).__name__} has no seal to open.",
                remedy="Import its class from sklearn_normlock, or make one with `class Mine(Locked, Theirs): pass`.",
            )
        self._est = est
        self._members: list[Any] = []
        self._openings: list[tuple[Any, ThawOpening]] = []
        self.ended = False

    def __enter__(self) -> Any:
        est = self._est
        self._members = [member for member in Layout(est).members if isinstance(member, Locked)]
        try:
            for member in (est, *self._members):
                before = watch_over(member)
                if isinstance(before, Opening):
                    check(member)
                    continue  # it is open already, and stays so until what opened it is done
                opening = ThawOpening(before, self)
                self._openings.append((member, opening))
                open_with(member, opening)
            inside_blocks.set((*inside_blocks.get(), weakref.ref(self)))
            for member in (est, *Layout(est).members):
                make_writable(vars(member))
        except BaseException:
            self._leave()
            raise
        return est

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        try:
            if kind is None:
                # From the inside out: a container takes over the fingerprints of its members.
                for member in (*reversed(self._members), self._est):
                    seal(member)
        finally:
            self._leave()

    def _leave(self) -> None:
        """Close what is still open."""
        self.ended = True
        inside_blocks.set(tuple(each for each in inside_blocks.get() if each() not in (None, self)))
        for member, _ in self._openings:
            watch_over(member)


def unlock(est: Any) -> Any:
    """Return the same fitted object in scikit-learn's own classes.

    Parameters
    ----------
    est : estimator
        Locked, or with locked estimators in it; it is left as it is.

    Returns
    -------
    stock : estimator
        A copy with its own, writable arrays and the same fingerprint. It is not sealed.

    Raises
    ------
    NormLockError
        If a locked class defines methods of its own: its parent would compute something else.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> scaler = StandardScaler().fit([[0.0], [2.0]])
    >>> type(nl.unlock(scaler)).__module__
    'sklearn.preprocessing._data'
    >>> nl.fingerprint(nl.unlock(scaler)) == scaler.fingerprint_
    True
    """
    return InClasses(_stock_class).copied(est)


def _stock_class(cls: type) -> type:
    if not issubclass(cls, Locked):
        return cls
    stock = cls.__dict__.get("__fingerprint_class__")
    if stock is None:
        raise NormLockError(
            f"{cls.__name__} defines methods of its own, so that no stock class computes the same.",
            remedy="Move them to a class that does not derive from Locked, and lock that one.",
        )
    return stock


class InClasses:
    """Copies a fitted object, with each estimator in it in a class of the caller's choice.

    Parameters
    ----------
    choose : callable
        Class of an estimator -> class of its copy. The copy has the same attributes, less those of a seal.

    Attributes
    ----------
    made : list of estimator
        The copies, each behind those that it holds.
    """

    def __init__(self, choose: Callable[[type], type]) -> None:
        self.made: list[Any] = []
        self._choose = choose
        self._memo: dict[int, Any] = {}

    def copied(self, value: Any) -> Any:
        """Return the copy of a value: estimators, containers and plain objects are entered, arrays are copied."""
        if id(value) in self._memo:
            return self._memo[id(value)]
        if isinstance(value, np.ndarray) and type(value) in (np.ndarray, np.memmap):
            array = np.array(value, order="K", copy=True, subok=False)
            if array.dtype.hasobject and array.dtype.names is None and any(map(_is_composed, array.flat)):
                for place, item in enumerate(array.flat):
                    array.flat[place] = self.copied(item)
            return array
        if type(value) in (list, tuple, set):
            return type(value)(self.copied(item) for item in value)
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return type(value)(*map(self.copied, value))
        if isinstance(value, dict):
            items = {key: self.copied(item) for key, item in value.items()}
            if type(value) is dict:
                return items
            kept = copy.copy(value)  # scikit-learn's Bunch can't be made from a dict
            kept.clear()
            kept.update(items)
            return kept
        if not _is_composed(value):
            return value
        estimator = is_estimator(value)
        cls: Any = self._choose(type(value)) if estimator else type(value)
        result = self._memo[id(value)] = cls.__new__(cls)
        left: tuple[str, ...] = (*CARRIED, PARTIAL_FIT) if estimator else ()
        if estimator and not issubclass(cls, Locked):
            left += (COLUMNS,)
        for name, item in vars(value).items():
            if name not in left:
                vars(result)[name] = self.copied(item)
        if estimator:
            self.made.append(result)
        return result


def _is_composed(value: Any) -> bool:
    """Tell whether a value is an estimator, or an object of scikit-learn that may hold one and is its attributes."""
    if isinstance(value, type):
        return False
    cls = type(value)
    if is_estimator(value):
        return True
    made_plainly: Any = cls.__new__
    return cls.__module__.startswith("sklearn.") and made_plainly is object.__new__ and hasattr(value, "__dict__")
