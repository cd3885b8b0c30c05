"""Coincidences that can't be chance: columns standardised on the batch itself, rows of exactly unit length."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.sketch import share_within
from ..profiles.statistics import row_measures, tied_pairs
from .probability import log_tail_of_share, more_frequent, more_frequent_flag
from .reference import Batch, Reference, Test

NORMS = ("l1", "l2", "max")


class Unit(Test):
    """Rows whose norm is exactly 1, which they had not in training; or is not, where nearly all had it: two counts.

    Exact for exchangeable rows, whatever the distribution of the norm: beta-binomial.
    """

    name, scope, share = "unit", "table", 0.01

    def asked(self, reference: Reference, batch: Batch) -> bool:
        """Return whether a row has a norm of its own, and training had rows."""
        return bool(batch.d > 1 and reference.profile.sampled[-1] > 0)

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return "has it" for each of the three norms, then "has it not"."""
        norms, usual, rows = batch.measures[:, 1:], reference.profile.unit, float(reference.profile.sampled[-1])
        # As near to 1 as the rows of training were that are counted as having it.
        has = (unit_rows(batch.X, norms)[1] & (np.abs(norms - 1) <= C.unit_slack)).sum(axis=0)
        lacks = ((np.abs(norms - 1) > C.off_norm) & (norms > 0)).sum(axis=0) * np.isin(range(3), reference.usual_norms)
        # Rows of a category that training hardly had are measured otherwise: see ``alone``.
        share = np.concatenate([np.minimum(usual + reference.alone / rows, 1.0), 1 - usual])
        more = more_frequent_flag(share, reference.drift)
        return log_tail_of_share(np.concatenate([has, lacks]), batch.n, more, rows)[:, None]


class Standardised(Test):
    """Every column has the moments or the bounds that a scaler gives to the rows it is fitted on, to the last digit.

    Conservative for exchangeable rows. For moments and quartiles, the local limit theorem bounds how often those of
    values on a lattice hit a point. For bounds, rows that are at one are counted: beta-binomial. A fixed probability is
    assigned to a row of zeros, where training had none.
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


def standardised_by(reference: Reference, X: Any) -> tuple[str, float]:
    """Return by which scaler every column was scaled on this batch alone, and the log of how probable chance is.

    "" and 0 if none was.
    """
    if len(X) == 1:
        return _zeros(reference, X[0])
    with np.errstate(invalid="ignore", over="ignore"):
        low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
        moments, varied = reference.moments, np.flatnonzero(high > low)
        constant = (low == high) & (np.abs(low) > C.rounded)
        itself = len(X) == reference.profile.n_rows and (low == moments.low).all() and (high == moments.high).all()
        if len(X) < C.rows_of_moments or not len(varied) or constant.any() or itself:
            return "", 0.0
        # The first column rules most batches out: every scaler gives it a mean, a median or a bound to go by.
        first = X[~np.isnan(X[:, varied[0]]), varied[0]]
        least = min(abs(first.mean()), abs(np.median(first)), *np.abs([first.min(), first.min() + 1, first.max() - 1]))
        if least > C.exact or not (names := _scalers(X[:, varied])):
            return "", 0.0
        by_chance = _bounds_by_chance if names[0] in ("minmax", "maxabs") else _moments_by_chance
        return names[0], max(by_chance(reference, names[0], X, varied), C.log_all_sure)


def _scalers(X: Any) -> list[str]:
    """Return the scalers whose moments or bounds all of the columns have; each has two values or more."""
    low, high = np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0)
    found = {
        "standard": (np.abs(np.nanmean(X, axis=0)) < C.exact) & (np.abs(np.nanstd(X, axis=0) - 1) < C.exact),
        "minmax": (np.abs(low) < C.rounded) & (np.abs(high - 1) < C.rounded),
        "maxabs": np.abs(np.maximum(np.abs(low), np.abs(high)) - 1) < C.rounded,
    }
    if len(X) >= 8:
        first, middle, third = np.nanquantile(X, (0.25, 0.5, 0.75), axis=0)
        found["robust"] = (np.abs(middle) < C.exact) & (np.abs(third - first - 1) < C.exact)
    return [name for name, hit in found.items() if hit.all()]


def _moments_by_chance(reference: Reference, name: str, X: Any, columns: Any) -> float:
    """Return a bound on the log of how probable it is that columns of a batch of the profile's look scaled so.

    Values lie on a lattice of step h. By the local limit theorem a mean of n falls on a point of it with probability
    h / (σ √(2πn)) at most. A middle value does so with √n h / (1.25 σ √(2π)), and a second sum or another quantile as
    often. About 0.28 h / σ of all pairs of rows share a value.
    """
    n, total = len(X), 0.0
    for j in columns:
        # A batch that was rounded has more pairs than training.
        own = tied_pairs(np.unique(X[~np.isnan(X[:, j]), j], return_counts=True)[1])
        pairs = max(reference.profile.ties[j] + float((reference.steps[j][1] ** 2).sum()), own)
        hit = C.hits_of_sums * pairs / np.sqrt(n) if name == "standard" else C.hits_of_quantiles * pairs * np.sqrt(n)
        total += max(2 * np.log(np.clip(hit, 1e-100, 1.0)), C.log_sure)
    return float(total)


def _bounds_by_chance(reference: Reference, name: str, X: Any, columns: Any) -> float:
    """Return the log of how probable it is that so many rows are at a scaler's bounds, in columns where few were."""
    ends = np.array([0.0, 1.0] if name == "minmax" else [-1.0, 1.0])
    share, rows = 0.0, np.zeros(len(X), bool)
    for j in columns:
        values, shares = reference.profile.sketches[j]
        usual = float(share_within(values, shares, ends - C.rounded, ends + C.rounded).sum())
        if usual <= max(C.jump, C.errors / reference.rows[j]):
            share, rows = share + usual, rows | (np.abs(X[:, [j]] - ends) <= C.rounded).any(axis=1)
    share = more_frequent(min(share, 1.0), reference.drift)
    return float(log_tail_of_share(rows.sum(), len(X), share, reference.rows[columns].min()))


def _zeros(reference: Reference, row: Any) -> tuple[str, float]:
    if len(row) < 3 or not (np.abs(row) <= C.rounded).all():
        return "", 0.0
    sketches = reference.profile.sketches[: reference.columns]
    usual = np.array([share_within(*sketch, 0.0, 0.0) for sketch in sketches])
    seldom = (usual * reference.rows[: len(row)] < 1) & (reference.profile.ties[: len(row)] < C.jump)
    rare = int((seldom & (reference.std > 0)).sum())
    return ("standard", C.log_sure_of_zero * min(rare, 4)) if rare >= 3 else ("", 0.0)
