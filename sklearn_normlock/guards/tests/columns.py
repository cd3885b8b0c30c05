"""Tests of how columns and measures of rows are distributed, of missing values, and of what goes together."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_ndtr, stdtr

from ..calibration import CALIBRATION as C
from ..profiles.dependence import rank_scores
from ..profiles.statistics import row_measures, share_below
from .probability import log_tail_of_share, more_frequent
from .reference import Batch, Reference, Test, within

NORMS = ("l1", "l2", "max")


class Location(Test):
    """The rank sum of Wilcoxon (1945) and of Mann & Whitney (1947), each value moved to its kindest place.

    Conservative for exchangeable rows: the variance of mid-ranks is at most 1/12, and the tails of a rank sum are
    lighter than the normal distribution's.
    """

    name, scope, share, least_rows, of_place = "location", "row", 0.2, 2, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        n, m, columns = batch.count, reference.rows, np.arange(len(batch.count))
        out = np.zeros((2, len(n)))
        for row, (sign, half) in enumerate(((1.0, (n - 1) // 2), (-1.0, n // 2))):
            # Only columns of which more than half lies beyond training's middle need be ranked.
            beyond = sign * (batch.ordered[columns, half] - reference.middle) > reference.tolerance
            for j in np.flatnonzero(beyond):
                moved = batch.ordered[j, : n[j]] - sign * reference.tolerance[j]
                below = np.mean(share_below(*reference.profile.sketches[j], moved))  # by mid-ranks
                odd = sign * (below - 0.5) - C.coarseness - 0.25 / m[j]
                out[row, j] = log_ndtr(-odd / np.sqrt((1 / n[j] + 1 / m[j]) / 12)) if odd > 0 else 0.0
        return out


class Tails(Test):
    """How many rows lie beyond quantiles of training, on either side, or near its middle: beta-binomial counts.

    Exact for exchangeable rows, whatever the distribution. After a drift a count must be odd in two ways: after every
    value has moved out of the region, and after the rows in it have become more frequent.
    """

    name, scope, share, least_rows, of_place = "tails", "row", 0.17, 2, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        lower, upper, share, rows = reference.lower, reference.upper, reference.share, reference.rows
        moved = within(batch.ordered, lower + reference.tolerance, upper - reference.tolerance)
        log_p = log_tail_of_share(moved, batch.count, share, rows)
        odd = log_p < C.log_not_odd
        if odd.any():  # elsewhere no kinder drift need be looked for
            share = more_frequent(np.clip(share, 1 / rows, 1.0), reference.drift)
            frequent = log_tail_of_share(within(batch.ordered, lower, upper), batch.count, share, rows)
            log_p[odd] = np.maximum(log_p, frequent)[odd]
        return log_p


class Beyond(Test):
    """A single value beyond all of training: a Pareto tail, with Hill's (1975) index at its upper confidence bound.

    Conservative if the tail is no heavier than that. In a batch of many rows, some may be of a kind so rare that
    training had none of it: k of them with probability (n / (n + m))ᵏ at most. The value behind as many as that counts.
    """

    name, scope, share, of_place = "beyond", "row", 0.05, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        n, count, d = batch.n, batch.count, batch.d
        unseen = C.log_unseen / np.log(n / (n + reference.profile.n_rows))
        rare = min(int(unseen), n - 1) if n >= C.few else 0
        highest = np.where(count > rare, batch.ordered[np.arange(len(count)), count - 1 - rare], np.nan)
        excess = np.stack([highest, -batch.ordered[:, rare]]) - reference.tolerance - reference.extreme
        seen = ~reference.blind & (excess > 0)
        more = np.log1p(np.divide(excess, reference.reach, out=np.zeros_like(excess), where=seen)) / reference.index
        more[:, d] = excess[:, d] / reference.decay
        return np.where(seen, np.minimum(np.log(n / reference.rows) - more, 0.0), 0.0)


class Missing(Test):
    """More missing values than in training, or fewer: beta-binomial counts. An infinite value where training had none.

    Exact for exchangeable rows; after a drift, rows with a value may have become more frequent, or those without.
    """

    name, scope, share = "missing", "column", 0.05

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        seen, now = missing_of(reference, batch.as_served, batch.text)
        m, n, count = reference.profile.n_rows, batch.n, now.sum(axis=0)
        share = more_frequent(np.stack([seen / m, 1 - seen / m]), reference.drift)
        infinite = np.isinf(batch.as_served).any(axis=0) & (reference.moments.infinite == 0)
        more_and_fewer = log_tail_of_share([count, n - count], n, share, m)
        return np.vstack([more_and_fewer, np.where(infinite, C.log_infinite, 0.0)])


def missing_of(reference: Reference, X: Any, text: dict[int, Any]) -> tuple[Any, Any]:
    """Return how many rows of training have no value in each column, and of the batch which, as booleans."""
    seen, now = reference.moments.missing.copy(), np.isnan(X)
    for j, values in text.items():  # text is no number throughout
        seen[j] = reference.profile.categories[j].missing
        now[:, j] = [value is None for value in values]
    return seen, now


class Dependence(Test):
    """The slope of each column's ranks on what the others tell of them: 0 for another column, -1 for a negated one.

    Approximate: mean and deviation of the slope in clean batches were measured on the half of training that the
    regression did not see. Student's tails, widened by a factor, since a mean of products of ranks has heavier ones.
    """

    name, scope, share, least_rows, of_place = "dependence", "column", 0.07, C.few, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        if (learned := reference.profile.dependence) is None:
            return None
        scores = rank_scores(batch.X[:: max(1, batch.n // C.rows_of_values)][: C.rows_of_values])
        n = len(scores)
        # Where more rows share a value than did, as they may after a drift, ranks vary less and agree less.
        varies = np.sqrt(np.clip((scores**2).mean(axis=0) / np.maximum(reference.varying, 1e-6), 0.0, 1.0))
        drop = np.minimum(learned.expected, 1.0) * varies - learned.agreement(scores)  # more than learned is chance
        z = drop / np.maximum(learned.spread * np.sqrt(1 / n + 2 / learned.rows), 1e-6)
        p = 2 * stdtr(n - 2.0, -np.maximum(z / C.heavier, 0))
        # Populations differ a little in how their columns go together; a fault turns it round, or ends it.
        told = learned.informative() & scores.any(axis=0) & ~reference.rare & (drop > C.least_drop)
        return np.where(told, np.log(np.maximum(p, 1e-100)), 0.0)[None]


class Unit(Test):
    """Rows whose norm is exactly 1, which they had not in training; or is not, where nearly all had it: two counts.

    Exact for exchangeable rows, whatever the distribution of the norm: beta-binomial.
    """

    name, scope, share = "unit", "table", 0.01

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        if batch.d == 1 or not reference.profile.sampled[-1]:
            return None
        norms, usual = batch.ordered[batch.d + 1 : batch.d + 3], reference.profile.unit[:2]
        off = np.abs(norms - 1)
        has, lacks = (off <= C.unit_slack).sum(axis=1), ((off > C.off_norm) & (norms > 0)).sum(axis=1)
        counts = np.concatenate([has, lacks * (usual >= C.usual_norm)])
        share = more_frequent(np.concatenate([usual, 1 - usual]), reference.drift)
        return log_tail_of_share(counts, batch.n, share, reference.profile.sampled[-1])[:, None]


def unit_rows(X: Any) -> tuple[Any, Any, Any]:
    """Return the norms of each row, (n_rows, 3), which of them are 1, and which may be so by chance.

    A row of zeros counts as normalised, one of round numbers as one that may be.
    """
    norms = row_measures(X, np.zeros(X.shape[1]), np.ones(X.shape[1]))[:, 1:]
    unit = np.abs(norms - 1) <= max(C.unit_slack, C.unit_rounding * np.sqrt(X.shape[1]))
    round_ = (np.abs(X * 100 - np.rint(X * 100)) < C.exact).all(axis=1)[:, None]
    return norms, unit & ~round_ | (norms == 0), unit & round_
