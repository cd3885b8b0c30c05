"""Statistics of columns and of rows: moments, norms, sketches of distributions, and the steps of values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import ndtr
from scipy.stats import rankdata
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis

from ..calibration import CALIBRATION as C

MEASURES = ("distance", "l1", "l2", "max")
#: Shares at which a distribution is kept, beside its jumps: closer in the tails, as the normal distribution has them.
GRID = np.concatenate([[0.0], ndtr(np.linspace(-3.1, 3.1, 45)), [1.0]])


@dataclass
class Moments:
    """Arrays over the columns, of shape (n_columns,). Moments and bounds are those of the finite values."""

    count: Any
    missing: Any
    infinite: Any
    mean: Any
    m2: Any
    low: Any
    high: Any

    @property
    def std(self) -> Any:
        """Standard deviation, as ``StandardScaler`` has it: divided by the count."""
        return np.sqrt(self.m2 / np.maximum(self.count, 1))

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both parts together."""
        count, missing = self.count + other.count, self.missing + other.missing
        part = other.count / np.maximum(count, 1)
        apart = np.where((self.count > 0) & (other.count > 0), other.mean - self.mean, 0.0)
        mean = np.where(self.count > 0, self.mean, other.mean) + apart * part
        m2 = self.m2 + other.m2 + apart**2 * self.count * part
        bounds = np.fmin(self.low, other.low), np.fmax(self.high, other.high)
        return Moments(count, missing, self.infinite + other.infinite, mean, m2, *bounds)


