"""Order statistics of all rows, exact, in a few passes over parts that are never held together.

A float64 is mapped to an integer of the same order. The first pass counts the leading 16 bits. Only values that share
their leading bits with a wanted order statistic are looked at again, by more bits, until the value is known. Memory is
bounded by the number of wanted ranks, not of rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .tables import Heading, merged_heading, numbers

_TOP = np.uint64(1 << 63)
_FIRST = 48  # bits that the first pass leaves open
_FEW = 65_536  # so many values of a column are asked for in full


def keys_of(values: Any) -> Any:
    """Return integers in the order of the values.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.partitions.ranks import keys_of, values_of
    >>> np.argsort(keys_of(np.array([1.0, -2.0, 0.5])))
    array([1, 2, 0])
    >>> values_of(keys_of(np.array([-2.5])))
    array([-2.5])
    """
    bits = (np.asarray(values, dtype=np.float64) + 0.0).view(np.uint64)  # + 0.0: one zero
    return np.where(bits & _TOP, ~bits, bits | _TOP)


def values_of(keys: Any) -> Any:
    """Return the values of which :func:`keys_of` made the keys."""
    keys = np.asarray(keys, dtype=np.uint64)
    return np.where(keys & _TOP, keys ^ _TOP, ~keys).view(np.float64)


@dataclass(frozen=True)
class Counted:
    """How often each leading part of a key was met, by column."""

    heading: Heading
    columns: tuple[tuple[Any, Any], ...]  # sorted prefixes, counts

    def merge(self, other: Counted) -> Counted:
        """Return the counts of both."""
        heading = merged_heading(self.heading, other.heading)
        columns = []
        for (mine, n), (theirs, m) in zip(self.columns, other.columns, strict=True):
            prefixes, where = np.unique(np.concatenate([mine, theirs]), return_inverse=True)
            counts = np.zeros(len(prefixes), dtype=np.int64)
            np.add.at(counts, where.ravel(), np.concatenate([n, m]))
            columns.append((prefixes, counts))
        return Counted(heading, tuple(columns))


@dataclass(frozen=True)
class _Count:
    """Count the leading bits of the values that may be wanted, in one part."""

    whose: str
    shifts: tuple[int, ...]
    wanted: tuple[tuple[int, Any], ...] | None = None  # by column: bits that were left open, sorted prefixes

    def __call__(self, part: Any) -> Counted:
        heading, table = numbers(part, self.whose)
        columns = []
        for j in range(heading.width):
            column = table[:, j]
            keys = keys_of(column[~np.isnan(column)])
            if self.wanted is not None:
                shift, prefixes = self.wanted[j]
                there = keys >> np.uint64(shift)
                at = np.minimum(np.searchsorted(prefixes, there), len(prefixes) - 1)
                keys = keys[prefixes[at] == there] if len(prefixes) else keys[:0]
            columns.append(_counted(keys >> np.uint64(self.shifts[j if len(self.shifts) > 1 else 0])))
        return Counted(heading, tuple(columns))


def _counted(prefixes: Any) -> tuple[Any, Any]:
    found, counts = np.unique(prefixes, return_counts=True)
    return found, counts.astype(np.int64)


def order_statistics(
    reduce: Callable[[Any, Any], Any], ranks: Callable[[int, int], Any], whose: str
) -> tuple[Heading, list[Any], list[int]]:
    """Return values at wanted ranks of each column.

    Parameters
    ----------
    reduce : callable
        Gives the merged summary of all parts; see :func:`sklearn_normlock.partitions.fit`.
    ranks : callable
        From the count of a column's values, and that of all rows, to the wanted ranks (integers from 0).
    whose : str
        Name of the estimator, for messages.

    Returns
    -------
    heading : Heading
        What the columns are called.
    values : list of ndarray
        The order statistics of each column, in the order of its ranks; empty for a column without values.
    counts : list of int
        Number of values in each column.
    """
    counted = reduce(_Count(whose, (_FIRST,)), Counted.merge)
    heading = counted.heading
    counts = [int(n.sum()) for _, n in counted.columns]
    wanted = [
        np.asarray(ranks(count, heading.rows), dtype=np.int64) if count else np.zeros(0, np.int64) for count in counts
    ]
    # By column: bits left open, and for each wanted rank its prefix, and its rank among the values with that prefix.
    shifts = [_FIRST] * heading.width
    states = [_located(column, rank) for column, rank in zip(counted.columns, wanted, strict=True)]
    while any(shifts):
        known, following = [], []
        for shift, (prefixes, _, candidates) in zip(shifts, states, strict=True):
            known.append((shift, np.unique(prefixes)))
            step = 16 if len(known[-1][1]) <= 16 else 8
            following.append(0 if candidates <= _FEW else max(shift - step, 0))
        counted = reduce(_Count(whose, tuple(following), tuple(known)), Counted.merge)
        states = [
            _narrowed(column, shift - after, state)
            for column, shift, after, state in zip(counted.columns, shifts, following, states, strict=True)
        ]
        shifts = following
    return heading, [values_of(prefixes) for prefixes, _, _ in states], counts


def _located(column: tuple[Any, Any], ranks: Any) -> tuple[Any, Any, int]:
    prefixes, counts = column
    ends = np.cumsum(counts)
    at = np.searchsorted(ends, ranks, side="right")
    within = ranks - (ends[at] - counts[at]) if len(ranks) else ranks
    return prefixes[at], within, int(counts[np.unique(at)].sum()) if len(ranks) else 0


def _narrowed(column: tuple[Any, Any], bits: int, state: tuple[Any, Any, int]) -> tuple[Any, Any, int]:
    """Go on from ranks within longer prefixes: counts of what begins with each are next to each other."""
    prefixes, counts = column
    before, within, _ = state
    if not len(before):
        return state
    starts = np.searchsorted(prefixes >> np.uint64(bits), before, side="left")
    return _located(column, np.concatenate([[0], np.cumsum(counts)])[starts] + within)


def interpolated(values: Any, counts: int, shares: Any) -> Any:
    """Return quantiles from what :func:`neighbours` asked for, interpolated as NumPy does by default."""
    if not counts:
        return np.full(len(shares), np.nan)
    low, high = values[: len(shares)], values[len(shares) :]
    position = np.asarray(shares) * (counts - 1)
    part = position - np.floor(position)
    with np.errstate(over="ignore", invalid="ignore"):
        step = high - low
        return np.where(part >= 0.5, high - step * (1 - part), low + step * part)


def neighbours(count: int, shares: Any) -> Any:
    """Return the ranks on either side of each quantile: all lower ones, then all upper ones."""
    low = np.floor(np.asarray(shares) * (count - 1)).astype(np.int64)
    return np.concatenate([low, np.minimum(low + 1, count - 1)])
