"""Paired intervals: the change of a metric between two answers to the same rows.

Each method was chosen by its measured coverage (``benchmarks/gate/coverage.py``).

References
----------
.. [1] Clopper, Pearson (1934). The use of confidence or fiducial limits illustrated in the case of the binomial.
   Biometrika 26.
.. [2] McNemar (1947). Note on the sampling error of the difference between correlated proportions. Psychometrika 12.
.. [3] Tango (1998). Equivalence test and confidence interval for the difference in proportions for the paired-sample
   design. Statistics in Medicine 17.
.. [4] DeLong, DeLong, Clarke-Pearson (1988). Comparing the areas under two or more correlated receiver operating
   characteristic curves. Biometrics 44. Sun, Xu (2014), IEEE Signal Processing Letters 21, for the midranks.
.. [5] Efron (1979). Bootstrap methods: another look at the jackknife. Annals of Statistics 7.
.. [6] Korn, Graubard (1998). Confidence intervals for proportions with small expected number of positive counts
   estimated from survey data. Survey Methodology 24: exact intervals at the effective number of rows.
.. [7] Tarone (1990). A modified Bonferroni method for discrete data. Biometrics 46. Westfall, Wolfinger (1997).
   Multiple tests with discrete distributions. The American Statistician 51.
.. [8] Bickel, Götze, van Zwet (1997). Resampling fewer than n observations. Statistica Sinica 7.
.. [9] Murphy (1973). A new vector partition of the probability score. Journal of Applied Meteorology 12.
.. [10] Ferro, Fricker (2012). A bias-corrected decomposition of the Brier score. Quarterly Journal of the Royal
   Meteorological Society 138.
.. [11] Fieller (1954). Some problems in interval estimation. Journal of the Royal Statistical Society B 16.
.. [12] MacKinnon, White (1985). Some heteroskedasticity-consistent covariance matrix estimators with improved finite
   sample properties. Journal of Econometrics 29: between the delete-one jackknife and the infinitesimal one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

#: How often the bootstrap draws rows again.
DRAWS = 100
_MOST = 20_000  # rows of a draw, if classes are not rare
_RAREST = 200  # rows of the rarest class in a draw, if it has as many
_RARE = 5  # rows below which a class is drawn together with others
_BINS = 10  # bins of a calibration error
_BIN = 5  # rows in a bin, if there are enough


@dataclass(frozen=True)
class Estimate:
    """A change and its uncertainty.

    Parameters
    ----------
    change : float
        The change.
    interval : callable
        Takes the share of error on either side, such as 0.025, and returns (low, high).
    method : str
        In words.
    p_value : float, default=None
        For a drop: exact or by the interval's own distribution.
    attainable : callable
        Takes a level, and returns how probable a p-value as small is without a change: the level itself, or less where
        flips are few.
    grown : callable, default=None
        Takes a factor, and returns the estimate that this many times as many rows like these would give.
    """

    change: float
    interval: Callable[[float], tuple[float, float]]
    method: str
    p_value: float | None = None
    attainable: Callable[[float], float] = float
    grown: Callable[[float], Estimate] | None = None


def clopper_pearson(hits: float, rows: float, tail: float) -> tuple[float, float]:
    """Return the exact interval of a share [1]_; counts need not be whole [6]_.

    Parameters
    ----------
    hits, rows : float
        Counts.
    tail : float
        Error on either side.
    """
    low = float(stats.beta.ppf(tail, hits, rows - hits + 1)) if hits > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, hits + 1, rows - hits)) if hits < rows else 1.0
    return low, high


def share(hits: float, rows: float) -> Estimate:
    """Return a share of rows, and its exact interval."""
    return Estimate(
        change=hits / rows,
        interval=lambda tail: clopper_pearson(hits, rows, tail),
        method="Clopper-Pearson",
        grown=lambda factor: share(hits * factor, rows * factor),
    )


def mcnemar(worse: Any, better: Any) -> Any:
    """Return the exact one-sided p-value of as many rows that got worse, if both directions are as likely [2]_."""
    # The binomial tail as a beta integral, which also takes the effective counts of weighted rows.
    tail = stats.beta.cdf(0.5, np.maximum(worse, np.finfo(float).tiny), np.add(better, 1))
    return np.where(np.asarray(worse) > 0, tail, 1.0)[()]


def margin_score(worse: Any, better: Any, rows: Any, delta: Any) -> Any:
    """Return Tango's score of ``(better - worse) / rows`` against ``delta`` [3]_, by how many deviations it lies above.

    Parameters
    ----------
    worse, better : float or ndarray
        Rows that got worse, and better.
    rows : float or ndarray
        All rows.
    delta : float
        The change that is tested.
    """
    a = 2.0 * rows
    b = -better - worse + (2 * rows - better + worse) * delta
    c = -worse * delta * (1 - delta)
    # The restricted maximum likelihood estimate of the share that got worse, given the change.
    share = (np.sqrt(np.maximum(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    deviation = np.sqrt(np.maximum(rows * (2 * share + delta * (1 - delta)), 0.0))
    gap = better - worse - rows * delta
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap == 0, 0.0, gap / deviation)


def tango(worse: float, better: float, rows: float, tail: float) -> tuple[float, float]:
    """Return the score interval of ``(better - worse) / rows`` [3]_.

    Parameters
    ----------
    worse, better : float
        Rows that got worse, and better.
    rows : float
        All rows.
    tail : float
        Error on either side.
    """
    z = float(stats.norm.isf(tail))
    change = (better - worse) / rows

    def edge(inside: float, outside: float, sign: float) -> float:
        for _ in range(60):
            middle = (inside + outside) / 2
            if sign * margin_score(worse, better, rows, middle) <= z:
                inside = middle
            else:
                outside = middle
        return inside

    return edge(change, -1.0, 1.0), edge(change, 1.0, -1.0)


def _attainable(flips: float) -> Callable[[float], float]:
    if flips == int(flips):
        return lambda tail: float(attainable(flips, tail))
    return lambda tail: tail if tail >= 0.5**flips else 0.0  # effective counts of weighted rows


def paired_shares(worse: float, better: float, rows: float) -> Estimate:
    """Return the change of a share of right answers, such as accuracy."""
    return Estimate(
        change=(better - worse) / rows,
        interval=lambda tail: tango(worse, better, rows, tail),
        method="Tango's score interval, McNemar's exact test",
        p_value=mcnemar(worse, better),
        attainable=_attainable(worse + better),
        grown=lambda factor: paired_shares(worse * factor, better * factor, rows * factor),
    )


def normal(change: float, deviation: float, df: float, method: str) -> Estimate:
    """Return an estimate with a symmetric interval: Student's, or the normal one if ``df`` is infinite."""

    def interval(tail: float) -> tuple[float, float]:
        width = float(stats.t.isf(tail, df)) * deviation if deviation > 0 else 0.0
        return change - width, change + width

    p_value = float(stats.t.cdf(change / deviation, df)) if deviation > 0 else (0.0 if change < 0 else 1.0)
    return Estimate(
        change,
        interval,
        method,
        p_value,
        grown=lambda factor: normal(change, deviation / math.sqrt(factor), df * factor, method),
    )


