"""Tests of the distribution of columns and of measures of rows, of missing values, and of what goes together."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_ndtr, stdtr

from ..calibration import CALIBRATION as C
from ..profiles.dependence import rank_scores
from ..profiles.statistics import how_many, share_below
from .probability import log_tail_of_share, more_frequent
from .reference import Batch, Reference, Test


class Location(Test):
    """The rank sum of Wilcoxon (1945) and of Mann & Whitney (1947), each value moved to its kindest place.

    Conservative for exchangeable rows: the variance of mid-ranks is at most 1/12, and the tails of a rank sum are
    lighter than the normal distribution's.
    """

    name, scope, share, least_rows, of_place = "location", "row", 0.2, 2, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        out = np.zeros((2, len(reference.known)))
        for row, sign in enumerate((1.0, -1.0)):
            moved = batch.every - sign * reference.tolerance
            beyond = how_many(sign * moved > sign * reference.middle)
            for j in np.flatnonzero(beyond > 0.5 * batch.count):  # the others need not be ranked
                n, m = batch.count[j], reference.rows[j]
                below = share_below(*reference.profile.sketches[j], moved[~np.isnan(moved[:, j]), j])
                odd = sign * (np.mean(below) - 0.5) - C.coarseness - 0.25 / m  # by mid-ranks
                out[row, j] = log_ndtr(-odd / np.sqrt((1 / n + 1 / m) / 12)) if odd > 0 else 0.0
        return out


class Tails(Test):
    """How many rows lie beyond quantiles of training, on either side, or near its middle: beta-binomial counts.

    Exact for exchangeable rows, whatever the distribution. After a drift a count must be odd in two ways: after every
    value has moved out of the region, and after the rows in it have become more frequent.
    """

    name, scope, share, least_rows, of_place = "tails", "row", 0.17, 2, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        out = []
        for side in reference.sides:
            values = side.values(batch.every)
            moved = values - reference.tolerance
            inside = np.stack([how_many(moved > threshold) for threshold in side.thresholds])
            log_p = log_tail_of_share(inside, batch.count, side.share, reference.rows)
            odd = (log_p < C.log_not_odd).any(axis=0)  # elsewhere no kinder drift need be looked for
            if odd.any():
                rows, inside = reference.rows[odd], (values[:, odd] > side.thresholds[:, None, odd]).sum(axis=1)
                share = more_frequent(np.clip(side.share[:, odd], 1 / rows, 1.0), reference.drift)
                log_p[:, odd] = np.maximum(log_p[:, odd], log_tail_of_share(inside, batch.count[odd], share, rows))
            out.append(log_p)
        return np.concatenate(out)


class Beyond(Test):
    """A single value beyond all of training: a Pareto tail, with Hill's (1975) index at its upper confidence bound.

    Conservative if the tail is no heavier than that. In a batch of many rows, some may be of a kind so rare that
    training had none of it: k of them with probability (n / (n + m))ᵏ at most. The value behind as many as that counts.
    """

    name, scope, share, of_place = "beyond", "row", 0.05, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        n, out = batch.n, []
        rare = int(C.log_unseen / np.log(n / (n + reference.profile.n_rows))) if n >= C.few else 0
        for side in reference.sides[:2]:
            inward = np.partition(-side.values(batch.every), min(rare, n - 1), axis=0)  # missing values last
            value = -inward[min(rare, n - 1)] - reference.tolerance
            seen = ~side.blind & (value > side.extreme)
            far = np.where(seen, value - side.middle, 1.0) / np.where(seen, side.extreme - side.middle, 1.0)
            more = np.log(far) / side.index
            more[batch.d] = (value - side.extreme)[batch.d] / side.decay
            out.append(np.where(seen, np.log(n / reference.rows) - more, 0.0))
        return np.minimum(np.stack(out), 0.0)


class Missing(Test):
    """More missing values than in training, or fewer: beta-binomial counts. An infinite value where training had none.

    Exact for exchangeable rows; after a drift, rows with a value may have become more frequent, or those without.
    """

    name, scope, share = "missing", "column", 0.05

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        seen, now = missing_of(reference, batch.as_served, batch.text)
        m, n, count = reference.profile.n_rows, batch.n, now.sum(axis=0)
        infinite = np.isinf(batch.as_served).any(axis=0) & (reference.moments.infinite == 0)
        more = log_tail_of_share(count, n, more_frequent(seen / m, reference.drift), m)
        fewer = log_tail_of_share(n - count, n, more_frequent(1 - seen / m, reference.drift), m)
        return np.stack([more, fewer, np.where(infinite, C.log_infinite, 0.0)])


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
        scores = rank_scores(batch.X[:: max(1, batch.n // C.rows_of_dependence)][: C.rows_of_dependence])
        n = len(scores)
        # Where more rows share a value than did, as they may after a drift, ranks vary less and agree less.
        usual = np.array([1 - (mass**3).sum() for _, mass in reference.shared[: batch.d]])
        varies = np.sqrt(np.clip((scores**2).mean(axis=0) / np.maximum(usual, 1e-6), 0.0, 1.0))
        drop = np.minimum(learned.expected, 1.0) * varies - learned.agreement(scores)  # more than learned is chance
        z = drop / np.maximum(learned.spread * np.sqrt(1 / n + 2 / learned.rows), 1e-6)
        p = 2 * stdtr(n - 2.0, -np.maximum(z / C.heavier, 0))
        # Populations differ a little in how their columns go together; a fault turns it round, or ends it.
        told = learned.informative() & scores.any(axis=0) & ~reference.rare & (drop > C.least_drop)
        return np.where(told, np.log(np.maximum(p, 1e-100)), 0.0)[None]
