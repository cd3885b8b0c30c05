"""Statistics of columns and of rows: moments in one pass, norms, and quantiles without missing values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import sparse

from ..calibration import CALIBRATION as C

MEASURES = ("distance", "l1", "l2", "max")


def row_measures(X: Any, mean: Any, std: Any) -> Any:
    """Return the measures of each row, of shape (n_rows, 4); NaN if no number is there.

    They are its mean distance from a mean, in deviations, each at most 6; the sum of its absolute values; the root of
    the sum of squares; the greatest absolute value.
    """
    out = np.empty((len(X), len(MEASURES)))
    if not len(X):
        return out
    size = np.abs(X)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        far = np.minimum(np.abs(X - mean) / np.where(std > 0, std, 1.0), C.cap)
        total = far.sum(axis=1)
        out[:, 1], out[:, 2], out[:, 3] = size.sum(axis=1), np.sqrt(np.einsum("ij,ij->i", X, X)), size.max(axis=1)
    out[:, 0] = total / X.shape[1]
    holes = np.isnan(total)
    if holes.any():
        some = X[holes]
        known = ~np.isnan(some)
        count = known.sum(axis=1)
        none = count == 0
        out[holes, 0] = np.where(none, np.nan, np.nansum(far[holes], axis=1) / np.maximum(count, 1))
        kept = np.where(known, np.abs(some), 0.0)
        with np.errstate(over="ignore"):
            norms = np.stack([kept.sum(axis=1), np.sqrt((kept**2).sum(axis=1)), kept.max(axis=1)], axis=1)
        out[holes, 1:] = np.where(none[:, None], np.nan, norms)
    return out


def repeated_rows(X: Any) -> tuple[int, float]:
    """Return how many rows repeat an earlier one, and the share of pairs of rows that are equal; empty rows aside."""
    X = X[~np.isnan(X).all(axis=1)]
    # By a random number for each row, in place of a sort of whole rows.
    keys = (np.where(np.isnan(X), np.pi, X) * np.random.default_rng(0).normal(size=X.shape[1])).sum(axis=1)
    count = np.unique(keys, return_counts=True)[1].astype(float)
    n = len(X)
    return n - len(count), float((count * (count - 1)).sum() / max(n * (n - 1), 1))


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
    def greatest(self) -> Any:
        """The greatest absolute value; NaN where there is none."""
        return np.maximum(np.abs(self.low), np.abs(self.high))

    @property
    def std(self) -> Any:
        """Standard deviation, as ``StandardScaler`` has it: divided by the count."""
        return np.sqrt(self.m2 / np.maximum(self.count, 1))

    def merge(self, other: Moments) -> Moments:
        """Return the moments of both parts together."""
        count = self.count + other.count
        with np.errstate(invalid="ignore", divide="ignore"):
            part = np.where(count > 0, other.count / np.maximum(count, 1), 0.0)
        # A part without a finite value has no mean: it must not spoil the other's.
        mine, theirs = np.where(self.count > 0, self.mean, other.mean), np.where(other.count > 0, other.mean, self.mean)
        delta = np.where(count > 0, theirs - mine, 0.0)
        return Moments(
            count=count,
            missing=self.missing + other.missing,
            infinite=self.infinite + other.infinite,
            mean=mine + delta * part,
            m2=self.m2 + other.m2 + delta**2 * self.count * part,
            low=np.fmin(self.low, other.low),
            high=np.fmax(self.high, other.high),
        )

    def to_lists(self) -> dict[str, list[Any]]:
        """Return plain lists; what there is none of is None."""
        return {f.name: [None if v != v else v for v in getattr(self, f.name).tolist()] for f in fields(self)}


def moments_of(X: Any) -> Moments:
    """Return the moments of a matrix, exact to rounding; in blocks, so that nothing as large as X is made."""
    rows = max(1, C.cells // max(X.shape[1], 1))
    total: Moments | None = None
    for start in range(0, max(X.shape[0], 1), rows):
        block = X[start : start + rows]
        with np.errstate(over="ignore", invalid="ignore"):  # of values that are too large; their bounds tell
            part = _of_sparse(block) if sparse.issparse(block) else _of_block(block)
            total = part if total is None else total.merge(part)
    assert total is not None
    return total


def _of_block(X: Any) -> Moments:
    n, d = X.shape
    if n == 0:
        nothing, nan = np.zeros(d, np.int64), np.full(d, np.nan)
        return Moments(nothing, nothing, nothing, nan, np.zeros(d), nan, nan)
    finite_everywhere = bool(np.isfinite(X.sum()))
    if finite_everywhere:
        mean = X.mean(axis=0)
        centred = X - mean
        # The second term mends the rounding of the mean.
        m2 = np.einsum("ij,ij->j", centred, centred) - centred.sum(axis=0) ** 2 / n
        none = np.zeros(d, np.int64)
        return Moments(np.full(d, n), none, none, mean, np.maximum(m2, 0), X.min(axis=0), X.max(axis=0))
    finite, missing = np.isfinite(X), np.isnan(X)
    count = finite.sum(axis=0)
    kept = np.where(finite, X, 0.0)
    with np.errstate(divide="ignore"):
        mean = np.where(count > 0, kept.sum(axis=0) / count, np.nan)
        centred = np.where(finite, X - mean, 0.0)
        m2 = np.einsum("ij,ij->j", centred, centred)
    low = np.where(count > 0, np.where(finite, X, np.inf).min(axis=0), np.nan)
    high = np.where(count > 0, np.where(finite, X, -np.inf).max(axis=0), np.nan)
    gone = missing.sum(axis=0)
    return Moments(count, gone, n - count - gone, mean, m2, low, high)


def _of_sparse(X: Any) -> Moments:
    if not np.isfinite(X.data).all():
        return _of_block(X.toarray())
    n, d = X.shape
    stored = X.tocsc()
    mean = np.asarray(stored.mean(axis=0)).ravel()
    centred = stored.copy()
    filled = np.diff(stored.indptr)
    centred.data = centred.data - np.repeat(mean, filled)
    m2 = np.asarray(centred.multiply(centred).sum(axis=0)).ravel() + (n - filled) * mean**2
    low = np.asarray(stored.min(axis=0).todense()).ravel().astype(float)
    high = np.asarray(stored.max(axis=0).todense()).ravel().astype(float)
    none = np.zeros(d, np.int64)
    return Moments(np.full(d, n), none, none, mean, m2, low, high)


def share_of_value(X: Any) -> Any:
    """Return one over the number of rows that have the value of a row, of each column."""
    order = np.argsort(X, axis=0)
    ordered = np.take_along_axis(X, order, axis=0)
    out = np.empty(X.shape)
    for j in range(X.shape[1]):
        starts = np.flatnonzero(np.concatenate([[True], ordered[1:, j] != ordered[:-1, j]]))
        counts = np.diff(np.concatenate([starts, [len(X)]]))
        out[order[:, j], j] = 1.0 / np.repeat(counts, counts)
    return out


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
    ordered = np.sort(Y, axis=0)  # missing values come last
    known, columns = how_many(~np.isnan(Y)).astype(np.int64), np.arange(Y.shape[1])
    inner = np.stack([ordered[np.maximum(known - 1, 0) // 2, columns], ordered[known // 2, columns]])
    return np.clip(inner, -1e300, 1e300).mean(axis=0)


def quantiles(Y: Any, q: Any) -> Any:
    """Return quantiles of each column, of shape (n_quantiles, n_columns), as :func:`median` does."""
    if not np.isfinite(Y).all():
        Y = np.where(np.isinf(Y), np.sign(Y) * 1e300, Y)
    holes = np.isnan(Y).any(axis=0)
    if not holes.any():
        return np.quantile(Y, q, axis=0)
    out = np.full((len(q), Y.shape[1]), np.nan)
    out[:, ~holes] = np.quantile(Y[:, ~holes], q, axis=0)
    for j in np.flatnonzero(holes):
        known = Y[~np.isnan(Y[:, j]), j]
        if len(known):
            out[:, j] = np.quantile(known, q)
    return out
