"""How precise numbers are: which decimal grid they lie on, and whether half precision holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..tests.tails import log_tail
from ..tests.tilt import more_frequent
from .steps import rest

if TYPE_CHECKING:
    from ..tests.reference import Reference

#: Grids of step 10^k, from the coarsest to the finest, and last of all the numbers that float16 holds.
LEVELS = (3, 2, 1, 0, -1, -2, -3, -4, -5, -6)
NAMES = (*(f"a multiple of 1e{k}" if k > 0 else f"{-k} decimals" for k in LEVELS), "half precision")
#: Rows that are looked at: precision shows in few. And the first of them, which mostly tell.
ROWS, _FIRST = 64, 4
ROWS_OF_PROFILE = 2000
#: A log p-value above which nothing is odd.
_NOT_ODD = -3.0
#: A step is so nearly (as a part of it) a multiple of a grid's.
_EXACTLY = 1e-6
#: Numbers that are looked at together.
_CELLS = 100_000


def nearest(X: Any) -> Any:
    """Return of each number the nearest on each grid, of shape (n_grids, *X.shape); NaN lies on no grid."""
    out = np.empty((len(NAMES), *X.shape))
    with np.errstate(over="ignore", invalid="ignore"):
        for i, k in enumerate(LEVELS):
            step = 10.0**k
            out[i] = np.rint(X / step) * step
        out[-1] = X.astype(np.float16)
    return out


def on_grids(X: Any, grid: Any = None) -> Any:
    """Return whether each number lies on each grid.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Numbers; NaN lies on no grid.
    grid : ndarray of shape (n_grids, n_rows, n_columns), default=None
        What :func:`nearest` returned.

    Returns
    -------
    on : ndarray of bool, shape (n_grids, n_rows, n_columns)
        With the tolerance of a float32 that was read as a float64, as far as that tells grid points apart.
    """
    grid = nearest(X) if grid is None else grid
    steps = np.array([*(10.0**k for k in LEVELS), np.inf]).reshape(-1, *(1,) * X.ndim)
    size = np.abs(X)
    with np.errstate(invalid="ignore"):
        return np.abs(X - grid) <= np.minimum(2e-7 * size, 0.01 * steps) + 4e-16 * size


def shares_on_grids(X: Any) -> Any:
    """Return the share of the numbers of each column that lie on each grid, of shape (n_grids, n_columns).

    Columns without numbers get 1, which is uninformative.
    """
    known = (~np.isnan(X)).sum(axis=0)
    step = max(1, _CELLS // max(len(X), 1))  # columns at a time: every number is held once for each grid
    parts = [on_grids(X[:, at : at + step]).sum(axis=1) for at in range(0, X.shape[1], step)]
    return np.where(known > 0, np.concatenate(parts, axis=1) / np.maximum(known, 1), 1.0)


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


def lattice(values: Any) -> float:
    """Return the step of which all values are multiples (after a common offset), or 0 if there is none to be seen."""
    points = np.unique(values)
    if len(points) < 3:
        return 0.0
    gaps = np.diff(points)
    step = float(gaps.min())
    span = float(points[-1] - points[0])
    # Some hundreds of steps at most: beyond that, any numbers are near a multiple.
    if step <= 0 or span / step > 600:
        return 0.0
    refined = step
    for _ in range(3):
        counts = np.rint((points - points[0]) / refined)
        refined = float((counts * (points - points[0])).sum() / max((counts * counts).sum(), 1))
    off = np.abs((points - points[0]) / refined - np.rint((points - points[0]) / refined))
    return refined if off.max() < (0.02 if len(points) >= 5 else 1e-6) else 0.0
