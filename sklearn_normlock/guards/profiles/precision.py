"""How precise numbers are: which decimal grid they lie on, and whether half precision holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Grids of step 10^k, from the coarsest to the finest, and last of all the numbers that float16 holds.
LEVELS = (3, 2, 1, 0, -1, -2, -3, -4, -5, -6)
NAMES = (*(f"a multiple of 1e{k}" if k > 0 else f"{-k} decimals" for k in LEVELS), "half precision")
ROWS_OF_PROFILE = 2000
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
