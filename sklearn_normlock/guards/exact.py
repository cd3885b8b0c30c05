"""What can't be chance: columns standardised on the batch itself, rows of exactly unit length."""

from __future__ import annotations

from typing import Any

import numpy as np

from .norms import unit_rows
from .reference import Reference
from .rows import UNIT
from .sketch import share_below
from .tails import log_choose, log_tail

_EXACT, _ROUNDED = 1e-6, 1e-9
#: A column with so nearly mean 0 and deviation 1 was standardised; and so many rows of one value are several.
_SCALED, _SEVERAL = 1e-3, 3


def log_p_unit(reference: Reference, X: Any, norms: Any) -> Any:
    """Return of each norm the log p-value of so many rows having it exactly 1; ``norms`` are those of the rows."""
    profile, m = reference.profile, float(reference.profile.sampled[-1])
    _, unit, _ = unit_rows(X, norms)
    unit &= norms > 0
    out = np.zeros(3)
    if X.shape[1] < 2 or m < 1:
        return out
    for k in np.flatnonzero(unit.any(axis=0)):
        at = reference.columns + 1 + k
        if reference.jumps[at] or profile.ties[at] > 1e-3:
            continue  # a norm that takes few values may take this one
        # The density about 1, over a width in which some rows would lie if it were usual.
        width = max(0.02, reference.tolerance[at])
        around = share_below(*profile.sketches[at], np.array([1 - 2 * width, 1 + 2 * width]))
        near = float(around[1][1] - around[0][0]) + 3 / m
        p = min(1.0, near) * UNIT / width * 4 + profile.unit[k] + 2 * np.sqrt(profile.unit[k] / m)
        if p < 1:
            count = float(unit[:, k].sum())
            out[k] = (
                min(0.0, count * np.log(p) + log_choose(len(X), count))
                if profile.unit[k] == 0
                else float(log_tail(count, len(X), min(np.ceil(p * m) + 1, m), m))
            )
    return out


def standardised_by(reference: Reference, X: Any) -> tuple[str, float]:
    """Return by which scaler every column was scaled on this batch alone, and the log of how probable chance is.

    Parameters
    ----------
    reference : Reference
        What to compare with.
    X : ndarray of shape (n_rows, n_columns)
        The batch, finite or NaN.

    Returns
    -------
    scaler, log_p : str, float
        "" and 0 if none was.
    """
    n, d = X.shape
    profile = reference.profile
    if n == 1:
        return _zeros(reference, X[0])
    with np.errstate(invalid="ignore", over="ignore"):
        if not _may_be(X[:, np.flatnonzero(X[0] != X[-1])[:1]]):
            return "", 0.0
        mean, std = _moments(X)
        low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
        size = np.maximum(np.abs(low), np.abs(high))
        varied = high > low
        if n == profile.n_rows and (low == profile.moments.low).all() and (high == profile.moments.high).all():
            return "", 0.0  # the training data itself
        level = (size <= _ROUNDED) | varied
        if not varied.any() or not level.all():
            return "", 0.0
        for name, hit in (
            ("standard", (np.abs(mean) < _EXACT) & (np.abs(std - 1) < _EXACT)),
            ("minmax", (low == 0) & (np.abs(high - 1) < 1e-9)),
            ("maxabs", (np.abs(size - 1) < 1e-12)),
            ("robust", _robust(X)),
        ):
            if not hit[varied].all():
                continue
            if name != "standard" and n < 4:
                continue
            # Values that are few, or a profile's own bounds, meet such sums by chance; different values don't.
            different = _different(X[:, varied])
            if name in ("minmax", "maxabs"):
                different = np.where(_bounds_are_usual(reference, name, n)[varied], 0, different)
            several = different > max(3, 0.5 * n)
            sure = int(several.sum()) if n > 3 else int(varied.sum()) // 2
            few = int(((different > 2) & ~several).sum()) if n > 3 else 0
            return name, -12.0 * min(sure, 6) - 4.0 * min(few, 8)
    return "", 0.0


def _may_be(column: Any) -> bool:
    """Tell whether a column that varies has the mean, a bound or the median of one that was scaled by itself."""
    if not column.size or np.isnan(column).any():
        return True
    low, high = column.min(), column.max()
    if low == 0 or abs(max(abs(low), abs(high)) - 1) < _EXACT or abs(column.mean()) < _EXACT:
        return True
    return bool(abs(np.median(column)) < _EXACT)


