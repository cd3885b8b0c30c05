"""Coincidences that can't be chance: columns standardised on the batch itself, rows of exactly unit length."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..profiles.rows import UNIT
from ..profiles.sketch import share_below
from ..profiles.statistics import share_of_value
from .norms import OFF, unit_rows, usual_norms
from .reference import Reference
from .tails import log_binomial, log_choose, log_tail
from .tilt import more_frequent, more_frequent_flag

_EXACT, _ROUNDED = 1e-6, 1e-9
#: What it tells (a log p-value) that a column has the very moments of a scaled one: of different values, of few values,
#: of two or three rows; and what all of them tell at most.
_SURE, _FEW, _OF_THREE, _ALL_SURE = -12.0, -4.0, -6.0, -100.0
#: A column with so nearly mean 0 and deviation 1 was standardised; and so many rows of one value are several.
_SCALED, _SEVERAL = 1e-3, 3


def log_p_unit(reference: Reference, X: Any, norms: Any) -> Any:
    """Return of each norm the log p-value of so many rows having it exactly 1, and of so many that have it not.

    ``norms`` are those of the rows.
    """
    profile, m, drift = reference.profile, float(reference.profile.sampled[-1]), reference.drift
    _, unit, _ = unit_rows(X, norms)
    unit &= norms > 0
    out = np.zeros(6)
    if X.shape[1] < 2 or m < 1:
        return out
    off = ((np.abs(norms - 1) > OFF) & (norms > 0)).sum(axis=0).astype(float)
    for k in usual_norms(reference) if off.any() else ():
        share = more_frequent(1 - profile.unit[k], drift)
        out[3 + k] = float(log_tail(off[k], float(len(X)), min(np.ceil(share * m) + 1, m), m))
    for k in np.flatnonzero(unit.any(axis=0)):
        at = reference.columns + 1 + k
        if reference.jumps[at] or profile.ties[at] > 1e-3:
            continue  # a norm that takes few values may take this one
        # The density about 1, over a width in which some rows would lie if it were usual. It may have a pole there, as
        # where a norm is √(1 + z²), of one flag and another number: the share then falls as the root of the width.
        width = max(0.02, reference.tolerance[at])
        around = share_below(*profile.sketches[at], np.array([1 - 2 * width, 1 + 2 * width]))
        near = float(around[1][1] - around[0][0])
        p = 2 * near * np.sqrt(UNIT / width) + 3 / m * UNIT / width * 4
        p += profile.unit[k] + 2 * np.sqrt(profile.unit[k] / m)
        if p < 1:
            count = float(unit[:, k].sum())
            out[k] = (
                min(0.0, count * np.log(p) + log_choose(len(X), count))
                if profile.unit[k] == 0
                else float(log_tail(count, len(X), min(np.ceil(more_frequent_flag(p, drift) * m) + 1, m), m))
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
            ("minmax", (np.abs(low) < _ROUNDED) & (np.abs(high - 1) < _ROUNDED)),
            ("maxabs", (np.abs(size - 1) < 1e-12)),
            ("robust", _robust(X)),
        ):
            if not hit[varied].all():
                continue
            if name != "standard" and n < 4:
                continue
            # Values that are few meet such sums by chance; and training's own may be such: different ones don't, nor
            # do columns whose values hardly repeat and were elsewhere.
            different = _different(X[:, varied])
            odd = np.where(different > max(3, 0.5 * n), _SURE, np.where(different > 2, _FEW, 0.0))
            odd = odd if n > 3 else np.full(len(odd), _OF_THREE)
            return name, max(float(np.maximum(odd, _by_chance(reference, name, X)[varied]).sum()), _ALL_SURE)
    return "", 0.0


def _may_be(column: Any) -> bool:
    """Tell whether a column that varies has the mean, a bound or the median of one that was scaled by itself."""
    if not column.size or np.isnan(column).any():
        return True
    low, high = column.min(), column.max()
    if abs(low) < _ROUNDED or abs(max(abs(low), abs(high)) - 1) < _EXACT or abs(column.mean()) < _EXACT:
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


def _by_chance(reference: Reference, name: str, X: Any) -> Any:
    """Return of each column (a bound on) the log of how probable it is that a batch of the profile's looks scaled so.

    -inf where that is not bounded by anything but how different the values are.
    """
    n, d = X.shape
    if name in ("minmax", "maxabs"):
        return _bounds_by_chance(reference, name, X)
    # Values on a lattice of step h: by the local limit theorem a mean of n falls on a point of it with probability
    # h / (σ √(2πn)) at most, a middle value with √n h / (1.25 σ √(2π)); and as often a second sum or another quantile.
    # Of pairs of rows about 0.28 h / σ share a value.
    often = np.array([(mass**2).sum() for _, mass in reference.steps[:d]])
    own = (1 / share_of_value(X) - 1).mean(axis=0) / (n - 1)  # a batch that was rounded has more than training
    ties, slack = np.maximum(reference.profile.ties[:d] + often, own), reference.tolerance[:d]
    if name == "standard":
        near = np.abs(reference.mean) <= slack + 4 * reference.std / np.sqrt(n)
        hit = 2 * np.log(np.clip(4 * ties / np.sqrt(n), 1e-100, 1.0))
        if n <= 3:  # one value and another, of few: whichever they are
            few = [np.array(reference.few[j]) & (reference.off(j, X[:, j]) <= reference.rounding[j]) for j in range(d)]
            hit = np.where(np.all(few, axis=1), 0.0, hit)
        return np.where(near, hit, -np.inf)
    part = min(0.5, 0.12 + 2 / np.sqrt(n))
    low, high = reference.quantiles(0.5 - part)[:d], reference.quantiles(0.5 + part)[:d]
    near = (low - slack <= 0) & (high + slack >= 0)
    return np.where(near, 2 * np.log(np.clip(3 * ties * np.sqrt(n), 1e-100, 1.0)), -np.inf)


def _bounds_by_chance(reference: Reference, name: str, X: Any) -> Any:
    """Return of each column (a bound on) the log of how probable it is that a batch has the bounds that a scaler gives.

    -inf where training had no such value; of what the others tell together, each has a part. A row that is at such a
    bound of several columns, as where these go together, counts for one of them.
    """
    n, d = X.shape
    ends = np.array([0.0, 1.0] if name == "minmax" else [-1.0, 1.0])
    there, told = np.zeros(d), set[int]()
    varied = np.fmin.reduce(X, axis=0) < np.fmax.reduce(X, axis=0)
    for j, (values, shares) in enumerate(reference.profile.sketches[:d]):
        # What was scaled may miss an end by a rounding.
        had = np.array([len(values) > 0 and np.abs(values - end).min() <= _ROUNDED for end in ends])
        at = np.abs(X[:, [j]] - ends) <= _ROUNDED
        if not had[at.any(axis=0)].all():
            there[j] = -np.inf
        if not had[at.any(axis=0)].all() or not varied[j]:
            continue
        below, up_to = share_below(values, shares, ends - _ROUNDED)[0], share_below(values, shares, ends + _ROUNDED)[1]
        of_one = 1 - (1 - np.minimum(np.maximum(up_to - below, 0) + 3 / reference.rows[j], 1.0)) ** n
        if name == "maxabs":  # one of the two is enough
            of_one[:] = min(of_one[had].sum(), 1.0)
        for end in np.flatnonzero(at.any(axis=0)):
            rows = np.flatnonzero(at[:, end]).tolist()
            if len(rows) > 1:
                there[j] += np.log(of_one[end])
            elif rows[0] not in told:
                told.add(rows[0])
                there[j] += np.log(of_one[end])
    known = np.isfinite(there) & varied
    columns = float(max(known.sum(), 1))
    # A scaler puts one row at each bound; of what was cut off at those of training, one is there as often as not.
    asked = columns * (len(ends) if name == "minmax" else 1)
    alone = log_binomial(min(float(len(told)), asked), asked, (1 - 1 / n) ** (n - 1))
    return np.where(known, min(there[known].sum(), alone) / columns, -np.inf)


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

    Asked only for columns that a scaler has given numbers of their own; elsewhere the same few are in all of them. No
    columns and 0 if there are none, or several such pairs.
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
