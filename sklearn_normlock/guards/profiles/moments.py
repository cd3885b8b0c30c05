"""Exact counts and moments, in one pass, and merged exactly (Chan, Golub & LeVeque, 1983)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy import sparse

_BLOCK_CELLS = 4_000_000
#: The greatest size of a value: of larger ones, the squares of a few million no longer add up to a finite number.
LARGEST = 1e150


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
    """Return the moments of a matrix.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_rows, n_columns)
        The data.

    Returns
    -------
    moments : Moments
        Exact to rounding, in blocks, so that nothing as large as X is made.
    """
    rows = max(1, _BLOCK_CELLS // max(X.shape[1], 1))
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