def _moments(X: Any) -> tuple[Any, Any]:
    if np.isnan(X).any():
        count = np.maximum((~np.isnan(X)).sum(axis=0), 1)
        mean = np.nansum(X, axis=0) / count
        return mean, np.sqrt(np.nansum((X - mean) ** 2, axis=0) / count)
    return X.mean(axis=0), X.std(axis=0)


def _robust(X: Any) -> Any:
    if len(X) < 8:
        return np.zeros(X.shape[1], bool)
    if not (np.abs(np.nanmedian(X[:, :1], axis=0)) < _EXACT).all():
        return np.zeros(X.shape[1], bool)
    low, middle, high = np.nanquantile(X, (0.25, 0.5, 0.75), axis=0)
    return (np.abs(middle) < _EXACT) & (np.abs(high - low - 1) < _EXACT)


def _bounds_are_usual(reference: Reference, name: str, n: int) -> Any:
    """Return of which columns a batch of n rows of the profile's may well have the bounds that a scaler gives."""
    out = np.zeros(reference.columns, bool)
    for j, (values, shares) in enumerate(reference.profile.sketches[: reference.columns]):
        if not len(values):
            continue
        m = reference.rows[j]
        ends = np.array([0.0, 1.0] if name == "minmax" else [-1.0, 1.0])
        # What was scaled may miss an end by a rounding.
        below, up_to = share_below(values, shares, ends - _ROUNDED)[0], share_below(values, shares, ends + _ROUNDED)[1]
        share = np.where(up_to - below > 0.5 / m, up_to - below + 3 / m, 0.0)
        # A bound of the training rows is a value that one of them has at least, whether or not the sketch has a jump.
        share = np.maximum(share, np.where((up_to >= 1) | (below <= 0), 4 / m, 0.0) * (reference.profile.ties[j] > 0))
        out[j] = (share.prod() if name == "minmax" else share.sum()) * n > 1e-3
    return out


def _different(X: Any) -> Any:
    ordered = np.sort(X, axis=0)
    return (ordered[1:] > ordered[:-1]).sum(axis=0) + 1


def _zeros(reference: Reference, row: Any) -> tuple[str, float]:
    if len(row) < 3 or np.any(np.abs(row) > 1e-12) or np.isnan(row).any():
        return "", 0.0
    rare, m = 0, float(reference.rows[0])
    for j, (values, shares) in enumerate(reference.profile.sketches[: reference.columns]):
        below, up_to = share_below(values, shares, np.array([0.0])) if len(values) else (np.ones(1), np.ones(1))
        rare += bool(up_to[0] - below[0] < 1 / m and reference.profile.ties[j] < 1e-2 and reference.std[j] > 0)
    return ("standard", -6.0 * min(rare, 4)) if rare >= 3 else ("", 0.0)


def traded_values(reference: Reference, X: Any) -> tuple[tuple[int, ...], float]:
    """Return the two columns that have each other's most frequent value to the last digit, and the log of that chance.

    Of columns that a scaler has given numbers of their own; elsewhere the same few are in all of them. No columns and 0
    if there are none, or several such pairs.
    """
    d = X.shape[1]
    own = (np.abs(reference.mean) < _SCALED) & (np.abs(reference.std - 1) < _SCALED)
    at = np.flatnonzero(own & np.array(reference.jumps[:d]))
    if len(at) < 2 or len(X) < _SEVERAL:
        return (), 0.0
    usual = np.array([reference.atoms(j)[reference.masses(j).argmax()] for j in at])
    found = np.full(len(at), np.nan)
    for i, j in enumerate(at):
        values, counts = np.unique(X[~np.isnan(X[:, j]), j], return_counts=True)
        if len(values) and counts.max() >= _SEVERAL:
            found[i] = values[counts.argmax()]
    apart, close = np.abs(found[:, None] - usual), reference.rounding[at]
    known = np.array([np.abs(usual[:, None] - reference.atoms(j)).min(axis=1) for j in at]) <= close[:, None]
    there = (apart <= close) & ~known
    there &= (there.sum(axis=1) == 1)[:, None]
    pairs = np.argwhere(np.triu(there & there.T))
    if len(pairs) != 1:
        return (), 0.0
    # As near as that, of all the places within the tolerated drift, any column to any other. (Two that have drifted by
    # as much, one up and one down, come near each other at once.)
    i, j = pairs[0]
    near = max(apart[i, j], apart[j, i], _ROUNDED * 1e-3)
    return (int(at[i]), int(at[j])), float(
        np.log(min(len(at) ** 2 * near / reference.tolerance[at[[i, j]]].min(), 1.0))
    )
