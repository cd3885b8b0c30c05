"""Tests of values: those that repeat, those that training did not have, those that a scaler makes, and text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.categories import MEASURED, SHARES, Categories
from ..profiles.statistics import repeated_rows
from .probability import log_choose, log_tail_of_share, more_frequent
from .reference import Batch, Reference, Test


class Ties(Test):
    """Rows that share a value: a permutation test for values that are rare, a beta-binomial count for the others.

    Conservative for exchangeable rows. Had the n rows of the batch and the m of training been drawn together, k that
    share a value would all be among the n with probability C(n, k) / C(n + m, k). The pairs of equal values in training
    bound how many such k there are.
    """

    name, scope, share, least_rows = "ties", "column", 0.4, 3

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        out = np.zeros((1, batch.d))
        for run in odd_runs(reference, batch.ordered[: batch.d]):
            out[0, run.column] = min(out[0, run.column], run.log_p)
        return out


@dataclass(frozen=True)
class Run:
    """A value that ``count`` of ``n`` rows of a column have, and the log of how probable that is at most."""

    column: int
    value: float
    count: int
    n: int
    log_p: float
    lowest: bool
    highest: bool


def odd_runs(reference: Reference, ordered: Any) -> list[Run]:
    """Return the runs of equal values that are rarer than even; ``ordered`` has a batch's columns as Batch has them."""
    found = []
    repeated = (ordered[:, C.least_run - 1 :] == ordered[:, : 1 - C.least_run]).any(axis=1)
    for j in np.flatnonzero(repeated & reference.known[: len(ordered)]).tolist():
        values, counts = np.unique(ordered[j, ~np.isnan(ordered[j])], return_counts=True)
        at, n, last = np.flatnonzero(counts >= C.least_run), int(counts.sum()), len(values) - 1
        log_p = _log_p(reference, j, values[at], counts[at], n)
        each = zip(at.tolist(), values[at].tolist(), counts[at].tolist(), log_p.tolist(), strict=True)
        found += [Run(j, value, count, n, p, i == 0, i == last) for i, value, count, p in each if p < 0]
    return found


def _log_p(reference: Reference, j: int, values: Any, counts: Any, n: int) -> Any:
    """Return the log of how probable it is that so many rows share each value; the likelier reason counts.

    Training had the value, and rows that have it became more frequent. Or all values moved, and the most frequent one
    within the tolerance came to lie here. Or the value is one that few rows of training share, or none.
    """
    m, (at, mass) = float(reference.rows[j]), reference.shared[j]
    away = np.abs(at - values[:, None])
    own = (mass * (away <= reference.rounding[j])).max(axis=1, initial=0.0)
    near = (mass * (away <= reference.tolerance[j])).max(axis=1, initial=0.0)
    share = np.maximum(more_frequent(own, reference.drift), near)
    often = np.where(share > 0, log_tail_of_share(counts, n, share, m) + np.log(max(len(at), 1)), -np.inf)
    pairs = float(reference.profile.ties[j]) * m * (m - 1) / 2
    # Rows of training that may have it too: one, where no two rows of training have a value in common.
    most = min((1 + np.sqrt(1 + 8 * pairs)) / 2, max(C.jump * m, 3.0))
    own = log_choose(counts + most, counts)
    # The population may have drifted towards it: as if that many fewer rows of training had been asked.
    off = np.clip(values, reference.low[j], reference.high[j]) - reference.mean[j]
    asked = m * np.exp(-reference.drift * np.minimum(np.abs(off) / max(reference.std[j], 1e-300), C.far))
    return np.minimum(0.0, np.maximum(often, log_choose(n, counts) + own - log_choose(n + asked, counts)))


class Copies(Test):
    """Whole rows that are there more than once: a join that multiplies rows.

    Approximate for exchangeable rows: at least as many pairs of rows are equal as rows repeat an earlier one. Pairs are
    counted as rows are, beta-binomially, although those of one row go together.
    """

    name, scope, share, least_rows = "copies", "table", 0.04, 2

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        # In one column, repeated values are judged. A request may be sent again: a retry, a check of health.
        if batch.d == 1 or batch.requests > 1:
            return None
        pairs, of_training = (n * (n - 1) / 2 for n in (batch.n, max(float(reference.profile.sampled[-1]), 2.0)))
        sums = batch.ordered[batch.d + 1]  # equal rows have equal ones
        repeated = repeated_rows(batch.X)[0] if (sums[1:] == sums[:-1]).any() else 0
        return log_tail_of_share(repeated, pairs, reference.profile.copies, of_training).reshape(1, 1)


