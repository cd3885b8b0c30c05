"""Values that repeat: a constant that was imputed, a sensor that is stuck, a range that is clipped."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from ..profiles.sketch import JUMP, share_below
from .reference import Reference
from .tails import log_binomial, log_choose, log_tail
from .tilt import FAR, more_frequent, more_frequent_flag
from .values import others

#: Fewer equal values than this are no evidence.
LEAST = 3
_NEARLY_ALL = 0.8
#: A log p-value above which nothing is odd, and no kinder one need be looked for.
_NOT_ODD = -3.0


@dataclass(frozen=True)
class Run:
    """A value that ``count`` of ``n`` rows have, where the profile has it with probability ``usual`` at most."""

    column: int
    value: float
    count: int
    n: int
    usual: float
    log_p: float
    lowest: bool
    highest: bool
    #: By how much, within the tolerated drift, all values of the column have moved: of those that take few.
    moved: float = 0.0


def tie_evidence(reference: Reference, X: Any, ordered: Any) -> Any:
    """Return of each column the log p-value of its oddest run of equal values, or of those at both ends of it.

    ``ordered`` is X with each column sorted.
    """
    out, d = np.zeros(X.shape[1]), X.shape[1]
    runs = odd_runs(reference, ordered)
    for run in runs:
        out[run.column] = min(out[run.column], run.log_p)
    for j, (_, _, log_p) in cuts(reference, runs).items():
        out[j] = min(out[j], log_p)
    if not runs:
        return out
    # Of all rows, those of training and of the batch: where no three share a value, none can be odd (Tarone 1990).
    able = (reference.profile.ties[:d] > 0) | (ordered[1:] == ordered[:-1]).any(axis=0) | reference.jumps[:d]
    return np.minimum(out + np.log(able.sum() / d), 0.0)


def rows_in_runs(reference: Reference, X: Any, ordered: Any) -> float:
    """Return the log of how probable it is that so many rows share a value with two others, in whatever column.

    Only columns in which no two rows of training had the same are asked. Each value that repeats may be that of one
    of these, too; of all rows together, those of training and of the batch, any may have been the batch's.
    """
    d = X.shape[1]
    single = reference.known[:d] & (reference.profile.ties[:d] == 0) & ~np.array(reference.jumps[:d])
    away, known = np.full(len(X), -1.0), 0
    for j in np.flatnonzero(single & (ordered[LEAST - 1 :] == ordered[: 1 - LEAST]).any(axis=0)):
        values, count = np.unique(X[~np.isnan(X[:, j]), j], return_counts=True)
        known += int((count > 1).sum())
        rows = np.isin(X[:, j], values[count >= LEAST])
        away[rows] = np.maximum(away[rows], _away(reference, int(j), X[rows, j]))
    n, rows = len(X), away >= 0
    if not rows.any():
        return 0.0
    m = float(reference.rows[:d][single].min()) * np.exp(-reference.drift * away[rows].mean())
    return float(log_tail(rows.sum(), n, min(known + 1, m), m))


def _away(reference: Reference, j: int, values: Any) -> Any:
    """Return how many deviations from the mean values are, of those that a drift of the population can lead to."""
    off = np.clip(values, reference.low[j], reference.high[j]) - reference.mean[j]
    return np.minimum(np.abs(off) / max(reference.std[j], 1e-300), FAR)


def cuts(reference: Reference, runs: list[Run]) -> dict[int, tuple[Run, Run, float]]:
    """Return of the columns that have runs at both ends these two, and the log of how probable both together are."""
    ends: dict[int, list[Run]] = {}
    for run in runs:
        if run.lowest != run.highest:
            ends.setdefault(run.column, []).append(run)
    both = {j: (of[0], of[1]) for j, of in ends.items() if len(of) == 2}
    return {j: (low, high, _cut_on_both_sides(reference, j, low, high)) for j, (low, high) in both.items()}


def _cut_on_both_sides(reference: Reference, j: int, low: Run, high: Run) -> float:
    inside, log_inside = _inside(reference, j, low.value, high.value, low.n, low.moved)
    within = [
        min(0.0, _log_p_of_count(reference, j, run.value - run.moved, run.count, run.n, inside)) for run in (low, high)
    ]
    return log_inside + sum(within) + np.log(2)  # the chance of a run at one end is no greater for one at the other


def _inside(reference: Reference, j: int, low: float, high: float, n: int, by: float) -> tuple[float, float]:
    """Return what share of values lies between two at most, after a drift, and the log of how probable all n do."""
    sketch, m = reference.profile.sketches[j], reference.rows[j]
    most, slack = reference.tolerance[j], reference.rounding[j]
    ends = np.clip([sketch[0][0] - low, sketch[0][-1] - high], -most, most)  # where a jump lies at the end
    moved = np.concatenate([np.linspace(-1, 1, 7) * most, [-by], ends])
    # Every value has moved; or, of those that are few, some have become more frequent.
    lows, highs = np.append(low + moved - slack, low), np.append(high + moved + slack, high)
    below, up_to = (of.reshape(2, -1) for of in share_below(*sketch, np.append(lows, highs)))
    share = up_to[1] - below[0]
    if reference.jumps[j]:
        tilt = np.linspace(-1, 1, 7) * reference.drift
        share = np.append(share[:-1], ndtr(ndtri(up_to[1, -1]) + tilt) - ndtr(ndtri(below[0, -1]) + tilt))
    r = min(np.ceil(float(share.max()) * m) + 1, m)
    return max(min(1.0, r / m), 1e-9), float(log_tail(n, n, r, m))


def odd_runs(reference: Reference, ordered: Any) -> list[Run]:
    """Return the runs of equal values of a batch that are rarer than even.

    Parameters
    ----------
    reference : Reference
        What to compare with.
    ordered : ndarray of shape (n_rows, n_columns)
        The batch, each column sorted; missing values are NaN.

    Returns
    -------
    runs : list of Run
        In the order of the columns.
    """
    if len(ordered) < LEAST:
        return []
    repeated = (ordered[LEAST - 1 :] == ordered[: 1 - LEAST]).any(axis=0)
    found = []
    for j in np.flatnonzero(repeated & reference.known[: ordered.shape[1]]):
        column = ordered[:, j]
        column = column[~np.isnan(column)]
        starts = np.flatnonzero(np.concatenate([[True], column[1:] != column[:-1]]))
        counts = np.diff(np.concatenate([starts, [len(column)]]))
        often = [
            (float(column[at]), int(k), (bool(at == 0), bool(at + k == len(column))))
            for at, k in zip(starts, counts, strict=True)
            if k >= LEAST
        ]
        moves = _moves(reference, int(j), column[starts], counts) if reference.few[j] else (0.0,)
        kindest = _kindest(reference, int(j), often, column[starts], counts, moves)
        found += [run for run in kindest if run.log_p < 0]
    return found


def _kindest(
    reference: Reference, j: int, often: list[tuple[Any, ...]], values: Any, counts: Any, moves: Any
) -> list[Run]:
    # By how much all values have moved is not known: so that they are least odd.
    best, least = [], -np.inf
    n = int(counts.sum())
    for by in moves:
        runs = [run_of(reference, j, *run, n=n, moved=by) for run in often]
        if by:  # those that share a value have moved onto one of training's: so must the others have
            lost = counts * (reference.off(j, values - by) > reference.rounding[j])
            runs = [
                replace(run, log_p=run.log_p + others(reference, j, float(lost[values != run.value].sum()), n))
                for run in runs
            ]
        oddest = _oddest(reference, runs)
        if oddest > least:
            best, least = runs, oddest
        if least > _NOT_ODD:
            break
    return best


def _oddest(reference: Reference, runs: list[Run]) -> float:
    return min([run.log_p for run in runs] + [log_p for _, _, log_p in cuts(reference, runs).values()], default=0.0)


def run_of(
    reference: Reference,
    j: int,
    value: float,
    count: int,
    ends: tuple[bool, bool] = (False, False),
    *,
    n: int,
    off: float = 0.0,
    moved: float = 0.0,
) -> Run:
    """Return how odd it is that so many of n rows have one value of a column, give or take what it may be off.

    ``ends``: whether it is the lowest and whether it is the highest of the batch; ``moved``: by how much all have.
    """
    inside, log_inside = 1.0, 0.0
    if ends[0] != ends[1] and count < n:
        # And that none of the others lies beyond it: both together are what a cut leaves.
        inside, log_inside = _inside(reference, j, *((-np.inf, value) if ends[1] else (value, np.inf)), n, moved)
    log_p = min(0.0, _log_p_of_count(reference, j, value - moved, count, n, inside, off)) + log_inside
    at, mass = reference.steps[j]
    usual = float(mass[np.abs(at + moved - value) <= max(_same_value(reference, j), off)].max(initial=0.0))
    return Run(j, value, count, n, usual, log_p, *ends, moved)


def moves_onto_values(reference: Reference, j: int, values: Any, counts: Any) -> Any:
    """Return by how much, within the tolerance, the most frequent value may have moved from one of training's."""
    by = values[counts.argmax()] - reference.atoms(j)
    return by[np.abs(by) <= reference.tolerance[j]]


