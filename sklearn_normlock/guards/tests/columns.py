"""Tests of the distribution of columns and of measures of rows, of missing values, and of what goes together."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_ndtr, stdtr

from ..calibration import CALIBRATION as C
from ..profiles.dependence import rank_scores
from ..profiles.sketch import share_below
from ..profiles.statistics import how_many
from .probability import log_tail, log_tail_of_share, more_frequent
from .reference import Batch, Reference, Test


class Location(Test):
    """The rank sum of Wilcoxon (1945) and of Mann & Whitney (1947), each value moved to its kindest place.

    Conservative for exchangeable rows: the variance of mid-ranks is at most 1/12, and the tails of a rank sum are
    lighter than the normal distribution's.
    """

    name, scope, share, share_of_few, least_rows, of_place = "location", "row", 0.21, 0.2, 2, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return a row for "too high", and one for "too low"."""
        every, count = batch.every, batch.count
        d, half = every.shape[1], 0.5 * batch.count
        out = np.zeros(2 * d)
        # Half the rows on the right side of the middle already: no need to rank them.
        above = how_many((every - reference.tolerance) > reference.middle) > half
        below = how_many((every + reference.tolerance) < reference.middle) > half
        for at in np.flatnonzero(np.concatenate([above, below])):
            j, sign = (at, -1.0) if at < d else (at - d, 1.0)
            sketch, m = reference.profile.sketches[j], reference.rows[j]
            x = every[:, j]
            moved = (x if count[j] == len(x) else x[~np.isnan(x)]) + sign * reference.tolerance[j]
            share = np.mean(share_below(*sketch, moved))  # of mid-ranks
            odd = -sign * (share - 0.5) - C.coarseness - 0.25 / m
            if odd > 0:
                out[at] = log_ndtr(-odd / np.sqrt((1 / count[j] + 1 / m) / 12))
        return out.reshape(2, -1)


class Tails(Test):
    """How many rows lie beyond each of four quantiles of training, on either side: a beta-binomial count.

    Exact for exchangeable rows, whatever the distribution. After a drift the count must be odd in two ways: after every
    value has moved, and after the rows beyond have become more frequent as those of a normal variable would.
    """

    name, scope, share, share_of_few, least_rows, of_place = "tails", "row", 0.17, 0.15, 2, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return a row for each threshold, those above first."""
        out = []
        for side in reference.sides:
            values = side.sign * batch.every
            moved = values - reference.tolerance
            beyond = np.stack([how_many(moved > threshold) for threshold in side.thresholds])
            log_p = log_tail(beyond, batch.count, side.r, side.rows)
            odd = np.flatnonzero((log_p < C.log_not_odd).any(axis=0))
            if len(odd):
                beyond = (values[:, odd] > side.thresholds[:, None, odd]).sum(axis=1)
                more = log_tail(beyond, batch.count[odd], side.r_drifted[:, odd], side.rows[:, odd])
                log_p[:, odd] = np.maximum(log_p[:, odd], more)
            out.append(log_p)
        return np.concatenate(out)


class Narrow(Test):
    """How many rows lie near the middle, wherever in the tolerance the middle may be: a beta-binomial count.

    Exact for exchangeable rows, whatever the distribution. A spread that is smaller by less than a sixth is drift. This
    alone sees a column that was divided about its own middle.
    """

    name, scope, share, least_rows, of_place = "narrow", "column", 0.02, 2, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return a row for each share."""
        out, columns = np.zeros(reference.near.shape), np.arange(batch.d)
        # The likeliest place first: where nothing is odd there, no kinder one need be looked for.
        for part in (0.0, *np.linspace(-1, 1, 6)) if reference.drift else (0.0,):
            middle = (reference.middle + part * reference.tolerance)[columns]
            away = np.abs(batch.every[:, columns] - middle) * C.narrower
            within = np.stack([how_many(away <= near) for near in reference.near[:, columns]])
            found = log_tail(within, batch.count[columns], reference.near_r[:, columns], reference.rows[columns])
            out[:, columns] = found if part == 0 else np.maximum(out[:, columns], found)
            columns = columns[(out[:, columns] < C.log_not_odd).any(axis=0)]
            if not len(columns):
                break
        return np.where(out < C.log_not_odd, out, 0.0)


