"""The distribution of a column in a few points: a piecewise linear distribution function with jumps.

A point is a value and the share of rows at or below it; a value that many rows share has two points, before and after
its jump. The spacing follows the normal distribution's, so that tails are seen as well as the middle. The sketch of a
few dozen rows is the data's own distribution function.

Steps are what the values of a column are multiples of: cents, tenths of a degree, whole years. Once scaled, they are
steps of the column's own, to the last digit, on which nothing lies that was scaled otherwise or computed with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from ...documents.entries import Entry
from ..calibration import CALIBRATION as C
from .statistics import tied_pairs

#: Shares at which a distribution is kept, beside its jumps.
GRID = np.concatenate([[0.0], ndtr(np.linspace(-3.1, 3.1, 45)), [1.0]])


def sketch_of(ordered: Any) -> tuple[tuple[Any, Any], float]:
    """Return the points (values, shares) of finite values in ascending order; shares go from 0 to 1.

    Beside them comes the share of pairs of rows that have the same value, other than one that is a jump.
    """
    n = len(ordered)
    if not n:
        return (np.zeros(0), np.zeros(0)), 0.0
    starts = np.flatnonzero(np.diff(ordered, prepend=-np.inf))
    counts = np.diff(starts, append=n)
    often = counts >= (1 if n <= C.rows_kept else max(C.jump * n, 3))
    jumps, before, after = ordered[starts[often]], starts[often] / n, (starts + counts)[often] / n
    # An order statistic stands at the middle of its step.
    at = np.clip(np.rint(GRID * n - 0.5).astype(np.int64), 0, n - 1)
    at = np.unique(at[~np.isin(ordered[at], jumps)])
    values = np.concatenate([ordered[:1], ordered[at], jumps, jumps, ordered[-1:]])
    shares = np.concatenate([[0.0], (at + 0.5) / n, before, after, [1.0]])
    order = np.lexsort((shares, values))
    # As precise as they are stored, so that a profile says the same before and after.
    return (values[order], shares[order].astype(np.float32).astype(np.float64)), tied_pairs(counts[~often], n)


def share_below(values: Any, shares: Any, x: Any) -> tuple[Any, Any]:
    """Return the share of rows below each x, and that at or below it, which differ where there is a jump."""
    if not len(values):
        return np.zeros(np.shape(x)), np.zeros(np.shape(x))
    # Among points of one value NumPy takes the last: as seen from above, the first.
    return -np.interp(-x, -values[::-1], -shares[::-1]), np.interp(x, values, shares)


def share_within(values: Any, shares: Any, low: Any, high: Any) -> Any:
    """Return the share of rows from low to high, both included."""
    return share_below(values, shares, high)[1] - share_below(values, shares, low)[0]


def quantile(values: Any, shares: Any, q: Any) -> Any:
    """Return the value below which a share q of the rows lies; NaN for a column without a number in it."""
    return np.interp(q, shares, values) if len(values) else np.full(np.shape(q), np.nan)


def merged(one: tuple[Any, Any], n_one: int, other: tuple[Any, Any], n_other: int) -> tuple[Any, Any]:
    """Return the sketch of two parts of so many rows, drawn evenly from the sketches of both."""
    if not len(one[0]) or not len(other[0]):
        return one if len(one[0]) else other
    rows = min(n_one + n_other, C.rows_of_sketch)
    first = round(rows * n_one / (n_one + n_other))
    drawn = [quantile(*part, (np.arange(n) + 0.5) / n) for part, n in ((one, first), (other, rows - first)) if n]
    ordered = np.sort(np.concatenate(drawn))
    ordered[0], ordered[-1] = min(one[0][0], other[0][0]), max(one[0][-1], other[0][-1])
    return sketch_of(ordered)[0]


def read_sketch(d: Entry, some: bool, largest: float) -> tuple[Any, Any]:
    """Read a list of two packed arrays: no points unless there are ``some``, and no value greater than ``largest``."""
    one, other = d.elements(2)
    values, shares = one.packed("<f8", None, -largest, largest), other.packed("<f4", None, 0, 1)
    ends = not some or (*shares[:1], *shares[-1:]) == (0, 1)
    ascending = all((np.diff(each) >= 0).all() for each in (values, shares))
    sound = len(values) == len(shares) and (len(values) > 1) == some and ends and ascending
    d.require(sound, "ascending values and as many ascending shares, from 0 to 1")
    return values, shares


# -- steps -------------------------------------------------------------------------------------------------------------


def steps_of(X: Any, sketches: list[tuple[Any, Any]]) -> Any:
    """Return an offset and a step for each column, and what share of its values is none of its multiples.

    The step is that of the values in a column's sketch; 0, 0, 1 for a column without one.
    """
    out = np.zeros((3, X.shape[1]))
    out[2] = 1.0
    for j, x in enumerate(X.T):
        points = np.unique(sketches[j][0])
        known = np.sort(x[~np.isnan(x)])
        if (step := common_step(points)) and not _ranks(known, step):
            out[:, j] = points[0], step, np.mean(np.abs(residual(known, points[0], step)) > C.near_step * step)
    return out


def _ranks(x: Any, step: float) -> bool:
    """Tell whether ordered values are ranks, or lie between two, as a quantile transformer gives to its own rows alone.

    Either no two rows are equal, though so many would share one of so few multiples. Or values from 0 to 1, in about as
    many steps as there are rows, say how many lie below, as well as a part of the ranked rows can tell.
    """
    m, times = len(x), np.ptp(x) / step
    if (np.diff(x) > 0).all() and times < m**2 / C.pairs_of_ranks:
        return True
    inner = (x > x[0]) & (x < x[-1])
    below = (np.searchsorted(x, x) + np.searchsorted(x, x, side="right")) / (2 * m)
    own = x[0] >= 0 and x[-1] <= 1 and inner.any() and times > C.most_ranked * m
    return bool(own and np.abs(below - x)[inner].max() < C.kolmogorov / np.sqrt(m))


def residual(x: Any, offset: Any, step: Any) -> Any:
    """Return by how much values differ from the nearest multiple of a step; of what overflows, without end."""
    with np.errstate(over="ignore", invalid="ignore"):
        x = x - offset
        return x - np.rint(x / step) * step


def merged_steps(one: Any, other: Any, part: float) -> Any:
    """Return the steps of two parts together; of a column without a step in one of them, none."""
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.maximum(np.abs(one[1] - other[1]), np.abs(residual(other[0], one[0], one[1])))
    same = (one[1] > 0) & (off <= C.same_step * one[1])
    return np.where(same, [*one[:2], (1 - part) * one[2] + part * other[2]], [[0.0], [0.0], [1.0]])


def common_step(points: Any) -> float:
    """Return the greatest step of which all points are multiples, after an offset; 0 if there is none to be seen.

    Euclid's algorithm on their differences.
    """
    if len(points) < 3:
        return 0.0
    off, slack = points[1:] - points[0], C.rounding * float(np.abs(points).max())
    if slack < C.smallest_step:
        return 0.0
    least, step = slack / C.near_step, 0.0
    for left in off.tolist():
        while left > least:
            step, left = left, abs(step - round(step / left) * left)
    if not step:
        return 0.0
    times = np.rint(off / step)
    step = float((times * off).sum() / (times * times).sum())
    all_are = (np.abs(residual(points, points[0], step)) <= slack).all()
    return step if all_are and (len(points) - 2) * np.log(2 * slack / step) < C.log_step_by_chance else 0.0
