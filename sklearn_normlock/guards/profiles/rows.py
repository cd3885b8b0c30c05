"""Measures of a whole row: how far it is from the middle, and its norms."""

from __future__ import annotations

from typing import Any

import numpy as np

MEASURES = ("distance", "l1", "l2", "max")
#: A norm of 1 is meant if it is 1 as far as float32 goes, after a sum of some hundred terms.
UNIT = 2e-6
#: No single value counts for more than so many deviations in a row's distance.
CAP = 6.0


def row_measures(X: Any, mean: Any, std: Any) -> Any:
    """Return the measures of each row.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Numbers; missing ones are NaN.
    mean, std : ndarray of shape (n_columns,)
        The profile's.

    Returns
    -------
    measures : ndarray of shape (n_rows, 4)
        Mean distance from the mean, in deviations, each at most 6; sum of absolute values; root of the sum of squares;
        greatest absolute value. NaN if no number is there.
    """
    out = np.empty((len(X), len(MEASURES)))
    if not len(X):
        return out
    size = np.abs(X)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        far = np.minimum(np.abs(X - mean) / np.where(std > 0, std, 1.0), CAP)
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
