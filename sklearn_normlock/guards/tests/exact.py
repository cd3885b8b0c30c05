"""Coincidences that can't be chance: columns standardised on the batch itself, rows of exactly unit length."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.sketch import share_below
from ..profiles.statistics import row_measures, share_of_value
from .probability import log_binomial, log_choose, log_tail_of_share, more_frequent, more_frequent_flag
from .reference import Batch, Reference, Test

NORMS = ("l1", "l2", "max")


class Unit(Test):
    """Rows whose norm is exactly 1, which they had not in training; or is not 1, where nearly all had it.

    Conservative for exchangeable rows: the density of the norm about 1 is bounded by training's share in a wider
    interval, even with a pole; the share of rows off is beta-binomial.
    """

    name, scope, share = "unit", "table", 0.01

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return "has it" for each of the three norms, then "has it not"."""
        return _log_p_unit(reference, batch.X, batch.measures[:, 1:])[:, None]


class Standardised(Test):
    """Every column has the moments or the bounds that a scaler gives to the rows it is fitted on, to the last digit.

    Conservative for exchangeable rows. For values on the profile's lattice, the local limit theorem bounds how often a
    sum or a quantile hits a point; a bound that training had is hit as often as training's share says. For values that
    hardly repeat, a fixed small probability is assigned.
    """

    name, scope, share = "standardised", "table", 0.01

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return one number."""
        return np.full((1, 1), standardised_by(reference, batch.X)[1])


def unit_rows(X: Any, norms: Any = None) -> tuple[Any, Any, Any]:
    """Return the norms of each row, (n_rows, 3), which of them are 1, and which may be so by chance.

    A row of zeros counts as normalised, one of round numbers as one that may be. ``norms``: the first, if it is known.
    """
    if norms is None:
        norms = row_measures(X, np.zeros(X.shape[1]), np.ones(X.shape[1]))[:, 1:]
    slack = max(C.unit_slack, 3e-7 * np.sqrt(X.shape[1]))
    unit = np.abs(norms - 1) <= slack
    # Round numbers may have a round norm by chance.
    some, by_chance = unit.any(axis=1), np.zeros_like(unit)
    if some.any():
        round_ = np.zeros(len(X), bool)
        round_[some] = (np.abs(X[some] * 100 - np.rint(X[some] * 100)) < C.exact).all(axis=1)
        by_chance = unit & round_[:, None]
        unit &= ~by_chance
    return norms, unit | (norms == 0), by_chance


def usual_norms(reference: Reference) -> Any:
    """Return the norms that are 1 in (nearly) every row of training because the rows were normalised so."""
    usual = reference.profile.unit >= C.usual_norm
    return np.flatnonzero(usual & [True, True, not (usual[2] and _indicates(reference))])


def _indicates(reference: Reference) -> bool:
    """Tell whether columns have a 1 (or a -1) that many rows share: then it's these that are the largest of a row."""
    found = [np.abs(np.abs(reference.atoms(j)) - 1) < C.unit_slack for j in range(reference.columns)]
    return any(reference.masses(j)[one].sum() > C.jump for j, one in enumerate(found))


def _log_p_unit(reference: Reference, X: Any, norms: Any) -> Any:
    """Return of each norm the log p-value of so many rows having it exactly 1, and of so many that have it not.

    ``norms`` are those of the rows.
    """
    profile, m, drift = reference.profile, float(reference.profile.sampled[-1]), reference.drift
    _, unit, _ = unit_rows(X, norms)
    unit &= norms > 0
    out = np.zeros(6)
    if X.shape[1] < 2 or m < 1:
        return out
    off = ((np.abs(norms - 1) > C.off_norm) & (norms > 0)).sum(axis=0).astype(float)
    for k in usual_norms(reference) if off.any() else ():
        share = more_frequent(1 - profile.unit[k], drift)
        out[3 + k] = float(log_tail_of_share(off[k], float(len(X)), share, m))
    for k in np.flatnonzero(unit.any(axis=0)):
        at = reference.columns + 1 + k
        if reference.jumps[at] or profile.ties[at] > C.norms_repeat:
            continue  # a norm that takes few values may take this one
        # The density about 1, over a width in which some rows would lie if it were usual. It may have a pole there, as
        # where a norm is √(1 + z²), of one flag and another number: the share then falls as the root of the width.
        width = max(C.around_one, reference.tolerance[at])
        around = share_below(*profile.sketches[at], np.array([1 - 2 * width, 1 + 2 * width]))
        near = float(around[1][1] - around[0][0])
        p = 2 * near * np.sqrt(C.unit_slack / width) + 3 / m * C.unit_slack / width * 4
        p += profile.unit[k] + 2 * np.sqrt(profile.unit[k] / m)
        if p < 1:
            count = float(unit[:, k].sum())
            out[k] = (
                min(0.0, count * np.log(p) + log_choose(len(X), count))
                if profile.unit[k] == 0
                else float(log_tail_of_share(count, len(X), more_frequent_flag(p, drift), m))
            )
    return out