def delong(y: NDArray[np.bool_], old: Array, new: Array) -> tuple[float, float, Estimate]:
    """Return both areas under the ROC curve, and their paired difference [4]_.

    Parameters
    ----------
    y : ndarray of bool of shape (n_rows,)
        The positive rows; at least two of either kind.
    old, new : ndarray of shape (n_rows,)
        Scores.
    """
    positive, negative = int(y.sum()), int((~y).sum())
    areas, rows_of = [], []
    for scores in (old, new):
        ranks = stats.rankdata(scores)
        own_positive, own_negative = stats.rankdata(scores[y]), stats.rankdata(scores[~y])
        of_positive = (ranks[y] - own_positive) / negative
        of_negative = 1 - (ranks[~y] - own_negative) / positive
        areas.append(float(of_positive.mean()))
        rows_of.append((of_positive, of_negative))
    pairs = zip(rows_of[0], rows_of[1], strict=True)
    parts = [float(np.var(after - before, ddof=1) / len(before)) for before, after in pairs]
    variance = sum(parts)
    # Welch's degrees of freedom, since either kind of row has its own variance.
    shares = [part**2 / (count - 1) for part, count in zip(parts, (positive, negative), strict=True)]
    df = variance**2 / sum(shares) if variance > 0 else 1.0
    estimate = normal(areas[1] - areas[0], math.sqrt(variance), df, "DeLong's paired variance")
    return areas[0], areas[1], estimate