def _moves(reference: Reference, j: int, values: Any, counts: Any) -> Any:
    """Return by how much all values may have moved: not at all, or so that nearly all are again what they may be."""
    by, slack = moves_onto_values(reference, j, values, counts), reference.rounding[j]
    found = (counts * (reference.off(j, values - by[:, None]) <= slack)).sum(axis=1)
    n, share = counts.sum(), min(float(reference.masses(j).sum()), 1 - 1 / reference.rows[j])
    chance = reference.drift + 3 * np.sqrt(1 / n + 1 / reference.rows[j])
    least = min(share - chance * np.sqrt(share * (1 - share)), _NEARLY_ALL) * n - 1
    return np.append(0.0, by[found >= least])


def _same_value(reference: Reference, j: int) -> float:
    """Return how far a value may have drifted and be the same: values that are few move all at once, if at all."""
    return float(reference.rounding[j]) if reference.few[j] else float(reference.tolerance[j])


def together(reference: Reference, j: int, runs: list[Run]) -> float:
    """Return the log of how probable it is that so many rows have one of the values of some runs of a column."""
    usual = more_frequent(min(sum(run.usual for run in runs), 1.0), reference.drift)
    usual = min(_at_most(usual, reference.rows[j]), 1.0)
    chosen = log_choose(max(len(reference.steps[j][0]), len(runs)), len(runs))
    return min(0.0, log_binomial(sum(run.count for run in runs), runs[0].n, usual) + chosen)


