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


def tie_evidence(reference: Reference, X: Any) -> Any:
    """Return of each column the log p-value of its oddest run of equal values."""
    out = np.zeros(X.shape[1])
    for run in odd_runs(reference, X):
        out[run.column] = min(out[run.column], run.log_p)
    return out


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
        for start, count in zip(starts[counts >= LEAST], counts[counts >= LEAST], strict=True):
            ends = bool(start == 0), bool(start + count == len(column))
            run = run_of(reference, int(j), float(column[start]), int(count), len(column), ends)
            if run.log_p < 0:
                found.append(run)
    return found


def run_of(
    reference: Reference, j: int, value: float, count: int, n: int, ends: tuple[bool, bool] = (False, False)
) -> Run:
    """Return how odd it is that so many of n rows have one value of a column; the lowest or the highest, perhaps."""
    values, shares = reference.profile.sketches[j]
    m = reference.rows[j]
    inside, log_inside = 1.0, 0.0
    if ends[0] != ends[1] and count < n:
        # And that none of the others lies beyond it: both together are what a cut leaves.
        tolerance = reference.tolerance[j]
        if ends[1]:
            inside = float(share_below(values, shares, np.array([value + tolerance]))[1][0])
        else:
            inside = 1 - float(share_below(values, shares, np.array([value - tolerance]))[0][0])
        if reference.jumps[j]:  # values that are few don't move: more rows have those that lie inside
            inside = float(ndtr(ndtri(inside) + reference.drift))
        r = min(np.ceil(inside * m) + 1, m)
        log_inside = float(log_tail(n, n, r, m))
        inside = max(min(1.0, r / m), 1e-9)
    at, mass = reference.steps[j]
    near = np.abs(at - value) <= reference.tolerance[j]
    # A value of the profile, which drift may have moved here or made more frequent; its share is an estimate.
    most_near = float(mass[near].max()) if near.any() else 0.0
    seen = (most_near + reference.drift * np.sqrt(most_near * (1 - most_near))) * m
    usual = min((seen + 3 * np.sqrt(seen) + 3) / m / inside, 1.0) if near.any() else 0.0
    log_p = log_binomial(count, n, usual) + np.log(max(len(at), 1)) if near.any() else -np.inf
    # Or one of the many rarer values: k of n rows share one with probability at most C(n, k) Σp^k.
    most = min(max(0.01, 3 / m) + 3 * np.sqrt(max(0.01, 3 / m) / m), 1.0)
    pairs = reference.profile.ties[j] + 14 / (m * max(m - 1, 1))
    alike = min(1.0, pairs + 3 * np.sqrt(pairs / m))
    rare = log_choose(n, count) + min((count - 2) * np.log(most) + np.log(alike), 0.5 * count * np.log(alike))
    # After a drift the two can't be told apart: the likelier counts.
    log_p = min(0.0, max(log_p, rare - count * np.log(inside))) + log_inside
    return Run(j, value, count, n, max(usual, float(np.sqrt(alike))), float(log_p), *ends)
