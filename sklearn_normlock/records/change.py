"""A change: one difference between two records, and how it is told.

Pure Python, so that two locks can be compared where neither scikit-learn nor NumPy is installed.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Any

from .relations import Relation


class Kind(enum.Enum):
    """The kind of change at a path."""

    VALUE = "value"
    ELEMENTS = "elements"
    SHAPE = "shape"
    DTYPE = "dtype"
    CLASS = "class"
    ADDED = "added"
    REMOVED = "removed"
    CONTENT = "content"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One difference between two records.

    Parameters
    ----------
    path : str
        Where, such as ``"scaler.mean_"``.
    kind : Kind
        What happened there.
    expected, actual : object
        Both sides: the ``repr`` of a value, a shape, a dtype, a class; for elements the worst of them.
    label : str
        The worst element, such as ``'["worst area"]'`` or ``"[3]"``; empty for anything but elements.
    shown : tuple of (label, expected, actual)
        The few worst elements, the worst first.
    differing, size : int
        How many elements differ, of how many.
    rounded : int
        How many others differ by round-off alone.
    distance : float
        How far the worst element moved, relative to itself.
    summarised : bool
        Whether the path is a large array, of which the records hold a summary that hasn't moved more than ``distance``.
    relation : Relation, default=None
        What both sides have to do with one another, such as a factor of 1000; None if nothing that is known.
    """

    path: str
    kind: Kind
    expected: Any = None
    actual: Any = None
    label: str = ""
    shown: tuple[tuple[str, Any, Any], ...] = ()
    differing: int = 0
    size: int = 0
    rounded: int = 0
    distance: float = 0.0
    summarised: bool = False
    relation: Relation | None = None

    @property
    def where(self) -> str:
        """The path of what differs most, down to the element."""
        return self.path + self.label

    def describe(self, path: str | None = None) -> str:
        """Say it in one sentence part.

        Parameters
        ----------
        path : str, default=None
            Named in place of the whole path, where a step is named already.
        """
        path = self.path if path is None else path
        if self.kind is Kind.ADDED:
            return f"{path} is {plain_text(self.actual)} now, and was not there when fitted"
        if self.kind is Kind.REMOVED:
            return f"{path} was {plain_text(self.expected)} when fitted, and is gone now"
        if self.kind is Kind.CONTENT:
            return f"{path}{self.label} holds something else than when fitted"
        if self.kind is Kind.ELEMENTS:
            parts = [
                f"{path}{label} {plain_text(old)} when fitted, {plain_text(new)} now"
                if i == 0
                else f"{label.strip()} {plain_text(old)} → {plain_text(new)}"
                for i, (label, old, new) in enumerate(self.shown)
            ]
            rest = self.differing - len(parts)
            more = f" ({rest} more of {self.size} differ)" if rest > 0 else ""
            return ", ".join(parts) + more
        noun = {Kind.SHAPE: " had shape", Kind.DTYPE: " had dtype", Kind.CLASS: " was a"}.get(self.kind, "")
        return f"{path}{noun} {plain_text(self.expected)} when fitted, {plain_text(self.actual)} now"


def plain_text(value: Any) -> str:
    """Return a value as it is shown: numbers to six digits."""
    if isinstance(value, float):
        return f"{value:.6g}" if value == 0 or not math.isfinite(value) or abs(value) > 1e-300 else repr(value)
    return str(value)


def within(change: Change, rtol: float) -> bool:
    """Tell whether a change is one that a refit within this tolerance makes."""
    if change.kind is Kind.ELEMENTS:
        return change.distance <= rtol
    if change.kind is Kind.CONTENT:
        return change.summarised
    if change.kind is not Kind.VALUE:
        return False
    try:
        old, new = float(change.expected), float(change.actual)
    except (TypeError, ValueError):
        return False
    return abs(old - new) <= rtol * max(abs(old), abs(new))
