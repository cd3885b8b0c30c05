"""A fault: words, a remedy, candidates that could be undone, and an injector. A candidate: one inverse of one fault."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..profiles.summary import Summary
from .case import Case

MISSING = "missing values"


@dataclass(frozen=True)
class Candidate:
    """One way in which a batch may have come about, and the batch without it.

    Parameters
    ----------
    fault : str
        The name that it would have.
    columns : ndarray of int
        The columns that it touches.
    undone : ndarray of shape (n_rows, n_columns)
        The batch with the fault undone; NaN where a value is lost.
    cost : float
        How much there is to say, in nats: which columns, which of the known parameters, each estimated one.
    details : dict
        What is told of it.
    each : dict of int to dict
        What is told of single columns.
    whole : bool
        Whether it touches the table as a whole, so that no columns are told.
    free : bool
        Whether its parameters were estimated from the batch. Then the distributions must match, drift aside.
    rounded : bool
        Whether undoing gives training's values only nearly, as a deviation over n - 1 does; estimates always do.
    separable : bool
        Whether it may be true of some of its columns only; an order is not.
    also : tuple of str
        Faults that would leave the same numbers.
    """

    fault: str
    columns: Any
    undone: Any
    cost: float
    details: dict[str, Any] = field(default_factory=dict)
    each: dict[int, dict[str, Any]] = field(default_factory=dict)
    whole: bool = False
    free: bool = False
    rounded: bool = False
    separable: bool = True
    also: tuple[str, ...] = ()


class Fault:
    """A kind of fault. A subclass in its family's file, and a place in the table, is all that a new kind takes."""

    name: str
    #: A sentence without its full stop, completed with the columns and the details.
    words: str
    remedy: str

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield what may have happened to a batch that alarms, if it was this fault."""
        return iter(())

    def inject(self, profile: Summary, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Return rows to which the fault was done, in some columns or in all."""
        raise NotImplementedError

    def sentence(self, columns: str, details: dict[str, Any]) -> str:
        """Return what happened, in a sentence without its full stop."""
        return self.words.format_map(_Details(details, columns=columns))


class Unknown(Fault):
    """The answer if nothing in the table undoes what the tests saw."""

    name = "unknown"
    words = "the data differs from training in {columns}, and nothing in the catalogue undoes it"
    remedy = "Look at the columns named. It may be the world that changed: retrain if the change is real."


class MissingChanged(Fault):
    """Words about missing values, which are told beside any fault, and of `unknown` if there is nothing else."""

    name = MISSING
    words = "missing values differ from training in {columns}: {missing}"
    remedy = "Find where the values were lost, or filled in, upstream: a join, a parser, a feed that stopped."


class _Details(dict):
    def __init__(self, details: dict[str, Any], columns: str) -> None:
        super().__init__({k: _said(v) for k, v in details.items()}, columns=columns)

    def __missing__(self, key: str) -> str:
        return "?"


def _said(value: Any) -> Any:
    """Return a number to six digits, and an interval as its two ends."""
    if isinstance(value, float):
        return f"{value:.6g}"
    interval = isinstance(value, list) and len(value) == 2 and all(isinstance(each, float) for each in value)
    return " and ".join(map(_said, value)) if interval else value


def replaced(X: Any, columns: Any, values: Any) -> Any:
    """Return a copy of X with other values in some columns."""
    Y = X.copy()
    Y[:, columns] = values
    return Y