class Values(Test):
    """How many rows have a value that is none of the steps of training's: a beta-binomial count.

    Exact for exchangeable rows whose values lie on steps: cents, years, flags, a scaler's image of them. All values may
    have moved alike, as one of the most frequent has, within the tolerance; the kindest such move counts.
    """

    name, scope, share, least_rows, of_place = "values", "column", 0.14, 3, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        out, X = np.zeros(batch.d), batch.X[:: max(1, batch.n // C.rows_of_values)]
        for j in np.flatnonzero(reference.lattice).tolist():
            x, slack = X[~np.isnan(X[:, j]), j], C.near_step * reference.lattice[j]
            # Scaled in single precision, numbers may be off by whole steps, if the raw ones are large.
            rounded = not reference.few[j] and _single(x) and not _single(reference.profile.sketches[j][0])
            if rounded or not (reference.off(j, x) > slack).any():
                continue
            values, counts = np.unique(x, return_counts=True)
            usual = values[np.argsort(-counts, kind="stable")[: C.usual_values]]
            by = usual - reference.nearest_shared(j, usual)
            by = np.append(0.0, by[np.abs(by) <= reference.tolerance[j]])
            new = (counts * (reference.off(j, values - by[:, None]) > slack)).sum(axis=1).min()
            share = more_frequent(reference.new[j], reference.drift)
            out[j] = log_tail_of_share(new, len(x), share, reference.rows[j])
        return out[None]


def _single(x: Any) -> bool:
    """Tell whether values are held by single precision."""
    return np.array_equal(x, x.astype(np.float32))


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
    columns = np.flatnonzero(at)
    if any(abs(of(X[:, j]) - usual) >= C.exact for j in columns for of, usual in ((np.nanmean, 0), (np.nanstd, 1))):
        return "", 0.0
    # Values lie on a lattice of step h. By the local limit theorem a mean of n falls on a point of it with probability
    # h / (σ √(2πn)) at most, and a second sum as often. About 0.28 h / σ of all pairs of rows share a value.
    pairs = np.array([reference.profile.ties[j] + (reference.masses(j) ** 2).sum() for j in columns])
    hit = np.clip(C.hits_of_sums * pairs / np.sqrt(n), 1e-100, 1.0)
    return "standard", float(np.maximum(2 * np.log(hit), C.log_sure).sum())


def _seldom(reference: Reference, numbers: list[float]) -> Any:
    """Return the columns that vary, and in which hardly a row of training had one of some numbers."""
    columns = range(reference.columns)
    usual = [[*reference.atoms(j), reference.low[j], reference.high[j]] for j in columns]
    new = np.array([not np.isin(numbers, each).any() for each in usual])
    return new & (reference.std > 0) & (reference.profile.ties[columns] < C.jump)


class Text(Test):
    """Values of text that were never seen, or that are far more frequent than they were: beta-binomial counts.

    Conservative for exchangeable rows: of all values a column may have, the oddest counts, paid for by their number.
    New values are as many as those that training had once (Good 1953).
    """

    name, scope, share = "categories", "column", 0.05

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        if not batch.text:
            return None
        out = np.zeros((1, batch.d))
        for j, values in batch.text.items():
            out[0, j] = log_p_of_text(reference.profile.categories[j], values, reference.drift)
        return out


def log_p_of_text(learned: Categories, values: Any, drift: float) -> float:
    """Return the log p-value of a batch's values, None where they are missing; whichever value it is, paid for.

    Rows of free text whose measures are beyond quantiles of training are counted, too.
    """
    known = [value for value in values if value is not None]
    n, m, counts = len(known), max(learned.count, 1), Counter(known)
    kept = [counts[value] for value in learned.values]
    share = (np.array([learned.other + learned.once, *learned.values.values()]) + 1) / (m + 1)
    found = log_tail_of_share([n - sum(kept), *kept], n, more_frequent(share.clip(max=1.0), drift), m)
    if known and learned.bounds is not None:
        measures, (above, below) = learned.measure(known)[:, None, :], learned.bounds
        beyond, measured = [(measures > above).sum(axis=0), (measures < below).sum(axis=0)], min(m, MEASURED)
        share = more_frequent((1 - np.array(SHARES)[:, None] + 1 / measured).clip(max=1.0), drift)
        found = np.append(found, log_tail_of_share(beyond, n, share, measured))
    return float(min(0.0, found.min() + np.log(found.size)))