class Beyond(Test):
    """A single value beyond all of training: a Pareto tail, with Hill's (1975) index at its upper confidence bound.

    Conservative if the tail is no heavier than that. In a batch of many rows, some may be of a kind so rare that
    training had none of it. The greatest value that counts is the one behind as many as that (one in a thousand).
    """

    name, scope, share, share_of_few, of_place = "beyond", "row", 0.01, 0.3, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return a row for "above all", and one for "below all"."""
        sides = []
        for side in reference.sides:
            values = side.sign * batch.every
            log_p = side.log_p_beyond(np.fmax.reduce(values, axis=0))
            for j in np.flatnonzero(log_p) if batch.n >= C.few else ():
                x = np.sort(values[~np.isnan(values[:, j]), j])
                counted = np.arange(1.0, len(x) + 1)
                usual = log_tail(counted, float(batch.n), 1.0, max(reference.every[j], 1.0)) >= C.log_unseen
                behind = len(x) - 1 - int(usual.sum())
                log_p[j] = side.log_p_beyond(np.full(len(log_p), x[behind]))[j] if behind >= 0 else 0.0
            sides.append(log_p)
        return np.minimum(np.stack(sides) + np.log(batch.n), 0.0)


class Missing(Test):
    """More missing or infinite values than in training, or fewer: beta-binomial counts.

    Exact for exchangeable rows; after a drift, the share is that of a normal variable beyond a moved threshold. An
    infinite value where training had none is no matter of chance.
    """

    name, scope, share = "missing", "column", 0.05

    def asked(self, reference: Reference, batch: Batch) -> bool:
        """Return whether anything is missing here, or was in training."""
        return not batch.whole or bool(reference.profile.moments.missing.any())

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return rows for more and fewer missing values, then for more and fewer infinite ones."""
        n, moments = float(batch.n), reference.profile.moments
        m = np.maximum((moments.count + moments.missing + moments.infinite).astype(float), 1)
        infinite = np.isinf(batch.as_served)
        out = []
        for seen, now in (
            missing_of(reference, batch.as_served, batch.text),
            (moments.infinite, infinite),
        ):
            share, count = seen / m, now.sum(axis=0)
            for of, rows in ((share, count), (1 - share, n - count)):
                out.append(log_tail_of_share(rows, n, more_frequent(of, reference.drift), m))
        if not moments.infinite.any():
            out[2] = np.where(infinite.any(axis=0), C.log_infinite, 0.0)
        return np.stack(out)


def missing_of(reference: Reference, X: Any, text: dict[int, Any]) -> tuple[Any, Any]:
    """Return how many rows of training have no value in each column, and of the batch which, as booleans."""
    seen, now = reference.profile.moments.missing.copy(), np.isnan(X)
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

    def asked(self, reference: Reference, batch: Batch) -> bool:
        """Return whether there were rows enough to learn what goes together."""
        return super().asked(reference, batch) and reference.profile.dependence is not None

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return one row."""
        found = reference.profile.dependence
        assert found is not None
        scores = rank_scores(batch.X[:: max(1, batch.n // C.rows_of_dependence)][: C.rows_of_dependence])
        n = len(scores)
        told = found.informative() & scores.any(axis=0) & ~reference.rare
        # Where more rows share a value than did, as they may after a drift, ranks vary less and agree less.
        varies = np.sqrt(np.clip((scores**2).mean(axis=0) / np.maximum(reference.rank_variance, 1e-6), 0.0, 1.0))
        drop = np.minimum(found.expected, 1.0) * varies - found.agreement(scores)  # more than was learned is chance
        z = drop / np.maximum(found.spread * np.sqrt(1 / n + 2 / found.rows), 1e-6)
        # Populations differ a little in how their columns go together; a fault turns it round, or ends it.
        p = stdtr(n - 2.0, -np.maximum(z / C.heavier, 0))
        return np.where(told & (drop > C.least_drop), np.log(np.maximum(2 * p, 1e-100)), 0.0)[None]
