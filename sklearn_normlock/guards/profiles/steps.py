"""The steps that the values of a column are multiples of: cents, tenths of a degree, whole years, or these once scaled.

Nearly all that is measured or entered has few digits. Once scaled, it lies on steps of its own, to the last
digit. No other column does, and nothing that was scaled otherwise or computed with.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C


def steps_of(X: Any, sketches: list[tuple[Any, Any]]) -> Any:
    """Return an offset and a step for each column, and what share of its values is none of its multiples.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Values, NaN where they are missing.
    sketches : list of (values, shares)
        Of the columns; the step is that of the values in it.

    Returns
    -------
    steps : ndarray of shape (3, n_columns)
        0, 0, 1 for a column without a step.
    """
    out = np.zeros((3, X.shape[1]))
    out[2] = 1.0
    for j, x in enumerate(X.T):
        points = np.unique(sketches[j][0])
        if not (step := common_step(points)):
            continue
        known = x[~np.isnan(x)]
        if not _ranks(known, step):
            out[:, j] = points[0], step, np.mean(np.abs(residual(known, points[0], step)) > C.near_step * step)
    return out


def _ranks(x: Any, step: float) -> bool:
    """Tell whether values are ranks, or lie between two: a quantile transformer gives them to its own rows alone.

    Either no two rows are equal, though so many would share one of so few multiples. Or values from 0 to 1, in about as
    many steps as there are rows, say how many lie below, as well as a part of the ranked rows can tell.
    """
    x = np.sort(x)
    m, times = len(x), np.ptp(x) / step
    if (np.diff(x) > 0).all() and times < m**2 / C.pairs_of_ranks:
        return True
    inner = (x > x[0]) & (x < x[-1])
    below = (np.searchsorted(x, x) + np.searchsorted(x, x, side="right")) / (2 * m)
    own = x[0] >= 0 and x[-1] <= 1 and inner.any() and times > C.most_ranked * m
    return bool(own and np.abs(below - x)[inner].max() < C.kolmogorov / np.sqrt(m))


def residual(x: Any, offset: Any, step: Any) -> Any:
    """Return by how much values differ from the nearest multiple of a step; of what overflows, without end."""
    with np.errstate(over="ignore", invalid="ignore"):
        x = x - offset
        return x - np.rint(x / step) * step


def merged(one: Any, other: Any, part: float) -> Any:
    """Return the steps of two parts together; of a column without a step in one of them, none."""
    out = one.copy()
    with np.errstate(invalid="ignore", divide="ignore"):
        near = C.same_step * one[1]
        same = (one[1] > 0) & (np.abs(one[1] - other[1]) <= near) & (np.abs(residual(other[0], one[0], one[1])) <= near)
    out[2] = (1 - part) * one[2] + part * other[2]
    out[:, ~same] = np.array([[0.0], [0.0], [1.0]])
    return out


def common_step(points: Any) -> float:
    """Return the greatest step of which all points are multiples, after an offset; 0 if there is none to be seen.

    Euclid's algorithm on their differences.
    """
    if len(points) < 3:
        return 0.0
    off, slack = points[1:] - points[0], C.rounding * float(np.abs(points).max())
    if slack < C.smallest_step:
        return 0.0
    least, step = slack / C.near_step, 0.0
    for left in off.tolist():
        while left > least:
            step, left = left, abs(step - round(step / left) * left)
    if not step:
        return 0.0
    times = np.rint(off / step)
    step = float((times * off).sum() / (times * times).sum())
    all_are = (np.abs(residual(points, points[0], step)) <= slack).all()
    return step if all_are and (len(points) - 2) * np.log(2 * slack / step) < C.log_step_by_chance else 0.0