def _share_after_drift(reference: Reference, j: int, value: float, off: float) -> float:
    """Return how frequent a value of training's may be after a drift, 0 if it is none.

    Either rows that have it became more frequent; or all values moved, and the most frequent of those within the
    tolerance came to lie here. (Columns that take few values have been moved already.)
    """
    at, mass = reference.steps[j]
    away = np.abs(at - value)
    same = away <= max(float(reference.rounding[j]), off)
    near = (away <= max(float(reference.tolerance[j]), off)) & (not reference.few[j])
    own, moved = float(mass[same].max(initial=0.0)), float(mass[near].max(initial=0.0))
    more = more_frequent_flag if reference.flag[j] else more_frequent
    return max(more(own, reference.drift), moved)


def _at_most(share: float, m: float) -> float:
    """Return the greatest that a share may be, of which m rows give an estimate."""
    seen = share * m
    return float((seen + 3 * np.sqrt(seen) + 3) / m)


def _log_p_of_count(
    reference: Reference, j: int, value: float, count: int, n: int, inside: float, off: float = 0.0
) -> float:
    # A value of the profile, which drift may have moved here or made more frequent; its share is an estimate.
    log_p, m = -np.inf, reference.rows[j]
    if share := _share_after_drift(reference, j, value, off):
        r = np.ceil(share * m) + 1
        exact = float(log_tail(count, n, r, max(np.floor(m * inside), r)))
        by_share = log_binomial(count, n, min(_at_most(share, m) / inside, 1.0))
        log_p = min(exact, by_share) + float(np.log(len(reference.steps[j][0])))
    rare = _log_p_of_rare(reference, j, value, count, n, inside)
    # After a drift the two can't be told apart: the likelier counts.
    return float(max(log_p, rare))


def _log_p_of_rare(reference: Reference, j: int, value: float, count: int, n: int, inside: float) -> float:
    """Return (a bound on) the log of how probable it is that so many rows share one of the rarer values.

    Had the n rows been drawn from these and the m of training together, k that share a value would all be among the n
    with probability C(n, k) / C(n + m, k). How many such k there are is bounded: by the pairs of equal values that
    training has, and by the batch's own. Or, which says more of many rows: k of n share one of some values
    with probability at most C(n, k) Σp^k.
    """
    m = float(reference.rows[j])
    ties = float(reference.profile.ties[j])
    pairs = ties * m * (m - 1) / 2
    # So many of training may have it too: one, where none has a value that another has.
    most = min((1 + np.sqrt(1 + 8 * pairs)) / 2, max(JUMP * m, 3.0))
    own = log_choose(count + most, count)
    if most + 1 >= count and pairs > 0:
        own = np.logaddexp(own, np.log(pairs) + log_choose(most + 1, count) - log_choose(most + 1, 2))
    # And the population may have drifted towards it: as if that many fewer rows of training had been asked.
    asked = m * inside * np.exp(-reference.drift * _away(reference, j, value))
    exact = own - log_choose(n + asked, count)
    share = min(max(JUMP, 3 / m) + 3 * np.sqrt(max(JUMP, 3 / m) / m), 1.0)
    alike = ties + 14 / (m * max(m - 1, 1))
    alike = min(1.0, alike + 3 * np.sqrt(alike / m))
    by_share = min((count - 2) * np.log(share) + np.log(alike), 0.5 * count * np.log(alike)) - count * np.log(inside)
    return float(log_choose(n, count) + min(exact, by_share))
