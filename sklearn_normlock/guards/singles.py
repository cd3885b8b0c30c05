"""Values that hardly repeat: of a column of spending, say, what is left beside the many zeros.

How likely they are is known even where it is not of the column: what a drift may do to the shares of values that many
rows have is not all allowed for. Which rows have one of those is taken as given.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .tests.reference import Reference

#: Rows that have values of their own must be so many, and so large a share, to be looked at apart; and two of them have
#: the same by chance no more often than that.
_ENOUGH, _SHARE, _SAME = 50, 0.15, 0.002


def of_singles(reference: Reference) -> Reference:
    """Return what single values are compared with; columns that have too few are as if they were unknown."""
    profile, d = reference.profile, reference.columns
    apart = type(profile)._bare()
    apart.__dict__.update(profile.__dict__, _references={}, dependence=None)
    apart.sketches, apart.sampled = list(profile.sketches), profile.sampled.copy()
    apart.ties = profile.ties.copy()
    for j in np.flatnonzero(reference.jumps[:d]).tolist():
        apart.sketches[j], apart.sampled[j] = _single(reference, j)
        apart.ties[j] = 0.0
    return Reference(apart, reference.drift)


def _single(reference: Reference, j: int) -> tuple[tuple[Any, Any], int]:
    values, shares = reference.profile.sketches[j]
    if reference.dense[j]:
        return _spread(values, shares), int(reference.rows[j])
    up = np.diff(shares)
    up[np.diff(values) == 0] = 0.0
    m = reference.rows[j]
    left = up.sum() * m
    pairs = reference.profile.ties[j] * m * (m - 1)
    if left < max(_ENOUGH, _SHARE * m) or pairs > _SAME * left * (left - 1):
        return (np.zeros(0), np.zeros(0)), 0
    below = np.concatenate([[0.0], np.cumsum(up)])
    return (values, below / below[-1]), int(left)


def _spread(values: Any, shares: Any) -> tuple[Any, Any]:
    """Return a sketch in which each value that many rows have is spread out, half of the way to its neighbours."""
    points = np.unique(values)
    edges = (points[1:] + points[:-1]) / 2
    ends = [2 * points[0] - edges[0]], [2 * points[-1] - edges[-1]]
    below = np.interp(edges, values, shares)
    return np.concatenate([ends[0], edges, ends[1]]), np.concatenate([[0.0], below, [1.0]])


def singles(reference: Reference, X: Any) -> Any:
    """Return a batch with NaN for values that several of its rows have, or many of training, in columns of such."""
    X = X.copy()
    for j in np.flatnonzero(reference.jumps[: X.shape[1]]).tolist():
        values, at, counts = np.unique(X[:, j], return_inverse=True, return_counts=True)
        if reference.dense[j]:
            step = np.median(np.diff(np.unique(reference.profile.sketches[j][0])))
            place = X[:, j].argsort().argsort() - (counts.cumsum() - counts)[at]
            X[:, j] += step * ((place + 0.5) / counts[at] - 0.5)
            continue
        X[(counts[at] > 1) | np.isin(X[:, j], reference.atoms(j)), j] = np.nan
    return X
