"""Found slices: groups of rows by one or two columns, and the one in which the new pipeline is worst.

The worst of many slices looks worse than it is. Each slice is therefore a hypothesis of the family of cohorts, and pays
for the search with its level. No row is held out: the search and the proof have all of them.

Two refits of one pipeline differ in truth: rows that lie near each other flip together, and slices gain and lose more
than by independent flips. How much more is estimated from the slices of one column, as in a quasi-binomial model
(Wedderburn 1974), and a slice must lose more than slices vary anyway.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ..errors import GateInputError
from .cohorts import Codes, Partition, coded, column_names, column_of
from .statistics import Array, attainable, margin_score, mcnemar

_PAIRED = 30  # columns that are searched in pairs
_FINE = 10  # bins of a column of numbers that is searched by itself, beside the coarse ones
_FLIPS = 3  # in a slice that tells how much slices vary
_CALM = 0.9  # the share of the slices that tells it: those that vary least, so that a planted loss does not hide itself
_USUAL = 0.62  # their mean square if flips are independent
_SINGLE = 2 / 3  # the share of the level that slices of one column have, if there are pairs of columns
_Slicing = tuple[Callable[[int], str], NDArray[Any]]


@dataclass(frozen=True)
class Slice:
    """A slice: its name, its rows, the p-value of its loss, and its share of the level that the search has."""

    name: str
    rows: Codes
    p_value: float
    share: float


@dataclass(frozen=True)
class Slices:
    """The slices that were looked at, and the worst of them.

    ``sizes`` are the share of all rows that each slice has, ``flips`` its rows that got worse or better. ``least_p`` is
    the p-value that it would have if all of these got worse. ``lost`` is how many of all rows got worse. The ``shares``
    of the level sum up to 1. ``worst`` is None if the new pipeline is worse in none. ``unsearched`` says which columns
    had no part, and why. ``dispersion`` is how many times as much slices vary as independent flips would let them.
    """

    sizes: Array
    flips: Array
    least_p: Array
    shares: Array
    lost: int
    worst: Slice | None
    unsearched: tuple[str, ...]
    dispersion: float = 1.0

    def error(self, level: float) -> float:
        """Return the most that the probabilities, that a slice breaks its share of a level by chance, sum up to.

        Chance is either of two: flips go in both directions alike, wherever they are; or the rows that got worse are
        anywhere alike.
        """
        tails = np.minimum(level * self.shares, 1.0)
        tried = self.least_p <= tails
        either = attainable(self.flips[tried], tails[tried]).sum()
        fewest = np.maximum(np.ceil(-np.log2(tails)), stats.binom.isf(tails, self.lost, self.sizes) + 1)
        anywhere = stats.binom.sf(fewest - 1, self.lost, self.sizes).sum()
        return float(max(either, anywhere))


@dataclass(frozen=True)
class _Worst:
    p_value: float
    rows: int
    name: str
    inside: NDArray[np.bool_]


def search(
    X: Any, harm: NDArray[np.int8], min_rows: int, drop: float, named: Collection[tuple[str, int]] = ()
) -> Slices:
    """Search the slices of one and of two columns for the one in which the new pipeline is worst.

    Parameters
    ----------
    X : data
        The rows.
    harm : ndarray of shape (n_rows,)
        1 where a row got worse, -1 where it got better, 0 elsewhere.
    min_rows : int
        Slices with fewer rows are not looked at.
    drop : float
        The share of rows that a slice may lose; a larger loss is to be proved.
    named : collection of (str, int)
        Names and sizes of cohorts, which are judged anyway.

    Returns
    -------
    slices : Slices
        The p-value of each is the largest of four. The first is McNemar's exact test's, the second that of the score
        test of ``drop``. The third is that of so many of all losses, if losses were equally likely everywhere. The
        last is McNemar's with the dispersion; the score test has it, too.
    """
    parts, unsearched = _parts(X)
    looked_at, shares, worst = [], [], []
    lost, n_rows = int((harm > 0).sum()), len(harm)
    dispersion = _dispersion(parts, harm, min_rows)

    def p_value(worse: Array, better: Array, rows: Array) -> Array:
        scores = margin_score(worse, better, rows, -drop), (better - worse) / np.sqrt(np.maximum(worse + better, 1.0))
        beyond, usual = (stats.norm.cdf(score / math.sqrt(dispersion)) for score in scores)
        gathered = stats.binom.sf(worse - 1, lost, rows / n_rows)
        found = np.maximum(np.maximum(mcnemar(worse, better), beyond), gathered)
        return np.maximum(found, usual) if dispersion > 1 else found

    def least_p(flips: Array, rows: Array) -> Array:
        return np.maximum(0.5**flips, stats.norm.cdf(margin_score(flips, 0.0 * flips, rows, -drop)))

    tiers = [_looked_at(each, harm, min_rows, p_value, named) for each in (_single(parts), _paired(parts))]
    counts = [len(each) for each, _ in tiers]
    for (own, found), part in zip(tiers, _shares(*counts), strict=True):
        looked_at.append(own)
        shares.append(np.full(len(own), part))
        if found is not None:
            worst.append(Slice(found.name, np.flatnonzero(found.inside), found.p_value, part))
    flips, sizes = np.concatenate(looked_at).T
    return Slices(
        sizes=sizes / n_rows,
        flips=flips,
        least_p=least_p(flips, sizes),
        shares=np.concatenate(shares),
        lost=lost,
        worst=min(worst, key=lambda each: each.p_value / each.share, default=None),
        unsearched=tuple(unsearched),
        dispersion=dispersion,
    )


def _dispersion(parts: Sequence[Sequence[Partition]], harm: NDArray[np.int8], min_rows: int) -> float:
    """Return how many times as much the slices of one column vary as independent flips would let them."""
    flipped = np.flatnonzero(harm)
    lost = harm[flipped] > 0
    if not len(flipped):
        return 1.0
    usual = min(max(float(lost.mean()), 0.02), 0.98)  # some variance is left if all flips go in one direction
    squares = []
    for _, codes in _single(parts):
        large = np.bincount(codes) >= min_rows
        flips = np.bincount(codes[flipped], minlength=len(large))
        worse = np.bincount(codes[flipped][lost], minlength=len(large))
        told = large & (flips >= _FLIPS)
        squares += ((worse - usual * flips)[told] ** 2 / (flips[told] * usual * (1 - usual))).tolist()
    calm = sorted(squares)[: math.ceil(_CALM * len(squares))]
    by_chance = 1 + math.sqrt(2 * _FLIPS / len(flipped))  # a mean square of so few flips, and a deviation of it
    return max(1.0, float(np.mean(calm)) / (_USUAL * by_chance)) if calm else 1.0


def _shares(single: int, paired: int) -> tuple[float, float]:
    """Return the share of the level of each slice of one column, and of each of two."""
    whole = _SINGLE if single and paired else 1.0 if single else 0.0
    return whole / max(single, 1), (1 - whole) / max(paired, 1)


def _looked_at(
    slicings: Iterable[_Slicing],
    harm: NDArray[np.int8],
    min_rows: int,
    p_value: Callable[[Array, Array, Array], Array],
    named: Collection[tuple[str, int]],
) -> tuple[Array, _Worst | None]:
    """Return the flips and the rows of each slice, and the worst slice."""
    flipped = np.flatnonzero(harm)
    lost = harm[flipped] > 0
    counts, worst = [np.empty((0, 2))], None
    for names, codes in slicings:
        sizes = np.bincount(codes)
        kept = np.flatnonzero(sizes >= min_rows)
        if named:
            kept = np.array([code for code in kept.tolist() if (names(code), sizes[code]) not in named], np.intp)
        if not len(kept):
            continue
        own, rows = codes[flipped], sizes[kept].astype(float)
        worse, better = (np.bincount(own[each], minlength=len(sizes))[kept].astype(float) for each in (lost, ~lost))
        counts.append(np.column_stack([worse + better, rows]))
        p_values = p_value(worse, better, rows)
        # The smaller slice if two are as bad.
        first = np.lexsort((rows, p_values))[0]
        bad = worst is None or (p_values[first], rows[first]) < (worst.p_value, worst.rows)
        if bad and worse[first] > better[first]:
            code = int(kept[first])
            worst = _Worst(float(p_values[first]), int(rows[first]), names(code), codes == code)
    return np.concatenate(counts), worst


def _parts(X: Any) -> tuple[list[list[Partition]], list[str]]:
    """Return the ways to cut each column, the coarse one first, and which columns can't be cut."""
    parts, unsearched = [], []
    for name in dict.fromkeys(column_names(X)):
        try:
            values = column_of(X, name)
            coarse = coded(str(name), values)
        except (TypeError, GateInputError) as error:  # values that are not hashable, or several columns of one name
            unsearched.append(f"{name} was not searched: {error}")
            continue
        if len(coarse.names) < 2:
            continue
        cuts = [coarse, *([coded(str(name), values, _FINE)] if coarse.binned else [])]
        parts.append([Partition(each.names, each.codes.astype(np.int16), each.binned) for each in cuts])
    if len(parts) > _PAIRED:
        unsearched.append(f"{len(parts) - _PAIRED} of {len(parts)} columns were searched alone, not in pairs")
    return parts, unsearched


def _single(parts: Sequence[Sequence[Partition]]) -> Iterator[_Slicing]:
    for cuts in parts:
        for part in cuts:
            yield part.names.__getitem__, part.codes


def _paired(parts: Sequence[Sequence[Partition]]) -> Iterator[_Slicing]:
    for one, two in combinations([cuts[0] for cuts in parts[:_PAIRED]], 2):
        codes = one.codes.astype(np.int32) * len(two.names) + two.codes
        yield _joint(one.names, two.names), codes


def _joint(one: Sequence[str], two: Sequence[str]) -> Callable[[int], str]:
    return lambda code: f"{one[code // len(two)]} and {two[code % len(two)]}"
