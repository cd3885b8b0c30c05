"""How precise numbers are: which decimal grid they lie on, and whether half precision holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Grids of step 10^k, from the coarsest to the finest, and last of all the numbers that float16 holds.
LEVELS = (3, 2, 1, 0, -1, -2, -3, -4, -5, -6)
NAMES = (*(f"a multiple of 1e{k}" if k > 0 else f"{-k} decimals" for k in LEVELS), "half precision")
#: Rows that are looked at: precision shows in few.
ROWS = 64
ROWS_OF_PROFILE = 2000


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
