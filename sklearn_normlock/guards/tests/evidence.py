"""The tests: whether a batch is still what the profile allows, drift included.

Every test asks for the probability of something at least as odd in a batch that *is* from the profile. Each column may
have moved by the tolerated drift, in whatever direction is kindest to it. The budget is shared out among the tests
and, within a test, among its columns (Bonferroni): columns that go together cost power, never false alarms.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from scipy.special import log_ndtr, stdtr

from ..profiles.dependence import rank_scores
from ..profiles.rows import CAP, MEASURES, row_measures
from ..profiles.statistics import how_many, median
from ..profiles.summary import Summary
from .exact import log_p_unit, standardised_by, traded_values
from .precision import coarser
from .reference import NARROWER, Reference
from .tails import log_tail
from .text import log_p_of_text
from .ties import rows_in_runs, tie_evidence
from .tilt import more_frequent
from .values import new_values

#: The share of the budget that each test has: of a batch, and of so few rows that only single values tell. Chosen on
#: development data, so that of sixteen rows and of sixty-four most faults are found.
WEIGHTS = {
    "location": 0.21, "tails": 0.17, "narrow": 0.02, "spread": 0.03, "ties": 0.4, "runs": 0.02, "values": 0.14,
    "precision": 0.03, "missing": 0.05, "dependence": 0.07, "beyond": 0.01, "categories": 0.05, "unit": 0.01,
    "standardised": 0.01, "traded": 0.01, "exchanged": 0.04,
}  # fmt: skip
WEIGHTS_OF_FEW = {**WEIGHTS, "location": 0.2, "tails": 0.15, "dependence": 0.0, "beyond": 0.3}
FEW = 16
_OF_ROWS_TOO = frozenset({"location", "tails", "narrow", "beyond"})
_OF_THE_TABLE = frozenset({"unit", "standardised", "spread", "runs", "traded", "exchanged"})
#: Rows that the tests of a distribution look at, and those of all columns together, which cost more.
ROWS, DEPENDENCE_ROWS = 2048, 256
#: A log p-value above which no share of a budget is.
_WORTH_A_LOOK = -3.0
#: And one from which on a column may be among those that have another order, once there is an alarm.
_LEANS = -5.0
#: A mean of products of ranks has heavier tails than the normal distribution at this distance; beyond this log p-value
#: those of what is left open are not known.
_HEAVIER, _HEAVIER_OPEN, _MOST_OPEN = 1.3, 1.15, -25.0
_DROP = 0.4
#: So improbable (a log p-value) it must be that so many rows are of a kind that training had none of.
_UNSEEN = float(np.log(1e-3))
#: An infinity where there never was one.
_INFINITE = -100.0
#: How many times the oddest clean block of training a batch may be as odd (a log p-value), and the rows of such a
#: block: an allowance grows with the rows of a batch, as the log p-value of a shift does.
_MARGIN, ROWS_OF_ALLOWANCE = 2.0, 64
#: Tests of where values lie, and of what depends on that, which a column that grows can't be asked.
_OF_PLACE = ("location", "tails", "narrow", "beyond", "values", "dependence")
_OF_ALL_COLUMNS = ("spread", "exchanged")


@dataclass
class Evidence:
    """The logarithms of p-values by test, one for each of its columns; measures of rows come after the columns."""

    log_p: dict[str, Any]
    rows: int
    log_budget: float
    n_columns: int
    category_columns: Any

    def limit(self, test: str) -> float:
        """Return the logarithm of the p-value from which on a column alarms."""
        share = self._weights[test] / self._all_weights
        return self.log_budget + log(max(share, 1e-300) / max(len(self.log_p[test]), 1))

    @property
    def _weights(self) -> dict[str, float]:
        return WEIGHTS_OF_FEW if self.rows < FEW else WEIGHTS

    @property
    def _all_weights(self) -> float:
        return sum(self._weights[test] for test in self.log_p)

    @property
    def log_p_value(self) -> float:
        """The logarithm of the p-value of the batch: the least of all, after Bonferroni."""
        weights, every = self._weights, self._all_weights
        least = (p.min() - log(max(weights[test] / every, 1e-300) / len(p)) for test, p in self.log_p.items() if len(p))
        return min(0.0, *least)

    @property
    def alarm(self) -> bool:
        """Whether the budget is overdrawn."""
        return self.log_p_value < self.log_budget

    def alarming(self, test: str) -> Any:
        """Return the columns at which a test alarms; from ``n_columns`` on they are measures of rows."""
        if test not in self.log_p or test in _OF_THE_TABLE:
            return np.zeros(0, np.int64)
        if test == "categories":
            return self.category_columns[self.log_p[test] < self.limit(test)]
        # A test that looks at several thresholds, or on both sides, has a row of p-values for each.
        width = self.n_columns + (len(MEASURES) if test in _OF_ROWS_TOO else 0)
        return np.unique(np.flatnonzero(self.log_p[test] < self.limit(test)) % width)

    def spare_rows(self) -> None:
        """Forget what was said of the measures of whole rows."""
        for test in _OF_ROWS_TOO & set(self.log_p):
            self.log_p[test].reshape(-1, self.n_columns + len(MEASURES))[:, self.n_columns :] = 0.0
        for test in {"unit", "spread"} & set(self.log_p):
            self.log_p[test] = np.zeros_like(self.log_p[test])

    def leaning(self) -> Any:
        """Return the columns that some test finds odd, though not odd enough to alarm."""
        found = self.by_column()
        return np.flatnonzero(found < min(_LEANS, float(found.min(initial=0.0)) / 2))

    def by_column(self) -> Any:
        """Return the least log p-value of each column, in all tests of single columns."""
        least = np.zeros(self.n_columns)
        for test, p in self.log_p.items():
            if test in _OF_THE_TABLE or test == "categories":
                continue
            width = self.n_columns + (len(MEASURES) if test in _OF_ROWS_TOO else 0)
            least = np.minimum(least, p.reshape(-1, width).min(axis=0)[: self.n_columns])
        return least

    def oddest(self) -> Any:
        """Return the columns that are odd at all, the oddest first."""
        found = self.by_column()
        return np.argsort(found)[: int((found < 0).sum())]

    def flagged(self) -> Any:
        """Return every column at which any test alarms; measures of rows left out."""
        every = np.unique(np.concatenate([np.zeros(0, np.int64), *(self.alarming(test) for test in self.log_p)]))
        return every[every < self.n_columns]


def weigh(reference: Reference, X: Any, categories: dict[int, Any], budget: float) -> Evidence:
    """Run the tests.

    Parameters
    ----------
    reference : Reference
        What to compare with.
    X : ndarray of shape (n_rows, n_columns)
        Numbers; missing ones are NaN, infinite ones are kept.
    categories : dict of int to ndarray
        Columns of text.
    budget : float
        The probability of a false alarm that is allowed for a batch.

    Returns
    -------
    evidence : Evidence
        The p-values.
    """
    n = len(X)
    log_p: dict[str, Any] = {}
    if n > ROWS:
        at = np.linspace(0, n - 1, ROWS).astype(np.int64)
        X, categories = X[at], {j: values[at] for j, values in categories.items()}
    finite = np.isfinite(X)
    holes = not finite.all()
    if holes or reference.profile.moments.missing.any():
        log_p["missing"] = _missing(reference, X, categories)
        X = np.where(finite, X, np.nan)
    every = np.hstack([X, measures := row_measures(X, reference.mean, reference.std)])
    every = np.where(reference.known, every, np.nan) if not reference.known.all() else every
    evidence = Evidence(log_p, n, float(np.log(budget)), X.shape[1], np.array(sorted(categories), np.int64))
    if categories:
        log_p["categories"] = np.array(
            [
                log_p_of_text(reference.profile.categories[j], values, reference.drift)
                for j, values in sorted(categories.items())
            ]
        )
    log_p["beyond"] = np.zeros(2 * every.shape[1])
    log_p["unit"] = log_p_unit(reference, X, measures[:, 1:])
    log_p["standardised"] = np.array([standardised_by(reference, X)[1]])
    if n > 1:
        count = how_many(~np.isnan(every))
        log_p["location"] = _location(reference, every, count)
        log_p["tails"] = _tails(reference, every, count)
        log_p["narrow"] = _narrow(reference, every, count)
        log_p["precision"] = coarser(reference, X)
        if n >= 3:
            ordered = np.sort(X, axis=0)
            log_p["ties"] = tie_evidence(reference, X, ordered)
            log_p["values"] = new_values(reference, X)
            log_p["traded"] = np.array([traded_values(reference, X)[1]])
            log_p["runs"] = np.array([rows_in_runs(reference, X, ordered)])
        if n >= FEW and reference.profile.dependence:
            log_p |= _dependence(reference, X)
        if n >= FEW and reference.continuous.any():
            log_p["spread"] = _spread(reference, X)
    log_p["beyond"] = _beyond(reference, every, evidence.limit("beyond") - float(np.log(n)))
    if reference.profile.allowances or reference.profile.growing:
        _allow(reference.profile, log_p, n)
    return evidence


def _location(reference: Reference, every: Any, count: Any) -> Any:
    # Wilcoxon's rank sum, each value at its kindest place; the variance of mid-ranks is at most 1/12. Its tails are
    # lighter than the normal distribution's.
    d, jumps = every.shape[1], reference.jumps
    out = np.zeros(2 * d)
    # Half the rows on the right side of the middle already: no need to rank them.
    half = 0.5 * count
    above = how_many((every - reference.tolerance) > reference.middle) > half
    below = how_many((every + reference.tolerance) < reference.middle) > half
    for at in np.flatnonzero(np.concatenate([above, below])):
        j, sign = (at, -1.0) if at < d else (at - d, 1.0)
        sketch, m = reference.profile.sketches[j], reference.rows[j]
        x = every[:, j]
        moved = (x if count[j] == len(x) else x[~np.isnan(x)]) + sign * reference.tolerance[j]
        # Of mid-ranks: numpy.interp takes the upper end of a jump, and its mirror image the lower one.
        share = np.interp(moved, *sketch).mean()
        if jumps[j]:
            share = (share + 1 - np.interp(-moved, -sketch[0][::-1], 1 - sketch[1][::-1]).mean()) / 2
        odd = -sign * (share - 0.5) - 0.003 - 0.25 / m
        if odd > 0:
            out[at] = log_ndtr(-odd / np.sqrt((1 / count[j] + 1 / m) / 12))
    return out


def _tails(reference: Reference, every: Any, count: Any) -> Any:
    # Either every value has moved, or rows have become more frequent: what is odd both ways is odd.
    tolerance = reference.tolerance
    out = []
    for values, thresholds, r, drifted in (
        (every, reference.above, reference.above_r, reference.above_drifted),
        (-every, -reference.below, reference.below_r, reference.below_drifted),
    ):
        moved = values - tolerance
        beyond = np.stack([how_many(moved > threshold) for threshold in thresholds])
        log_p = log_tail(beyond, count, r, reference.tail_rows)
        odd = np.flatnonzero((log_p < _WORTH_A_LOOK).any(axis=0))
        if len(odd):
            beyond = (values[:, odd] > thresholds[:, None, odd]).sum(axis=1)
            tilted = log_tail(beyond, count[odd], drifted[:, odd], reference.tail_rows[:, odd])
            log_p[:, odd] = np.maximum(log_p[:, odd], tilted)
        out.append(log_p.ravel())
    return np.concatenate(out)


def _narrow(reference: Reference, every: Any, count: Any) -> Any:
    # Wherever within the tolerance the middle may be, too many are near it. The likeliest place first: what is not odd
    # there can't be odd at the kindest.
    def within(middle: Any, columns: Any) -> Any:
        distance = np.abs(every[:, columns] - middle[columns]) * NARROWER
        return np.stack([how_many(distance <= near) for near in reference.near[:, columns]])

    out = np.zeros(reference.near.shape)
    columns = np.arange(every.shape[1])
    for part in (0.0, *np.linspace(-1, 1, 6)) if reference.drift else (0.0,):
        found = log_tail(
            within(reference.middle + part * reference.tolerance, columns),
            count[columns],
            reference.near_r[:, columns],
            reference.rows[columns],
        )
        out[:, columns] = found if part == 0 else np.maximum(out[:, columns], found)
        columns = columns[(out[:, columns] < _WORTH_A_LOOK).any(axis=0)]
        if not len(columns):
            break
    return np.where(out < _WORTH_A_LOOK, out, 0.0).ravel()


def _spread(reference: Reference, X: Any) -> Any:
    # All columns together, about the batch's own middle, which no drift of means moves: a little narrower or wider each
    # is much in all.
    columns = reference.continuous
    X = X[:: max(1, len(X) // DEPENDENCE_ROWS)][:DEPENDENCE_ROWS, columns]
    off = np.abs(X - median(X)) / reference.typical[columns]
    known = ~np.isnan(off)
    count = known.sum(axis=1)
    of_rows = np.where(known, np.minimum(off, CAP), 0.0).sum(axis=1)[count > 0] / count[count > 0]
    n = len(of_rows)
    if n < FEW:
        return np.zeros(2)
    # Of skew columns, rows that happen to be near the middle are near each other, too.
    spread = of_rows.std(ddof=1)
    spread = np.maximum([max(spread, reference.unlike), spread], 1e-12)
    z = np.array([1 / NARROWER - of_rows.mean(), of_rows.mean() - reference.wider]) / spread
    z /= np.sqrt(1 / n + 1 / reference.rows[reference.columns])
    return np.log(np.maximum(stdtr(n - 1.0, -np.maximum(z / _HEAVIER_OPEN, 0)), 1e-100)) * (z > 0)


def missing_of(reference: Reference, X: Any, categories: dict[int, Any]) -> tuple[Any, Any]:
    """Return how many rows of training have no value in each column, and of the batch which, as booleans."""
    seen, now = reference.profile.moments.missing.copy(), np.isnan(X)
    for j, values in categories.items():  # text is no number throughout
        seen[j] = reference.profile.categories[j].missing
        now[:, j] = [value is None for value in values]
    return seen, now


def _missing(reference: Reference, X: Any, categories: dict[int, Any]) -> Any:
    n, moments, missing = float(len(X)), reference.profile.moments, missing_of(reference, X, categories)
    m = np.maximum((moments.count + moments.missing + moments.infinite).astype(float), 1)
    out = []
    for seen, now in (missing, (moments.infinite, np.isinf(X))):
        share = seen / m
        more, fewer = (np.minimum(np.ceil(more_frequent(of, reference.drift) * m) + 1, m) for of in (share, 1 - share))
        out += [log_tail(now.sum(axis=0), n, more, m), log_tail(n - now.sum(axis=0), n, fewer, m)]
    if not moments.infinite.any():
        # What has been finite throughout is not drifting when it becomes infinite: scikit-learn refuses it, too.
        out[2] = np.where(np.isinf(X).any(axis=0), _INFINITE, 0.0)
    return np.concatenate(out)


def _beyond(reference: Reference, every: Any, log_alpha: float) -> Any:
    lower, upper = reference.bounds(log_alpha)
    with np.errstate(invalid="ignore"):
        outside = every > upper, every < lower
    if not (outside[0].any() or outside[1].any()):
        return np.zeros(2 * every.shape[1])
    beyond = np.concatenate([how_many(side) for side in outside])
    if len(every) < FEW:
        return np.where(beyond > 0, log_alpha * 2, 0.0)
    # Of many rows one may be of a kind that is so rare that training had none of it, wherever that lies.
    unseen = log_tail(beyond, float(len(every)), 1.0, np.tile(np.maximum(reference.every, 1), 2))
    return np.where(unseen < _UNSEEN, log_alpha * 2, 0.0)


def _dependence(reference: Reference, X: Any) -> dict[str, Any]:
    found = reference.profile.dependence
    assert found is not None
    X = X[:: max(1, len(X) // DEPENDENCE_ROWS)][:DEPENDENCE_ROWS]
    scores = rank_scores(X)
    agreement = found.agreement(scores)
    several = scores.any(axis=0) & ~reference.rare
    told = found.told() & several
    # Where more rows share a value than did, as they may after a drift, ranks vary less and agree less.
    varies = np.sqrt(np.clip((scores**2).mean(axis=0) / np.maximum(reference.rank_variance, 1e-6), 0.0, 1.0))
    drop = np.minimum(found.expected, 1.0) * varies - agreement  # more than what was learned is chance
    z = drop / np.maximum(found.spread * np.sqrt(1 / len(X) + 2 / found.rows), 1e-6)
    # Populations differ a little in how their columns go together; a fault turns it round, or ends it.
    told &= drop > _DROP
    # Of few rows the tails are Student's.
    p = stdtr(len(X) - 2.0, -np.maximum(z / _HEAVIER, 0))
    alone = np.where(told, np.log(np.maximum(2 * p, 1e-100)), 0.0)
    if found.surprise is None:
        return {"dependence": alone}
    # What the other columns leave open of one: far more than it was, in a batch whose columns don't belong together.
    z = np.where(several, found.surprising(scores), 0.0)
    opened = np.maximum(log_ndtr(-z / _HEAVIER_OPEN) + np.log(4), _MOST_OPEN)
    log_p = {"dependence": np.minimum(alone, np.where(z > 0, opened, 0.0))}
    if found.trust and len(scores.T) > 2:
        log_p["exchanged"] = np.array([found.exchanged(scores.T @ scores / len(X), len(X))[1]])
    return log_p


def of_each_column(test: str, log_p: Any, d: int) -> Any:
    """Return the least of each column: a block that lay too high may lie too low the next time."""
    width = d + (len(MEASURES) if test in _OF_ROWS_TOO else 0)
    return log_p.reshape(-1, width).min(axis=0) if len(log_p) % width == 0 else log_p


def _allow(profile: Summary, log_p: dict[str, Any], rows: int) -> None:
    """Take off, in place, what blocks of training were allowed, and what a growing column can't be asked."""
    d, columns = profile.n_features_in_, list(profile.growing)
    share = _MARGIN * max(rows / ROWS_OF_ALLOWANCE, 0.25)
    for test, allowed in profile.allowances.items():
        if test in log_p and len(log_p[test]) % len(allowed) == 0:
            log_p[test] = np.minimum(log_p[test].reshape(-1, len(allowed)) - share * allowed, 0.0).ravel()
    if not columns:
        return
    for test in set(_OF_PLACE) & set(log_p):
        width = d + (len(MEASURES) if test in _OF_ROWS_TOO else 0)
        of_each = log_p[test].reshape(-1, width)
        of_each[:, columns] = 0.0
        of_each[:, d:] = 0.0  # a row's distance and length have the growing column in them
    for test in set(_OF_ALL_COLUMNS) & set(log_p):
        log_p[test] = np.zeros_like(log_p[test])