def moments_of(X: Any) -> Moments:
    """Return the moments of a matrix, exact to rounding; in blocks, so that nothing as large as X is made."""
    rows = max(1, C.cells // X.shape[1])
    blocks = (X[start : start + rows] for start in range(0, X.shape[0], rows))
    with np.errstate(over="ignore", invalid="ignore"):  # of no values, and of too large ones, as their bounds tell
        return reduce(Moments.merge, map(_of_block, blocks))


def _of_block(X: Any) -> Moments:
    # A column of one value has that mean and no spread: sums round, and two parts would round apart.
    if sparse.issparse(X):
        if np.isfinite(X.data).all():
            (mean, variance), (low, high) = mean_variance_axis(X, axis=0), min_max_axis(X, axis=0)
            n, none = X.shape[0], np.zeros(X.shape[1], np.int64)
            return Moments(none + n, none, none, np.clip(mean, low, high), variance * n * (low < high), low, high)
        X = X.toarray()
    known = np.where(np.isfinite(X), X, np.nan)
    count, missing = (~np.isnan(known)).sum(axis=0), np.isnan(X).sum(axis=0)
    bounds = np.fmin.reduce(known), np.fmax.reduce(known)
    mean = np.clip(np.nansum(known, axis=0) / count, *bounds)
    return Moments(count, missing, len(X) - count - missing, mean, np.nansum((known - mean) ** 2, axis=0), *bounds)


def sketch_of(ordered: Any) -> tuple[tuple[Any, Any], float]:
    """Return a piecewise linear distribution function of finite values that ascend, as points (values, shares).

    A value that many rows share has two points, before and after its jump; a few dozen rows have all of theirs. Beside
    the points comes the share of pairs of rows that have the same value, other than one that is a jump.
    """
    if not (n := len(ordered)):
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
    sketch, tied = (values[order], shares[order].astype(np.float32).astype(np.float64)), counts[~often]
    return sketch, float((tied * (tied - 1)).sum() / max(n * (n - 1), 1))


def share_below(values: Any, shares: Any, x: Any) -> tuple[Any, Any]:
    """Return the share of rows below each x, and that at or below it, which differ where there is a jump."""
    # Among points of one value NumPy takes the last: as seen from above, the first.
    return -np.interp(-x, -values[::-1], -shares[::-1]), np.interp(x, values, shares)


def quantile(values: Any, shares: Any, q: Any) -> Any:
    """Return the value below which a share q of the rows lies; NaN for a column without a number in it."""
    return np.interp(q, shares, values) if len(values) else np.full(np.shape(q), np.nan)


def merged(one: tuple[Any, Any], other: tuple[Any, Any], n_one: int, n_other: int) -> tuple[Any, Any]:
    """Return the sketch of two parts of so many rows, drawn evenly from the sketches of both."""
    if not len(one[0]) or not len(other[0]):
        return one if len(one[0]) else other
    rows = min(n_one + n_other, C.rows_of_sketch)
    first = round(rows * n_one / (n_one + n_other))
    drawn = [quantile(*part, (np.arange(n) + 0.5) / n) for part, n in ((one, first), (other, rows - first)) if n]
    ordered = np.sort(np.concatenate(drawn))
    ordered[0], ordered[-1] = min(one[0][0], other[0][0]), max(one[0][-1], other[0][-1])
    return sketch_of(ordered)[0]


def step_of(ordered: Any, points: Any) -> tuple[float, float, float]:
    """Return the offset and the step of which ascending values are multiples, and the share of them that are none.

    The step is that of the points of their sketch. There is none (0, 0, 1) for ranks, or values between two, which a
    quantile transformer gives to its own rows alone.
    """
    points = np.unique(points)
    if not (step := common_step(points)):
        return 0.0, 0.0, 1.0
    m, times = len(ordered), np.ptp(ordered) / step
    # No two rows are equal, though so many would share one of so few multiples.
    untied = (np.diff(ordered) > 0).all() and times < m**2 / C.pairs_of_ranks
    # In about as many steps as there are rows, values say how many rows lie below them. From 0 to 1, these may be of a
    # part of the rows; if they were scaled, all of them, and few rows lie evenly by chance.
    unscaled = ordered[0] >= 0 and ordered[-1] <= 1
    ranks = ordered if unscaled else (ordered - ordered[0]) / np.ptp(ordered)
    off = np.abs((rankdata(ordered) - 0.5) / m - ranks)[(ordered > ordered[0]) & (ordered < ordered[-1])]
    uniform = off.max() < (C.kolmogorov / np.sqrt(m) if unscaled else (m >= C.few) / m)
    if untied or (uniform and times > C.most_ranked * m):
        return 0.0, 0.0, 1.0
    return points[0], step, np.mean(np.abs(residual(ordered, points[0], step)) > C.near_step * step)


def residual(x: Any, offset: Any, step: Any) -> Any:
    """Return by how much values differ from the nearest multiple of a step; NaN if it is 0."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        x = x - offset
        return x - np.rint(x / step) * step


def merged_steps(one: Any, other: Any, part: float) -> Any:
    """Return the steps of two parts together; of a column without a step in one of them, none."""
    off = np.maximum(np.abs(one[1] - other[1]), np.abs(residual(other[0], one[0], one[1])))
    both = [*one[:2], (1 - part) * one[2] + part * other[2]]
    return np.where(off <= C.same_step * one[1], both, [[0.0], [0.0], [1.0]])


def common_step(points: Any) -> float:
    """Return the greatest step of which all points are multiples, after an offset; 0 if there is none to be seen.

    Euclid's algorithm on their differences.
    """
    off, slack, step = points[1:] - points[:1], C.rounding * float(np.abs(points).max(initial=0.0)), 0.0
    if slack < C.smallest_step:
        return 0.0
    for left in off.tolist():
        while left > slack / C.near_step:
            step, left = left, abs(step - round(step / left) * left)
    if not step:
        return 0.0
    times = np.rint(off / step)
    step = float((times * off).sum() / (times * times).sum())
    by_chance = (len(points) - 2) * np.log(2 * slack / step) >= C.log_step_by_chance
    return 0.0 if by_chance or (np.abs(residual(off, 0.0, step)) > slack).any() else step


def row_measures(X: Any, mean: Any, std: Any) -> Any:
    """Return the :data:`MEASURES` of each row, of shape (n_rows, 4); NaN if no number is there.

    The distance is the mean one of its numbers from their columns' means, in deviations, each at most 6.
    """
    known = ~np.isnan(X)
    count = known.sum(axis=1)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        far = np.where(known, np.minimum(np.abs(X - mean) / np.where(std > 0, std, 1.0), C.cap), 0.0)
        size = np.where(known, np.abs(X), 0.0)
        length = np.sqrt(np.einsum("ij,ij->i", size, size))
    found = [far.sum(axis=1) / np.maximum(count, 1), size.sum(axis=1), length, size.max(axis=1)]
    return np.where(count > 0, found, np.nan).T


def repeated_rows(X: Any) -> tuple[int, float]:
    """Return how many rows repeat an earlier one, and the share of pairs of rows that are equal; empty rows aside."""
    X = X[~np.isnan(X).all(axis=1)]
    # By a random number for each row, in place of a sort of whole rows.
    keys = (np.where(np.isnan(X), np.pi, X) * np.random.default_rng(0).normal(size=X.shape[1])).sum(axis=1)
    n, count = len(X), np.unique(keys, return_counts=True)[1]
    return n - len(count), float((count * (count - 1)).sum() / max(n * (n - 1), 1))


def nearest(values: Any, points: Any) -> Any:
    """Return of each value the nearest of some points, which ascend; for NaN, any."""
    return points[np.abs(np.subtract.outer(values, points)).argmin(axis=-1)]


def quantiles(Y: Any, q: Any) -> Any:
    """Return quantiles of each column without its missing values, of shape (*q.shape, n_columns); NaN if all are."""
    ordered, columns = np.sort(np.clip(Y, -1e300, 1e300), axis=0), np.arange(Y.shape[1])  # missing values come last
    last = np.maximum((~np.isnan(Y)).sum(axis=0) - 1, 0)
    at = np.multiply.outer(q, last)
    below = at.astype(np.int64)
    low, high = ordered[below, columns], ordered[np.minimum(below + 1, last), columns]
    return low + (at - below) * (high - low)


def growing(numbers: Any, least: int, share: float) -> tuple[int, ...]:
    """Return the columns of at least so many numbers, of which this share lie beyond all before, on the same side."""
    count = (~np.isnan(numbers)).sum(axis=0)
    beyond = [(y[1:] > np.fmax.accumulate(y)[:-1]).sum(axis=0) for y in (numbers, -numbers)]
    return tuple(np.flatnonzero((count >= least) & (np.max(beyond, axis=0) >= share * (count - 1))).tolist())
