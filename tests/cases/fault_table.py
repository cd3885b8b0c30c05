"""Faults of fitted objects that scikit-learn lets pass: what is done, to what, and where the error must say it is.

A row applies to the same object twice: of locked classes it must raise, of scikit-learn's own it shows what happens
without. What a row is, is said here; the rows are in `fault_steps`, `fault_members`, `fault_scaler` and
`fault_transformers`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fault_objects import NUMBERS, people

from sklearn_normlock.errors import FingerprintMismatchError, MissingFingerprintError, PipelineMismatchError

STEP, STATE, MISSING = PipelineMismatchError, FingerprintMismatchError, MissingFingerprintError


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One kind of fault.

    Parameters
    ----------
    name : str
        What is done.
    kit : str
        To what: a key of `fault_objects.KITS`.
    apply : callable
        ``apply(obj, v2)`` does it; ``v2()`` gives the same kind of object, fitted on other data.
    path : str
        Where the error must say that it is, down to the attribute; an element may follow.
    error : type
        What a call must raise.
    harm : bool
        Whether the same fault moves what scikit-learn's own object puts out.
    loud : str
        Why scikit-learn's own object is not silent; empty if it is.
    unseen : str
        Why a call does not see it although a load does; empty if a call does.
    unloaded : str
        Why a load does not apply; empty if it does.
    assembles : bool
        Whether the faulty object is the one that ``apply`` returns.
    """

    name: str
    kit: str
    apply: Callable[[Any, Callable[[], Any]], Any]
    path: str
    error: type = STEP
    harm: bool = True
    loud: str = ""
    unseen: str = ""
    unloaded: str = ""
    assembles: bool = False


def edit(array: Any, at: Any, value: Any) -> None:
    """Edit a read-only array in place, as somebody does who has met the error that it is read-only."""
    array.flags.writeable = True
    array[at] = value


def put(obj: Any, **attributes: Any) -> None:
    """Bind attributes anew."""
    for name, value in attributes.items():
        setattr(obj, name, value)


def drifted() -> Any:
    return people(seed=1)[0][NUMBERS]


def strip(obj: Any, *names: str) -> None:
    """Remove what a seal has put into an object; in scikit-learn's own there is nothing."""
    for name in names or [n for n in vars(obj) if n == "fingerprint_" or n.startswith("_normlock")]:
        vars(obj).pop(name, None)


def drop(items: list[Any], at: int) -> None:
    del items[at]


def swap(items: list[Any]) -> None:
    items[0], items[1] = items[1], items[0]


def retuple(items: list[Any], at: int, **parts: Any) -> None:
    """Replace parts of one ``(name, estimator, columns)`` tuple in a list."""
    name, estimator, *columns = items[at]
    new = [parts.get("name", name), parts.get("estimator", estimator), *columns]
    if "columns" in parts:
        new[2] = parts["columns"]
    items[at] = tuple(new)


def step(pipe: Any, index: int, estimator: Any) -> None:
    pipe.steps[index] = (pipe.steps[index][0], estimator)


def changed(array: Any, at: Any, value: Any) -> Any:
    """Return a copy of an array with one element changed."""
    array = array.copy()
    array[at] = value
    return array