def standardised_by(reference: Reference, X: Any) -> tuple[str, float]:
    """Return by which scaler every column was scaled on this batch alone, and the log of how probable chance is.

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
        level = (size <= C.rounded) | varied
        if not varied.any() or not level.all():
            return "", 0.0
        for name, hit in (
            ("standard", (np.abs(mean) < C.exact) & (np.abs(std - 1) < C.exact)),
            ("minmax", (np.abs(low) < C.rounded) & (np.abs(high - 1) < C.rounded)),
            ("maxabs", (np.abs(size - 1) < C.rounded)),
            ("robust", _robust(X)),
        ):
            if not hit[varied].all():
                continue
            if name != "standard" and n < 4:
                continue
            # Values that are few meet such sums by chance; and training's own may be such: different ones don't, nor
            # do columns whose values hardly repeat and were elsewhere.
            different = _different(X[:, varied])
            odd = np.where(
                different > max(C.least_run, n / 2), C.log_sure, np.where(different > 2, C.log_sure_of_few, 0.0)
            )
            odd = odd if n > 3 else np.full(len(odd), C.log_sure_of_three)
            return name, max(float(np.maximum(odd, _by_chance(reference, name, X)[varied]).sum()), C.log_all_sure)
    return "", 0.0


def _may_be(column: Any) -> bool:
    """Tell whether a column that varies has the mean, a bound or the median of one that was scaled by itself."""
    if not column.size or np.isnan(column).any():
        return True
    low, high = column.min(), column.max()
    if abs(low) < C.rounded or abs(max(abs(low), abs(high)) - 1) < C.exact or abs(column.mean()) < C.exact:
        return True
    return bool(abs(np.median(column)) < C.exact)


def _moments(X: Any) -> tuple[Any, Any]:
    if np.isnan(X).any():
        count = np.maximum((~np.isnan(X)).sum(axis=0), 1)
        mean = np.nansum(X, axis=0) / count
        return mean, np.sqrt(np.nansum((X - mean) ** 2, axis=0) / count)
    return X.mean(axis=0), X.std(axis=0)


def _robust(X: Any) -> Any:
    if len(X) < 8:
        return np.zeros(X.shape[1], bool)
    if not (np.abs(np.nanmedian(X[:, :1], axis=0)) < C.exact).all():
        return np.zeros(X.shape[1], bool)
    low, middle, high = np.nanquantile(X, (0.25, 0.5, 0.75), axis=0)
    return (np.abs(middle) < C.exact) & (np.abs(high - low - 1) < C.exact)


def _by_chance(reference: Reference, name: str, X: Any) -> Any:
    """Return of each column (a bound on) the log of how probable it is that a batch of the profile's looks scaled so.

    -inf where that is not bounded by anything but how different the values are.
    """
    n, d = X.shape
    if name in ("minmax", "maxabs"):
        return _bounds_by_chance(reference, name, X)
    # Values lie on a lattice of step h. By the local limit theorem a mean of n falls on a point of it with probability
    # h / (σ √(2πn)) at most. A middle value does so with √n h / (1.25 σ √(2π)), and a second sum or another quantile
    # as often. About 0.28 h / σ of all pairs of rows share a value.
    often = np.array([(mass**2).sum() for _, mass in reference.steps[:d]])
    own = (1 / share_of_value(X) - 1).mean(axis=0) / (n - 1)  # a batch that was rounded has more than training
    ties, slack = np.maximum(reference.profile.ties[:d] + often, own), reference.tolerance[:d]
    if name == "standard":
        near = np.abs(reference.mean) <= slack + 4 * reference.std / np.sqrt(n)
        hit = 2 * np.log(np.clip(C.hits_of_sums * ties / np.sqrt(n), 1e-100, 1.0))
        if n <= 3:  # one value and another, of few: whichever they are
            few = [np.array(reference.few[j]) & (reference.off(j, X[:, j]) <= reference.rounding[j]) for j in range(d)]
            hit = np.where(np.all(few, axis=1), 0.0, hit)
        return np.where(near, hit, -np.inf)
    part = min(0.5, C.quartile_about + 2 / np.sqrt(n))
    low, high = reference.quantiles(0.5 - part)[:d], reference.quantiles(0.5 + part)[:d]
    near = (low - slack <= 0) & (high + slack >= 0)
    return np.where(near, 2 * np.log(np.clip(C.hits_of_quantiles * ties * np.sqrt(n), 1e-100, 1.0)), -np.inf)


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
        # Scaled values may miss an end by a rounding.
        had = np.array([len(values) > 0 and np.abs(values - end).min() <= C.rounded for end in ends])
        at = np.abs(X[:, [j]] - ends) <= C.rounded
        if not had[at.any(axis=0)].all():
            there[j] = -np.inf
        if not had[at.any(axis=0)].all() or not varied[j]:
            continue
        below, up_to = (
            share_below(values, shares, ends - C.rounded)[0],
            share_below(values, shares, ends + C.rounded)[1],
        )
        of_one = 1 - (1 - np.minimum(np.maximum(up_to - below, 0) + C.errors / reference.rows[j], 1.0)) ** n
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
    if len(row) < 3 or np.any(np.abs(row) > C.rounded) or np.isnan(row).any():
        return "", 0.0
    rare, m = 0, float(reference.rows[0])
    for j, (values, shares) in enumerate(reference.profile.sketches[: reference.columns]):
        below, up_to = share_below(values, shares, np.array([0.0])) if len(values) else (np.ones(1), np.ones(1))
        rare += bool(up_to[0] - below[0] < 1 / m and reference.profile.ties[j] < C.jump and reference.std[j] > 0)
    return ("standard", C.log_sure_of_three * min(rare, 4)) if rare >= 3 else ("", 0.0)
