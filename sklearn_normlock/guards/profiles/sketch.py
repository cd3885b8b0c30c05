"""The distribution of a column in a few points: a piecewise linear distribution function with jumps.

A point is a value and the share of rows at or below it; a value that many rows share has two points, before and after
its jump. The spacing follows the normal distribution's, so that tails are seen as well as the middle. Two sketches
merge by the weighted mean of their functions. The sketch of a few dozen rows is the data's own distribution function.

Steps are what the values of a column are multiples of: cents, tenths of a degree, whole years. Nearly all that is
measured or entered has few digits. Once scaled, it lies on steps of its own, to the last digit; no other column does,
and nothing that was scaled otherwise or computed with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr

from ...documents.entries import Entry
from ..calibration import CALIBRATION as C

#: Shares at which a distribution is kept, beside its jumps.
GRID = np.concatenate([[0.0], ndtr(np.linspace(-3.1, 3.1, 45)), [1.0]])


def sketch_of(ordered: Any) -> tuple[Any, Any]:
    """Return the points (values, shares) of one or more finite values in ascending order; shares go from 0 to 1."""
    n = len(ordered)
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    counts = np.diff(np.concatenate([starts, [n]]))
    if n <= C.rows_kept:
        kept = np.arange(len(starts))
    else:
        kept = np.flatnonzero(counts >= max(C.jump * n, 3))
    jumps = ordered[starts[kept]]
    before, after = starts[kept] / n, (starts[kept] + counts[kept]) / n
    if n <= C.rows_kept:
        return np.repeat(jumps, 2), _as_stored(np.stack([before, after], axis=1).ravel())
    # An order statistic stands at the middle of its step.
    at = np.clip(np.rint(GRID * n - 0.5).astype(np.int64), 0, n - 1)
    at = np.unique(at[~np.isin(ordered[at], jumps)])
    shares = (at + 0.5) / n
    values = np.concatenate([ordered[at], jumps, jumps])
    shares = np.concatenate([shares, before, after])
    order = np.lexsort((shares, values))
    values, shares = values[order], shares[order]
    if shares[0] > 0:
        values, shares = np.concatenate([values[:1], values]), np.concatenate([[0.0], shares])
    if shares[-1] < 1:
        values, shares = np.concatenate([values, values[-1:]]), np.concatenate([shares, [1.0]])
    return values, _as_stored(shares)


def share_below(values: Any, shares: Any, x: Any) -> tuple[Any, Any]:
    """Return the share of rows below each x, and that at or below it, which differ where there is a jump."""
    if not len(values):
        return np.zeros(np.shape(x)), np.zeros(np.shape(x))
    below = np.searchsorted(values, x, side="left")
    up_to = np.searchsorted(values, x, side="right")
    last = len(values) - 1
    left, right = np.clip(below - 1, 0, last), np.clip(up_to, 0, last)
    # Between two points: linear. On a point: its own share, or both ends of its jump.
    span = values[right] - values[left]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        part = np.where(span > 0, (x - values[left]) / span, 0.0)
    between = shares[left] + np.clip(part, 0.0, 1.0) * (shares[right] - shares[left])
    on = up_to > below
    first = np.where(on, shares[np.clip(below, 0, last)], between)
    second = np.where(on, shares[np.clip(up_to - 1, 0, last)], between)
    first = np.where(below == 0, 0.0, np.where(below > last, 1.0, first))
    second = np.where(up_to == 0, 0.0, np.where(up_to > last, 1.0, second))
    return first, second


def share_within(values: Any, shares: Any, low: Any, high: Any) -> Any:
    """Return the share of rows from low to high, both included."""
    return share_below(values, shares, high)[1] - share_below(values, shares, low)[0]


def quantile(values: Any, shares: Any, q: Any) -> Any:
    """Return the value below which a share q of the rows lies; NaN for a column without a number in it."""
    return np.interp(q, shares, values) if len(values) else np.full(np.shape(q), np.nan)


def merged(one: tuple[Any, Any], n_one: int, other: tuple[Any, Any], n_other: int) -> tuple[Any, Any]:
    """Return the mean of two distribution functions, weighted by their rows, on as many points as any sketch has."""
    if not len(one[0]) or not n_one:
        return other
    if not len(other[0]) or not n_other:
        return one
    total = n_one + n_other
    at = np.unique(np.concatenate([one[0], other[0]]))
    below, up_to = (
        (n_one * a + n_other * b) / total for a, b in zip(share_below(*one, at), share_below(*other, at), strict=True)
    )
    values = np.repeat(at, 2)
    shares = np.maximum.accumulate(np.stack([below, up_to], axis=1).ravel())
    shares[0], shares[-1] = 0.0, 1.0
    # (In a small part, every single row is a jump.)
    jump = up_to - below >= (0.5 / total if total <= C.rows_kept else max(C.jump, 2.5 / total))
    if total <= C.rows_kept:
        keep = np.repeat(jump, 2)
        return values[keep], _as_stored(shares[keep])
    kept = np.repeat(at[jump], 2), np.stack([below[jump], up_to[jump]], axis=1).ravel()
    grid = GRID[(GRID == 0) | (GRID == 1) | ~_inside(GRID, below[jump], up_to[jump])]
    values = np.concatenate([quantile(values, shares, grid), kept[0]])
    shares = np.concatenate([grid, kept[1]])
    order = np.lexsort((shares, values))
    return values[order], _as_stored(np.maximum.accumulate(shares[order]))


def _as_stored(shares: Any) -> Any:
    # As precise as it is stored, so that a profile says the same before and after.
    return shares.astype(np.float32).astype(np.float64)


def _inside(grid: Any, below: Any, up_to: Any) -> Any:
    return ((grid[:, None] >= below) & (grid[:, None] <= up_to)).any(axis=1)


def read_sketch(d: Entry, some: bool, largest: float) -> tuple[Any, Any]:
    """Read a list of two packed arrays: no points unless there are ``some``, and no value greater than ``largest``."""
    values, shares = d.elements(2)
    of_values, of_shares = values.packed("<f8", None, -largest, largest), shares.packed("<f4", None, 0, 1)
    shares.require(len(of_shares) == len(of_values) and (len(of_values) > 1) == some, "as many as values")
    values.require(bool((np.diff(of_values) >= 0).all()), "ascending values")
    ends = not some or (of_shares[0], of_shares[-1]) == (0, 1)
    shares.require(bool((np.diff(of_shares) >= 0).all()) and ends, "ascending shares from 0 to 1")
    return of_values, of_shares


# -- steps -------------------------------------------------------------------------------------------------------------


def steps_of(X: Any, sketches: list[tuple[Any, Any]]) -> Any:
    """Return an offset and a step for each column, and what share of its values is none of its multiples.

    The step is that of the values in a column's sketch; 0, 0, 1 for a column without one.
    """
    out = np.zeros((3, X.shape[1]))
    out[2] = 1.0
    for j, x in enumerate(X.T):
        points = np.unique(sketches[j][0])
        if not (step := common_step(points)):
            continue
        known = x[~np.isnan(x)]
        if not _ranks(known, step):
            out[:, j] = points[0], step, np.mean(np.abs(residual(known, points[0], step)) > C.near_step * step)
    return out


def _ranks(x: Any, step: float) -> bool:
    """Tell whether values are ranks, or lie between two: a quantile transformer gives them to its own rows alone.

    Either no two rows are equal, though so many would share one of so few multiples. Or values from 0 to 1, in about as
    many steps as there are rows, say how many lie below, as well as a part of the ranked rows can tell.
    """
    x = np.sort(x)
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
    out = one.copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        near = C.same_step * one[1]
        same = (one[1] > 0) & (np.abs(one[1] - other[1]) <= near) & (np.abs(residual(other[0], one[0], one[1])) <= near)
    out[2] = (1 - part) * one[2] + part * other[2]
    out[:, ~same] = np.array([[0.0], [0.0], [1.0]])
    return out


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