def ratio(gains: Array, sizes: Array, weight: Array, rows: float, method: str) -> Estimate:
    """Return the ratio of two means over the same rows, with Fieller's interval [11]_.

    A ratio is in the interval if the mean of ``gains - ratio * sizes`` is not far from 0 by Student's t. It may reach
    to infinity if the mean of the sizes is hardly known.

    Parameters
    ----------
    gains, sizes : ndarray of shape (n_rows,)
        What is divided, and by what.
    weight : ndarray of shape (n_rows,)
        Weights.
    rows : float
        As how many rows of equal weight these count.
    method : str
        In words.
    """
    weight = weight / weight.sum()
    gain, size = float(weight @ gains), float(weight @ sizes)
    spread = np.cov(np.stack([gains, sizes]), aweights=weight, ddof=0) / max(rows - 1, 1)

    def estimate_at(factor: float) -> Estimate:
        df = max(rows * factor - 1, 1)
        noise = spread / factor

        def interval(tail: float) -> tuple[float, float]:
            t2 = float(stats.t.isf(tail, df)) ** 2
            a, b, c = size**2 - t2 * noise[1, 1], gain * size - t2 * noise[0, 1], gain**2 - t2 * noise[0, 0]
            root = b * b - a * c
            if a <= 0 or root < 0:
                return -math.inf, math.inf
            return (b - math.sqrt(root)) / a, (b + math.sqrt(root)) / a

        deviation = math.sqrt(noise[0, 0])
        p_value = float(stats.t.cdf(gain / deviation, df)) if deviation > 0 else (0.0 if gain < 0 else 1.0)
        return Estimate(gain / size, interval, method, p_value, grown=lambda more: estimate_at(factor * more))

    return estimate_at(1.0)


def average_precision(y: NDArray[np.bool_], old: Array, new: Array) -> tuple[float, float, Estimate]:
    """Return both average precisions, and their paired difference.

    Parameters
    ----------
    y : ndarray of bool of shape (n_rows,)
        The positive rows; at least two of either kind.
    old, new : ndarray of shape (n_rows,)
        Scores.

    Notes
    -----
    Leaving a row out, and taking a little of its weight, are two ways to tell its influence. The first says too much
    where positive rows are few, the second too little. The variance is a geometric mean of both [12]_; two thirds for
    the first held best. Either kind of row has its own, as with the area under the ROC curve.
    """
    values, left_out, slopes = zip(*(_influences(y, scores) for scores in (old, new)), strict=True)
    parts, degrees = [], []
    for kind in (y, ~y):
        count = int(kind.sum())
        left = np.sqrt((count - 1) / count) * (left_out[1] - left_out[0])[kind]
        slope = np.sqrt(count / (count - 1)) * (slopes[1] - slopes[0])[kind]
        parts.append([float(((each - each.mean()) ** 2).sum()) for each in (left, slope)])
        degrees.append(count - 1)
    sums = np.sum(parts, axis=0)
    df = (
        float(sums[1] ** 2 / sum(part[1] ** 2 / own for part, own in zip(parts, degrees, strict=True)))
        if sums[1]
        else 1.0
    )
    method = "jackknife by class, Student's t"
    deviation = float(sums[0] ** 2 * sums[1]) ** (1 / 6)
    estimate = normal(values[1] - values[0], deviation, df, method)
    return values[0], values[1], estimate


def _influences(y: NDArray[np.bool_], scores: Array) -> tuple[float, Array, Array]:
    """Return an average precision, the one without each row, and its slope by the weight of each row."""
    order = np.argsort(-scores, kind="stable")
    hit, sorted_scores = y[order], -scores[order]
    # Equal scores are one threshold: how many rows are at or above it, and which is the first of them.
    above = np.searchsorted(sorted_scores, sorted_scores, side="right")
    first = np.searchsorted(sorted_scores, sorted_scores, side="left")
    hits, positive = np.cumsum(hit)[above - 1].astype(float), int(hit.sum())
    precision = hits / above
    value = float(precision[hit].mean())

    def from_here_on(terms: Array) -> Array:
        """Sum over the positive rows at or below the threshold of each row."""
        sums = np.cumsum(np.where(hit, terms, 0.0)[::-1])[::-1]
        return np.asarray(sums[first])

    fewer = np.maximum(above - 1, 1)
    kept = positive * value - from_here_on(precision)
    without_hit = (hits - 1) / fewer
    left_out = np.where(
        hit,
        (kept + from_here_on(without_hit) - without_hit) / max(positive - 1, 1),
        (kept + from_here_on(hits / fewer)) / positive,
    )
    slope = np.where(hit, precision - value + from_here_on(1 / above), 0.0) - from_here_on(precision / above)
    back = np.empty(len(y), np.intp)
    back[order] = np.arange(len(y))
    return value, left_out[back], slope[back] / positive


