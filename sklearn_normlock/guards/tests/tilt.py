"""A population that has drifted: rows are what they were, some of them more frequent.

Not every drift moves each value by the same. If more customers are old, the share of those beyond seventy grows, and
nobody is older than before. The kindest such change that moves a column's mean by a given amount is the exponential
tilt: each row is as much more frequent as exp(theta z) says (Csiszár 1975).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

#: A row this many deviations from the mean, or more, is as frequent as one at that distance: else a single outlier
#: would be made most of the population.
FAR = 5.0
_STEPS = 6


def more_frequent(share: Any, drift: float) -> Any:
    """Return the greatest share that rows may have after a drift which had a share before, whichever rows they are.

    In a normal variable that moves by so many deviations, the most extreme values gain most (Neyman & Pearson 1933).
    """
    return ndtr(ndtri(share) + drift)


def more_frequent_flag(share: Any, drift: float) -> Any:
    """Return the greatest share that one of two values may have after their mean moves by so many deviations."""
    return np.maximum(more_frequent(share, drift), np.minimum(share + drift * np.sqrt(share * (1 - share)), 1.0))


def tilted(fine: Any, mean: Any, std: Any, moved: float, thresholds: Any, shares: Any) -> Any:
    """Return the shares beyond thresholds once the population has drifted upwards.

    Parameters
    ----------
    fine : ndarray of shape (n_points, n_columns)
        Values at evenly spaced shares.
    mean, std : ndarray of shape (n_columns,)
        Of the columns; negate `fine`, `mean` and `thresholds` for a drift downwards.
    moved : float
        By how many deviations the mean moves.
    thresholds, shares : ndarray of shape (n_thresholds, n_columns)
        Where to look, and the shares above it before.

    Returns
    -------
    shares : ndarray of shape (n_thresholds, n_columns)
        The larger of the tilted share and that of a normal variable moved so far, of which only the steps are seen.
    """
    scale = np.where(std > 0, std, 1.0)
    z = np.clip((fine - mean) / scale, -FAR, FAR)
    start, theta = z.mean(axis=0), np.full(fine.shape[1], float(moved))
    for _ in range(_STEPS):  # Newton's method: the derivative of the mean is the variance
        weight = np.exp(theta * z)
        weight /= weight.sum(axis=0)
        now = (weight * z).sum(axis=0)
        variance = np.maximum((weight * z * z).sum(axis=0) - now * now, 1e-2)
        theta = np.clip(theta + (start + moved - now) / variance, 0.0, 2.0)
    at = np.clip((thresholds - mean) / scale, -FAR, FAR)
    of_one = np.exp(theta * at) / np.exp(theta * z).mean(axis=0)
    out = np.empty_like(shares)
    for k, threshold in enumerate(thresholds):
        beyond = fine > threshold
        plain = beyond.mean(axis=0)
        grown = np.where(beyond, np.exp(theta * z), 0.0).mean(axis=0) / np.exp(theta * z).mean(axis=0)
        out[k] = shares[k] * np.where(plain > 0, grown / np.where(plain > 0, plain, 1.0), of_one[k])
    by_steps = ndtr(ndtri(np.clip(shares, 0.0, 1.0)) + moved)
    return np.clip(np.fmax(out, by_steps), shares, 1.0)
