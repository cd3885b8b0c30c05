"""Values that training did not have: off the steps that its values lie on, or none of the few that it took."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..profiles.steps import NEAR, rest
from .reference import Reference
from .tails import log_tail
from .tilt import more_frequent

#: Rows that are looked at, and how many of the most frequent values may be one of training's, moved.
ROWS, _OFTEN = 256, 5
#: The part of a step that rounding may make, and how much of it most values must be off.
_MOST_OFF, _LEAST_OFF = 0.25, 0.05
#: A log p-value above which nothing is odd, and no kinder shift need be looked for.
_NOT_ODD = -3.0


def new_values(reference: Reference, X: Any) -> Any:
    """Return of each column the log p-value of how many of its values are none that training could have had."""
    out, X = np.zeros(X.shape[1]), X[:: max(1, len(X) // ROWS)]
    few = np.array(reference.few[: X.shape[1]])
    for j in np.flatnonzero(few).tolist():
        out[j] = _none_of_few(reference, j, X[:, j])
    columns = np.flatnonzero((reference.profile.steps[1] > 0) & ~few)
    if len(columns):
        parts = rest(X[:, columns], *(of := reference.profile.steps[:2, columns])) / of[1]
        for at in np.flatnonzero((np.abs(parts) > NEAR).any(axis=0)):
            j = int(columns[at])
            # Scaled in single precision, numbers may be off by whole steps, if the raw ones are large.
            if not _single(X[:, j]) or _single(reference.profile.sketches[j][0]):
                out[j] = _off_steps(reference, j, parts[:, at])
    return out


def _single(x: Any) -> bool:
    """Tell whether values are held by single precision."""
    x = x[~np.isnan(x)]
    return bool((x.astype(np.float32) == x).all())


def on_steps(reference: Reference, X: Any, columns: Any) -> Any:
    """Return what share of the values of each column (rows) lies on the steps of each (columns), of those given."""
    x, steps = X[:, columns], reference.profile.steps[:2, columns].T
    near = np.stack([np.abs(rest(x, offset, step)) <= NEAR * step for offset, step in steps], axis=-1)
    return near.sum(axis=0) / np.maximum((~np.isnan(x)).sum(axis=0), 1)[:, None]


def _off_steps(reference: Reference, j: int, parts: Any) -> float:
    """Return the log of how probable it is that so many values are off the steps, wherever all of them have moved.

    ``parts``: by what part of a step each is off.
    """
    step, share = reference.profile.steps[1:, j]
    parts = np.sort(parts[~np.isnan(parts)])
    n, m = len(parts), reference.rows[j]
    moved = parts[np.abs(parts) * step <= reference.tolerance[j]]
    round_about = np.concatenate([moved, moved + 1])  # half a step up is half a step down
    alike = np.searchsorted(round_about, moved + 2 * NEAR, side="right") - np.arange(len(moved))
    still = int((np.abs(parts) <= NEAR).sum())
    by = moved[alike.argmax()] + NEAR if alike.max(initial=0) > still else 0.0
    if _rounded(rest(parts, by, 1.0)):
        return 0.0
    more = min(np.ceil(more_frequent(share, reference.drift) * m) + 1, m)
    return float(log_tail(n - max(still, alike.max(initial=0)), n, more, m))


def _rounded(parts: Any) -> bool:
    """Tell whether all values are near a multiple, but few are one: single precision does that before a scaler.

    (What was put in among multiples is off, and the others are not at all.)
    """
    off = np.abs(parts - np.median(parts))
    return bool(_LEAST_OFF * off.max() < np.median(off) and off.max() <= _MOST_OFF)


def others(reference: Reference, j: int, off: float, n: float) -> float:
    """Return the log of how probable it is that so many of n values are none of the few that a column takes."""
    m = reference.rows[j]
    often = reference.masses(j)[reference.masses(j) * m > 1.5].sum()  # of so few rows a profile has each value
    r = min(np.ceil(more_frequent(max(1 - float(often), 0.0), reference.drift) * m) + 1, m)
    return float(log_tail(off, n, r, m))


def _none_of_few(reference: Reference, j: int, x: Any) -> float:
    """Return the log of how probable it is that so many values are none of the few that training had, moved or not."""
    values, counts = np.unique(x[~np.isnan(x)], return_counts=True)
    slack, n = reference.rounding[j], float(counts.sum())
    off = float(counts[reference.off(j, values) > slack].sum()) if n else 0.0
    log_p = others(reference, j, off, n)
    if log_p > _NOT_ODD:
        return 0.0
    # All of them have moved: so that one of the most frequent is one of training's.
    usual = values[np.argsort(-counts)[:_OFTEN]]
    by = (usual[:, None] - reference.atoms(j)).ravel()
    by = by[np.abs(by) <= reference.tolerance[j]]
    if len(by):
        off = (counts * (reference.off(j, values - by[:, None]) > slack)).sum(axis=1).min()
    return others(reference, j, off, n)