def bootstrap(
    score: Callable[[NDArray[np.intp]], tuple[float, float]], rows: int, rng: np.random.Generator, strata: Any = None
) -> tuple[float, float, Estimate]:
    """Return a scorer's values for both, and their paired difference, by drawing rows again [5]_.

    Parameters
    ----------
    score : callable
        Takes the positions of rows, and returns the score of the old and of the new.
    rows : int
        How many there are.
    rng : Generator
        Draws the rows.
    strata : ndarray of shape (rows,), default=None
        Classes, each of which keeps its share of the rows.

    Notes
    -----
    The draws give the deviation, and Student's t the interval: percentiles of draws hold too little where rows are few.
    Many rows are drawn in part, and the deviation is scaled [8]_.
    """
    old, new = score(np.arange(rows))
    if not math.isfinite(new - old):
        return old, new, normal(math.nan, 0.0, 1.0, "")
    classes = [np.arange(rows)] if strata is None else _classes(strata)
    whole = max(_MOST, math.ceil(_RAREST * rows / min(map(len, classes))))
    sizes = [len(each) if rows <= whole else round(len(each) * whole / rows) for each in classes]
    changes = np.empty(DRAWS)
    for draw in range(DRAWS):
        picked = [each[rng.integers(0, len(each), size)] for each, size in zip(classes, sizes, strict=True)]
        before, after = score(np.concatenate(picked))
        changes[draw] = after - before
    if not np.isfinite(changes).all():
        raise ValueError("it is not defined if these rows are drawn again: one of their classes is too rare")
    deviation = float(changes.std(ddof=1)) * math.sqrt(sum(sizes) / rows)
    df = max(min(DRAWS, rows) - 1, 1)
    return old, new, normal(new - old, deviation, df, f"bootstrap of {DRAWS} draws, Student's t")


def _classes(strata: NDArray[Any]) -> list[NDArray[np.intp]]:
    """Return the rows of each class; those of rare ones are with the largest, since few rows vary too little."""
    order = np.argsort(strata, kind="stable")
    found = np.split(order, np.flatnonzero(np.diff(strata[order])) + 1)
    found.sort(key=len)
    rare = [each for each in found[:-1] if len(each) < _RARE]
    return [*found[len(rare) : -1], np.concatenate([*rare, found[-1]])]


def calibration(
    y: NDArray[np.bool_], old: Array, new: Array, weight: Array | None = None
) -> tuple[float, float, Estimate]:
    """Return both calibration errors, negated, and their paired difference.

    The error is Murphy's reliability [9]_, a part of the Brier score: the mean squared gap between probability and
    share in bins of equally many rows. The noise of each bin adds to its gap squared, and is subtracted [10]_.

    Parameters
    ----------
    y : ndarray of bool of shape (n_rows,)
        The positive rows.
    old, new : ndarray of shape (n_rows,)
        Probabilities of the positive class.
    weight : ndarray of shape (n_rows,), default=None
        Weights.

    Notes
    -----
    Given the bins, the gaps ``m`` of both have a covariance matrix ``c`` with one row for each bin of either. The
    estimate of the squares varies by ``4 m m' c + 2 c ** 2``, with ``m m'`` less its own noise ``c``.
    """
    weight = np.ones(len(y)) if weight is None else weight
    bins = [_bins(scores) for scores in (old, new)]
    gaps, spreads, shares, pairs = [], [], [], []
    for scores, own in zip((old, new), bins, strict=True):
        total, count = np.bincount(own, weight), np.bincount(own)
        if count.min() < 2 or not total.all():
            raise ValueError(f"{len(y)} rows are too few for bins")
        gap = np.bincount(own, weight * (scores - y)) / total
        gaps.append(gap)
        shares.append(total / weight.sum())
        pairs.append(np.sqrt(count / (count - 1)))
        spreads.append(weight * (scores - y - gap[own]) * pairs[-1][own] / total[own])
    first, size = len(gaps[0]), len(gaps[0]) + len(gaps[1])
    places = (bins[0], bins[1] + first)
    products = np.zeros(size * size)
    for one, two in ((0, 0), (1, 1), (0, 1), (1, 0)):
        products += np.bincount(places[one] * size + places[two], spreads[one] * spreads[two], size * size)
    c = products.reshape(size, size)
    gap, share_of = np.concatenate(gaps), np.concatenate(shares)
    squares = share_of * (gap**2 - np.diag(c))
    errors = float(squares[:first].sum()), float(squares[first:].sum())
    signed = np.where(np.arange(size) < first, share_of, -share_of)
    of_two = np.concatenate(pairs)  # a gap squared less its noise is a mean over pairs of rows
    noise = float((signed * of_two) @ (2 * c**2) @ (signed * of_two))
    # Gaps that are there in truth add to the variance. Noise alone seems to add something half of the time: up to half
    # of its deviation, nothing is counted.
    of_gaps = float(signed @ (4 * (np.outer(gap, gap) - c) * c) @ signed)
    turned = signed[:, None] * c * signed @ c
    by_noise = 4 * math.sqrt(max(2 * float((turned * turned.T).sum()), 0.0))
    deviation = math.sqrt(noise + (of_gaps if of_gaps > by_noise / 2 else 0.0))
    method = "reliability less its noise, variance of paired bins, Student's t"
    df = max(len(y) - max(first, size - first), 1)
    estimate = normal(errors[0] - errors[1], deviation, df, method)
    return -errors[0], -errors[1], estimate


