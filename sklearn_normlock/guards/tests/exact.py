"""Coincidences that can't be chance: columns standardised on the batch itself, rows of exactly unit length."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.statistics import row_measures
from .probability import log_tail_of_share, more_frequent
from .reference import Batch, Reference, Test

NORMS = ("l1", "l2", "max")


class Unit(Test):
    """Rows whose norm is exactly 1, which they had not in training; or is not, where nearly all had it: two counts.

    Exact for exchangeable rows, whatever the distribution of the norm: beta-binomial.
    """

    name, scope, share = "unit", "table", 0.01

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        if batch.d == 1 or not reference.profile.sampled[-1]:
            return None
        norms, usual = batch.every[:, batch.d + 1 : batch.d + 3], reference.profile.unit[:2]
        off = np.abs(norms - 1)
        has, lacks = (off <= C.unit_slack).sum(axis=0), ((off > C.off_norm) & (norms > 0)).sum(axis=0)
        counts = np.concatenate([has, lacks * (usual >= C.usual_norm)])
        share = more_frequent(np.concatenate([usual, 1 - usual]), reference.drift)
        return log_tail_of_share(counts, batch.n, share, reference.profile.sampled[-1])[:, None]


def unit_rows(X: Any) -> tuple[Any, Any, Any]:
    """Return the norms of each row, (n_rows, 3), which of them are 1, and which may be so by chance.

    A row of zeros counts as normalised, one of round numbers as one that may be.
    """
    norms = row_measures(X, np.zeros(X.shape[1]), np.ones(X.shape[1]))[:, 1:]
    unit = np.abs(norms - 1) <= max(C.unit_slack, 3e-7 * np.sqrt(X.shape[1]))
    round_ = (np.abs(X * 100 - np.rint(X * 100)) < C.exact).all(axis=1)[:, None]
    return norms, unit & ~round_ | (norms == 0), unit & round_


class Standardised(Test):
    """Every column has the moments or the bounds that a scaler gives to the rows it is fitted on, to the last digit.

    Conservative for exchangeable rows. For moments, the local limit theorem bounds how often those of values on a
    lattice hit a point. A fixed probability is assigned to bounds, and to a row of zeros, that training hardly had.
    """

    name, scope, share = "standardised", "table", 0.01

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        return np.full((1, 1), standardised_by(reference, batch.X)[1])


def standardised_by(reference: Reference, X: Any) -> tuple[str, float]:
    """Return by which scaler every column was scaled on this batch alone, and the log of how probable chance is.

    "" and 0 if none was. As many rows as training had, with its bounds, are those of training.
    """
    n, low, high, moments = len(X), np.fmin.reduce(X, axis=0), np.fmax.reduce(X, axis=0), reference.moments
    at = high > low
    own = n == reference.profile.n_rows and ((low == moments.low) & (high == moments.high)).all()
    if own or (np.abs(low[~at]) > C.rounded).any():  # a scaler makes 0 of a column of one value
        return "", 0.0
    if n == 1:
        return "standard", C.log_sure_of_zero * int(_seldom(reference, [0.0])[~np.isnan(low)].sum())
    if n < C.rows_of_moments or not at.any():
        return "", 0.0
    if (np.abs(low[at]) < C.rounded).all() and (np.abs(high[at] - 1) < C.rounded).all():
        return "minmax", C.log_sure * int(_seldom(reference, [0.0, 1.0])[at].sum())
    mean, std = np.nanmean(X[:, at], axis=0), np.nanstd(X[:, at], axis=0)
    if (np.abs(mean) >= C.exact).any() or (np.abs(std - 1) >= C.exact).any():
        return "", 0.0
    # Values lie on a lattice of step h. By the local limit theorem a mean of n falls on a point of it with probability
    # h / (σ √(2πn)) at most, and a second sum as often. About 0.28 h / σ of all pairs of rows share a value.
    pairs = np.array([reference.profile.ties[j] + (reference.masses(j) ** 2).sum() for j in np.flatnonzero(at)])
    hit = np.clip(C.hits_of_sums * pairs / np.sqrt(n), 1e-100, 1.0)
    return "standard", float(np.maximum(2 * np.log(hit), C.log_sure).sum())


def _seldom(reference: Reference, numbers: list[float]) -> Any:
    """Return the columns that vary, and in which hardly a row of training had one of some numbers."""
    columns = range(reference.columns)
    usual = [[*reference.atoms(j), reference.low[j], reference.high[j]] for j in columns]
    new = np.array([not np.isin(numbers, each).any() for each in usual])
    return new & (reference.std > 0) & (reference.profile.ties[columns] < C.jump)
