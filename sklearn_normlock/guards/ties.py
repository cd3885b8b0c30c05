"""Values that repeat: a constant that was imputed, a sensor that is stuck, a range that is clipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from .reference import Reference
from .sketch import share_below
from .tails import log_binomial, log_choose, log_tail

#: Fewer equal values than this are no evidence.
LEAST = 3
_ROUNDING, _NEARLY_ALL = 1.2e-7, 0.8
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


def tie_evidence(reference: Reference, X: Any) -> Any:
    """Return of each column the log p-value of its oddest run of equal values, or of those at both ends of it."""
    out = np.zeros(X.shape[1])
    runs = odd_runs(reference, X)
    for run in runs:
        out[run.column] = min(out[run.column], run.log_p)
    for j, (_, _, log_p) in cuts(reference, runs).items():
        out[j] = min(out[j], log_p)
    return out


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
    most, slack = reference.tolerance[j], _rounding(reference, j)
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


def odd_runs(reference: Reference, X: Any) -> list[Run]:
    """Return the runs of equal values of a batch that are rarer than even.

    Parameters
    ----------
    reference : Reference
        What to compare with.
    X : ndarray of shape (n_rows, n_columns)
        The batch; missing values are NaN.

    Returns
    -------
    runs : list of Run
        In the order of the columns.
    """
    ordered = np.sort(X, axis=0)
    if len(X) < LEAST:
        return []
    repeated = (ordered[LEAST - 1 :] == ordered[: 1 - LEAST]).any(axis=0)
    found = []
    for j in np.flatnonzero(repeated & reference.known[: X.shape[1]]):
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
        found += [run for run in _kindest(reference, int(j), often, len(column), moves) if run.log_p < 0]
    return found


def _kindest(reference: Reference, j: int, often: list[tuple[Any, ...]], n: int, moves: Any) -> list[Run]:
    # By how much all values have moved is not known: so that they are least odd.
    best, least = [], -np.inf
    for by in moves:
        runs = [run_of(reference, j, *run, n=n, moved=by) for run in often]
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
    by, slack = moves_onto_values(reference, j, values, counts), _rounding(reference, j)
    found = (counts * (reference.off(j, values - by[:, None]) <= slack)).sum(axis=1)
    n, share = counts.sum(), min(float(reference.masses(j).sum()), 1 - 1 / reference.rows[j])
    chance = reference.drift + 3 * np.sqrt(1 / n + 1 / reference.rows[j])
    least = min(share - chance * np.sqrt(share * (1 - share)), _NEARLY_ALL) * n - 1
    return np.append(0.0, by[found >= least])


def _rounding(reference: Reference, j: int) -> float:
    return float(1e-6 * reference.tolerance[j] + _ROUNDING * max(abs(reference.low[j]), abs(reference.high[j])))


def _same_value(reference: Reference, j: int) -> float:
    """Return how far a value may have drifted and be the same: values that are few move all at once, if at all."""
    return _rounding(reference, j) if reference.few[j] else float(reference.tolerance[j])


def together(reference: Reference, j: int, runs: list[Run]) -> float:
    """Return the log of how probable it is that so many rows have one of the values of some runs of a column."""
    usual = min(_at_most(reference, j, min(sum(run.usual for run in runs), 1.0)), 1.0)
    chosen = log_choose(max(len(reference.steps[j][0]), len(runs)), len(runs))
    return min(0.0, log_binomial(sum(run.count for run in runs), runs[0].n, usual) + chosen)


def _at_most(reference: Reference, j: int, share: float) -> float:
    """Return the greatest share that one of training's may be, which is an estimate, and may have drifted."""
    m = reference.rows[j]
    seen = (share + reference.drift * np.sqrt(share * (1 - share))) * m
    return float((seen + 3 * np.sqrt(seen) + 3) / m)


def _log_p_of_count(
    reference: Reference, j: int, value: float, count: int, n: int, inside: float, off: float = 0.0
) -> float:
    m = reference.rows[j]
    at, mass = reference.steps[j]
    near = np.abs(at - value) <= max(_same_value(reference, j), off)
    # A value of the profile, which drift may have moved here or made more frequent; its share is an estimate.
    log_p = -np.inf
    if near.any():
        usual = min(_at_most(reference, j, float(mass[near].max())) / inside, 1.0)
        log_p = log_binomial(count, n, usual) + np.log(max(len(at), 1))
    # Or one of the many rarer values: k of n rows share one with probability at most C(n, k) Σp^k.
    most = min(max(0.01, 3 / m) + 3 * np.sqrt(max(0.01, 3 / m) / m), 1.0)
    pairs = reference.profile.ties[j] + 14 / (m * max(m - 1, 1))
    alike = min(1.0, pairs + 3 * np.sqrt(pairs / m))
    rare = log_choose(n, count) + min((count - 2) * np.log(most) + np.log(alike), 0.5 * count * np.log(alike))
    # After a drift the two can't be told apart: the likelier counts.
    return float(max(log_p, rare - count * np.log(inside)))