def _bins(scores: Array) -> NDArray[np.intp]:
    """Return the bin of each row: about equally many rows, equal scores together, two rows or more."""
    values, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    bins = min(_BINS, max(len(scores) // _BIN, 1))
    of_value = (np.cumsum(counts) - counts) * bins // len(scores)
    sizes = np.bincount(of_value, counts)
    for each in np.flatnonzero(sizes == 1):
        if each > 0:
            of_value[of_value == each] = of_value[of_value < each].max()
    return np.unique(of_value, return_inverse=True)[1].reshape(-1)[place.reshape(-1)]


def widened(estimate: Estimate, differing: float, rows: float, scale: float) -> Estimate:
    """Return an estimate that does not take a few rows, or none, for all there is.

    Where almost no row differs, the spread of what was seen says nothing of the rows that were not. The share of rows
    that may differ is at most the Clopper-Pearson bound, and each moves the metric by its scale at most.
    """

    def interval(tail: float) -> tuple[float, float]:
        low, high = estimate.interval(tail)
        more = (clopper_pearson(differing, rows, tail)[1] - differing / rows) * scale
        return min(low, estimate.change - more), max(high, estimate.change + more)

    p_value = None if estimate.p_value is None else max(estimate.p_value, 0.5**differing)
    grown = estimate.grown
    return Estimate(
        estimate.change,
        interval,
        f"{estimate.method}, widened: few rows differ",
        p_value,
        lambda tail: tail if tail >= 0.5**differing else 0.0,
        None if grown is None else lambda factor: widened(grown(factor), differing * factor, rows * factor, scale),
    )


def attainable(flips: Any, tail: Any) -> Any:
    """Return the largest p-value of :func:`mcnemar` that is no larger than ``tail``, if so many rows flip; or 0.

    Parameters
    ----------
    flips : int or ndarray
        Rows that got worse or better.
    tail : float or ndarray
        A level.
    """
    return stats.binom.sf(stats.binom.isf(tail, flips, 0.5), flips, 0.5)


def paid_level(error: Callable[[float], float], level: float) -> float:
    """Return the largest level at which a family of hypotheses has no more than its error [7]_.

    Parameters
    ----------
    error : callable
        Takes the level of a hypothesis of weight 1, and returns the sum of the probabilities that each is rejected by
        chance.
    level : float
        The error of the family.
    """
    low, high = math.log(level) - 40, math.log(level) + 40
    for _ in range(48):
        middle = (low + high) / 2
        low, high = (middle, high) if error(math.exp(middle)) <= level else (low, middle)
    return math.exp(low)


def rows_that_decide(rows: int, found: Estimate, decides: Callable[[Estimate], bool]) -> int | None:
    """Return how many rows would decide, if they are like these; None if up to ten thousand times as many would not.

    Parameters
    ----------
    rows : int
        Rows now.
    found : Estimate
        What they gave.
    decides : callable
        Tells whether an estimate decides.
    """
    if found.grown is None or not decides(found.grown(1e4)):
        return None
    least, most = 0.0, 4.0  # decimal logarithms of the factor
    for _ in range(20):
        middle = (least + most) / 2
        if decides(found.grown(10**middle)):
            most = middle
        else:
            least = middle
    needed = rows * 10**most
    digits = 10 ** max(math.floor(math.log10(needed)) - 1, 0)
    return int(math.ceil(needed / digits) * digits)
