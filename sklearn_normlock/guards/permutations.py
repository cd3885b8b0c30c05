"""Columns in another order: who fits in whose place, by its own distribution and by the company it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from .dependence import rank_scores
from .hypotheses import Hypothesis, Search

#: Columns that are compared each with each row by row; more are compared by their quantiles.
_EACH = 80
_AGREES = 64
_STAY = 6.0


def permutations(search: Search, flagged: Any) -> Iterator[Hypothesis]:
    """Yield the best order of the columns, and the best set of signs that dependence alone can tell."""
    fit = search.fit
    found = fit.reference.profile.dependence
    d = fit.columns
    company = None
    if found is not None and search.n >= 16 and d <= 256:
        scores = rank_scores(search.X)
        company = _Company(scores.T @ scores / search.n, found.correlation(), search.n)
        gain = _flips(search, company, flagged)
        yield Hypothesis("sign_flipped", gain, 4.0, undone=np.where(gain > 4.0, -search.X, search.X))
    if d < 2:
        return
    alone = _fits(search)
    order = _assigned(alone)
    total = alone
    if company is not None:
        for _ in range(8):
            total = alone + company.gains(order)
            better = _assigned(total)
            if (better == order).all():
                break
            order = better
        # From the identity, with the unsuspected columns as anchors, a single swap is found that the whole misses.
        anchored = _anchored(alone, company, flagged)
        if _value(alone, company, anchored) > _value(alone, company, order):
            order = anchored
    moved = np.flatnonzero(order != np.arange(d))
    if not len(moved):
        return
    gain = alone[np.arange(d), order] - np.diag(alone)
    if company is not None:
        gain = gain + company.score(order) - company.score(np.arange(d))
    # A transposition is one of d(d - 1) / 2; a permutation of m columns one of about d^m.
    price = np.log(d * (d - 1) / 2) + 2 if len(moved) == 2 else len(moved) * np.log(d) * 0.75 + 2
    shown = {int(j): {"holds": int(order[j])} for j in moved}
    Y = np.empty_like(search.X)
    Y[:, order] = search.X
    yield Hypothesis(
        "columns_swapped" if len(moved) == 2 else "columns_reordered",
        gain,
        float(price),
        whole=True,
        details={"order": np.argsort(order).tolist()},
        of_columns=shown,
        undone=Y,
        touched=moved,
    )


def _fits(search: Search) -> Any:
    """Return of each column of the batch (rows) how it fits in each place (columns), against where it is."""
    fit, d = search.fit, search.fit.columns
    out = np.empty((d, d))
    if d <= _EACH:
        rows = search.X[np.linspace(0, search.n - 1, min(search.n, _AGREES)).astype(np.int64)]
        more = search.n / len(rows)
        for k in range(d):
            at = np.full(d, k)
            values = fit._values(rows, 0.0, at).sum(axis=0) * more
            out[:, k] = np.where(fit.varied[k], values * fit.weight[k], 0.0)
            moved = np.array([search.clean_everywhere[k]]) if d == 1 else None
            del moved
        for run in fit.runs:
            if run.log_p < -7:
                from .ties import run_of

                for k in range(d):
                    if fit.varied[k]:
                        charge = -run_of(fit.reference, k, run.value, run.count, run.n).log_p
                        out[run.column, k] -= min(charge, 200.0)
        return out
    q = np.linspace(0.1, 0.9, 9)
    mine = np.nan_to_num(np.nanquantile(search.X, q, axis=0))
    theirs = fit.reference._quantiles(q)[:, :d]
    worth = search.n * float(np.mean(fit.weight)) / 2
    for k in range(d):
        u = np.abs(mine - theirs[:, [k]]) / fit.scale[k]
        out[:, k] = -worth * np.minimum(u, 6.0).mean(axis=0) ** 2 - search.n * abs(0.0)
    return out


def _assigned(worth: Any) -> Any:
    stay = worth + _STAY * np.eye(len(worth))
    return linear_sum_assignment(stay, maximize=True)[1]


class _Company:
    """The rank correlations of the batch (R) against the profile's (P)."""

    def __init__(self, R: Any, P: Any, n: int) -> None:
        self.R, self.P = R - np.diag(np.diag(R)), P - np.diag(np.diag(P))
        # Correlations with many neighbours repeat each other: together they count as about one column's worth.
        self.worth = n / (1.0 + (self.P**2).sum(axis=0).mean())

    def gains(self, order: Any) -> Any:
        """Return what each column would gain in each place, the others standing as in ``order``."""
        cross = self.R @ self.P[order]
        return self.worth * (cross - 0.5 * (self.P[order] ** 2).sum(axis=0))

    def score(self, order: Any) -> Any:
        """Return of each column how well its correlations fit, all columns standing as in ``order``."""
        expected = self.P[np.ix_(order, order)]
        return -0.5 * self.worth * ((self.R - expected) ** 2).sum(axis=1)


def _value(alone: Any, company: _Company, order: Any) -> float:
    d = len(order)
    stay = _STAY * float((order == np.arange(d)).sum())
    return float(alone[np.arange(d), order].sum() + company.score(order).sum()) + stay


def _anchored(alone: Any, company: _Company, flagged: Any) -> Any:
    d = len(alone)
    order = np.arange(d)
    anchors = np.setdiff1d(order, flagged)
    if not len(anchors) or len(flagged) < 2:
        return order
    cross = company.R[:, anchors] @ company.P[anchors]
    total = alone + company.worth * (cross - 0.5 * (company.P[anchors] ** 2).sum(axis=0))
    part = total[np.ix_(flagged, flagged)]
    order[flagged] = np.asarray(flagged)[_assigned(part)]
    return order


def _flips(search: Search, company: _Company, flagged: Any) -> Any:
    """Return what each column gains by being negated: by its own distribution and its correlations."""
    fit = search.fit
    own, _ = search.affine(-1.0, 0.0)
    if search.side.scaled:
        moved, _ = search.affine(-1.0, search.offset_of(-1.0))
        own = np.maximum(own, moved - search.free)
    anchors = np.setdiff1d(np.arange(fit.columns), flagged)
    if len(anchors) < max(1, fit.columns // 3):
        anchors = np.arange(fit.columns)
    agreement = (company.R[:, anchors] * company.P[:, anchors]).sum(axis=1)
    return own - 2.0 * company.worth * agreement
