"""Statistics of columns and of rows: moments in one pass, norms, and quantiles without missing values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis

from ...documents.entries import Entry
from ..calibration import CALIBRATION as C

MEASURES = ("distance", "l1", "l2", "max")


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
    count = np.unique(keys, return_counts=True)[1]
    return len(X) - len(count), tied_pairs(count)


def tied_pairs(counts: Any, rows: int = 0) -> float:
    """Return the share of pairs of rows with one value, of values that so many rows have; of ``rows``, if not all."""
    counts, n = counts.astype(float), float(rows or counts.sum())
    return float((counts * (counts - 1)).sum() / max(n * (n - 1), 1.0))


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

    def __post_init__(self) -> None:
        # A column of one value has that mean and no spread: sums round, and two parts would round apart.
        constant = self.low == self.high
        self.mean, self.m2 = np.where(constant, self.low, self.mean), np.where(constant, 0.0, self.m2)

    @property
    def std(self) -> Any:
        """Standard deviation, as ``StandardScaler`` has it: divided by the count."""
        return np.sqrt(self.m2 / np.maximum(self.count, 1))

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both parts together."""
        count = self.count + other.count
        part = other.count / np.maximum(count, 1)
        delta = np.where((self.count > 0) & (other.count > 0), other.mean - self.mean, 0.0)
        return Moments(
            count,
            self.missing + other.missing,
            self.infinite + other.infinite,
            np.where(self.count > 0, self.mean, other.mean) + delta * part,
            self.m2 + other.m2 + delta**2 * self.count * part,
            np.fmin(self.low, other.low),
            np.fmax(self.high, other.high),
        )

    def to_lists(self) -> dict[str, list[Any]]:
        """Return plain lists; what there is none of is None."""
        return {name: [None if v != v else v for v in values.tolist()] for name, values in vars(self).items()}

    @classmethod
    def read(cls, d: Entry, rows: int, columns: int) -> Moments:
        """Read what :meth:`to_lists` wrote, of a profile of so many rows and columns."""
        count, missing, infinite = (d[name].wholes(columns, rows) for name in ("count", "missing", "infinite"))
        d["count"].require(bool((count + missing + infinite == rows).all()), f"with missing and infinite {rows} rows")
        mean, low, high = (d[name].numbers(-C.largest, C.largest, count > 0) for name in ("mean", "low", "high"))
        d["high"].require(bool((low <= high)[count > 0].all()), "no number below that of low")
        m2 = d["m2"].numbers(0, np.finfo(float).max, np.ones(columns, bool))
        return cls(count, missing, infinite, mean, m2, low, high)


def moments_of(X: Any) -> Moments:
    """Return the moments of a matrix, exact to rounding; in blocks, so that nothing as large as X is made."""
    rows = max(1, C.cells // max(X.shape[1], 1))
    blocks = (X[start : start + rows] for start in range(0, X.shape[0], rows))
    with np.errstate(over="ignore", invalid="ignore"):  # of values that are too large; their bounds tell
        return reduce(Moments.merge, map(_of_sparse if sparse.issparse(X) else _of_block, blocks))


def _of_block(X: Any) -> Moments:
    finite = bool(np.isfinite(X.sum())) or np.isfinite(X)  # without a mask it takes half the time
    count, missing = np.broadcast_to(finite, X.shape).sum(axis=0), np.isnan(X).sum(axis=0)
    mean = np.where(count > 0, X.sum(axis=0, where=finite) / np.maximum(count, 1), np.nan)
    centred = np.subtract(X, mean, out=np.zeros_like(X), where=finite)
    # The second term mends the rounding of the mean.
    m2 = np.einsum("ij,ij->j", centred, centred) - centred.sum(axis=0) ** 2 / np.maximum(count, 1)
    low, high = X.min(axis=0, where=finite, initial=np.inf), X.max(axis=0, where=finite, initial=-np.inf)
    low, high = (np.where(count > 0, bound, np.nan) for bound in (low, high))
    return Moments(count, missing, len(X) - count - missing, mean, np.maximum(m2, 0), low, high)


def _of_sparse(X: Any) -> Moments:
    if not np.isfinite(X.data).all():
        return _of_block(X.toarray())
    mean, variance = mean_variance_axis(X, axis=0)
    none = np.zeros(X.shape[1], np.int64)
    return Moments(none + X.shape[0], none, none, mean, variance * X.shape[0], *min_max_axis(X, axis=0))


def how_many(true: Any) -> Any:
    """Return how many rows are true in each column; of up to 2**24 rows, which float32 counts exactly."""
    # As a product, which takes half the time of a sum over the rows of a boolean array.
    return (np.ones(len(true), np.float32) @ true.astype(np.float32)).astype(np.float64)


def nearest(values: Any, points: Any) -> Any:
    """Return of each value the nearest of some points, which ascend; for NaN, any."""
    after = np.clip(np.searchsorted(points, values), 1, max(len(points) - 1, 1))
    low, high = points[after - 1], points[np.minimum(after, len(points) - 1)]
    return np.where(values - low <= high - values, low, high)


def median(Y: Any) -> Any:
    """Return the median of each column, without its missing values; NaN for a column of nothing else."""
    return quantiles(Y, [0.5])[0]


def quantiles(Y: Any, q: Any) -> Any:
    """Return quantiles of each column, of shape (n_quantiles, n_columns), as :func:`median` does."""
    ordered, columns = np.sort(np.clip(Y, -1e300, 1e300), axis=0), np.arange(Y.shape[1])  # missing values come last
    last = np.maximum((~np.isnan(Y)).sum(axis=0) - 1, 0)
    at = np.multiply.outer(q, last)
    below = at.astype(np.int64)
    low, high = ordered[below, columns], ordered[np.minimum(below + 1, last), columns]
    return low + (at - below) * (high - low)


def growing(numbers: Any, blocks: Any = None) -> tuple[int, ...]:
    """Return the columns that only grow, or only fall, in the order of the rows, or of the blocks that each is of.

    Without blocks, they are whole numbers that are larger, or smaller, from each row to the next, as ids are. A measure
    by which a table happens to be sorted is none. With blocks, nine of ten medians must lie beyond all before.
    """
    found = []
    for j, column in enumerate(numbers.T):
        known = np.isfinite(column)
        x, share = column[known], 1.0
        if len(x) < C.rows_in_order or (blocks is None and (x != np.rint(x)).any()):
            continue
        if blocks is not None:
            of = blocks[known]
            x, share = np.array([np.median(x[of == block]) for block in np.unique(of)]), C.blocks_in_order
        ascending = [(y[1:] > np.maximum.accumulate(y)[:-1]).mean() for y in (x, -x) if len(x) > C.least_blocks]
        if max(ascending, default=0.0) >= share:
            found.append(j)
    return tuple(found)
