"""Numbers that are coarser than those of training: all of a column on a grid that few were on."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..profiles.precision import LEVELS, nearest, on_grids
from ..profiles.steps import rest
from .reference import Reference
from .tails import log_tail
from .tilt import more_frequent

#: Rows that are looked at: precision shows in few. And the first of them, which mostly tell.
ROWS, _FIRST = 64, 4
#: A log p-value above which nothing is odd.
_NOT_ODD = -3.0
#: A step is so nearly (as a part of it) a multiple of a grid's.
_EXACTLY = 1e-6


def coarser(reference: Reference, X: Any, every: bool = True) -> Any:
    """Return the log p-values of all values of a column lying on a grid that the profile's values do not lie on.

    Either its different values count, of which few may be on the grid; or, if ``every``, all rows, of which more may be
    after a drift.
    """
    X = X[:: max(1, len(X) // ROWS)][:ROWS]
    if not _all_on_grids(X[:_FIRST]).any():  # as of nearly every clean batch, and the rest need not be looked at
        return np.zeros(X.shape[1])
    grid = nearest(X)
    on = _all_on_grids(X, grid)
    profile, d = reference.profile, X.shape[1]
    m = np.minimum(np.maximum(profile.sampled[:d], 1), profile.grid_rows).astype(float)
    ordered, rows = np.sort(grid, axis=1), (~np.isnan(X)).sum(axis=0).astype(float)
    different = (ordered[:, 1:] > ordered[:, :-1]).sum(axis=1) + 1.0
    on &= different > 1

    def log_p(count: Any, share: Any) -> Any:
        return np.where(on, log_tail(count, count, np.minimum(np.ceil(share * m) + 1, m), m), 0.0)

    share = profile.grids.copy()
    odd = (log_p(rows, share) < _NOT_ODD) & (np.array(reference.jumps[:d]) | (profile.steps[1] > 0))
    for level, j in np.argwhere(odd).tolist():
        share[level, j] = _on_grid(reference, level, j)
    found = log_p(different, share)
    if every:
        found = np.minimum(found, log_p(rows, more_frequent(share, reference.drift)))
    return np.minimum(found.min(axis=0) + np.log(2), 0.0)


def _all_on_grids(X: Any, grid: Any = None) -> Any:
    """Return on which grids all numbers of a column lie, of shape (n_grids, n_columns)."""
    return on_grids(X, grid).sum(axis=1) >= (~np.isnan(X)).sum(axis=0)


def _on_grid(reference: Reference, level: int, j: int) -> float:
    """Return what share of the rows of training lies on a grid at most, all of them moved within the tolerance."""
    share, atoms = float(reference.profile.grids[level, j]), reference.atoms(j)
    offset, step, off = reference.profile.steps[:, j]
    if step:  # of prices that end in .99, a cent more makes whole numbers
        grids = 10.0 ** np.array(LEVELS)
        by = -rest(offset, 0.0, grids[np.abs(rest(step, 0.0, grids)) < _EXACTLY * step])
        by, points = by[np.abs(by) <= reference.tolerance[j]], reference.profile.sketches[j][0]
        moved = on_grids(points + by[:, None])[level].mean(axis=1).max(initial=0.0)
        share = max(share, float(moved) * (1 - off))
    by = nearest(atoms)[level] - atoms
    by = by[np.abs(by) <= reference.tolerance[j]]
    if not len(by):
        return share
    moved = (on_grids(atoms + by[:, None])[level] * reference.masses(j)).sum(axis=1).max()
    return max(share, min(float(moved) + share * (1 - float(reference.masses(j).sum())), 1.0))
