"""Columns in each other's place: found by their distributions and by their correlations together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import gammaln

from ..calibration import CALIBRATION as C
from .base import Candidate, Fault
from .case import Case, choice, replaced


class Places:
    """How well each column of a batch fits each place of training; ``order`` maps columns to places."""

    def __init__(self, case: Case) -> None:
        self.together, self.own = case.together, np.arange(case.d)
        was, now = case.quantiles
        wide = [np.maximum(of[-5] - of[4], 1e-12 * (1 + np.abs(of[9]))) for of in (was, now)]
        self.misfit = np.empty((case.d, case.d))
        for j in self.own:  # a column of the batch against every place
            away = np.minimum(np.abs(was - now[:, [j]]) / np.sqrt(wide[0] * wide[1][j]), 3.0)
            self.misfit[j] = (away**2).mean(axis=0) + 0.25 * np.log(wide[1][j] / wide[0]) ** 2
        rows = case.n / (1 + case.n / case.reference.rows[: case.d])
        self.misfit = np.nan_to_num(np.minimum(self.misfit * rows, C.most_misplaced), nan=C.most_misplaced)
        #: Places where no number belongs, as those of text; such a column stays where it is.
        self.empty = ~case.reference.known[: case.d]
        self.misfit[:, self.empty] = self.misfit[self.empty] = C.most_misplaced
        self.misfit[self.empty, self.empty] = 0.0
        X = case.X[: C.rows_of_values]
        for k in self.own:
            off = case.impossible(k, X).sum(axis=0) / np.maximum((~np.isnan(X)).sum(axis=0), 1)
            self.misfit[:, k] += np.minimum(-C.log_unseen * len(X) * off, C.most_misplaced)

    def score(self, order: Any) -> float:
        """Return how well all columns fit in an order, in nats; a place that is not its own costs a column log d."""
        moved = np.log(len(order)) * (order != self.own).sum()
        together = self.together.score(order) if self.together else 0.0
        return together - float(self.misfit[self.own, order].sum() + moved)

    def gains(self, order: Any) -> Any:
        """Return what each column would gain in each place, the others standing as they do."""
        gain = (self.together.gains(order) if self.together else 0.0) - self.misfit
        gain[self.own, self.own] += np.log(len(order))
        return gain

    def improved(self, order: Any) -> Any:
        """Return a better order near one: each round is the best assignment for the others of the last one.

        Columns that fit in their own places as well are left there.
        """
        for _ in range(C.rounds_of_order):
            new = linear_sum_assignment(-self.gains(order))[1]
            if self.score(new) <= self.score(order) + 1e-9:
                break
            order = new
        for cycle in _cycles(order):
            kept = replaced(order, cycle, cycle)
            if self.score(kept) >= self.score(order):
                order = kept
        return order


def _cycles(order: Any) -> Iterator[Any]:
    left = set(np.flatnonzero(order != np.arange(len(order))).tolist())
    while left:
        at, cycle = min(left), []
        while at in left:
            left.remove(at)
            cycle.append(at)
            at = int(order[at])
        yield np.array(cycle)


def _price(order: Any) -> float:
    """Return how much there is to say of an order, in nats: where it was cut, or each of the columns that moved.

    An order that was reversed has no cut, one that was turned has one, one of which a column was moved three.
    """
    d, moved = len(order), int((order != np.arange(len(order))).sum())
    cuts = int((np.abs(np.diff(order)) != 1).sum())
    return min(cuts * float(np.log(2 * d)), choice(d, moved) + float(gammaln(moved + 1))) + float(np.log(2))


class ColumnsReordered(Fault):
    """Columns in another order: the one that fits best, and the likeliest exchanges of two."""

    name = "columns_reordered"
    words = "{columns} are in another order"
    remedy = "Select the columns by name, in the order of training (feature_names_in_)."

    def propose(self, case: Case) -> Iterator[Candidate]:
        d = case.d
        if not 2 <= d <= C.most_ordered or case.n < 3:
            return
        places = Places(case)
        own = places.own
        turned = places.misfit[own, (own + own[:, None]) % d].sum(axis=1)  # by as many places
        # From the present order, from the one that distributions alone give, and from the usual ones.
        starts = [own, linear_sum_assignment(places.misfit - 1e-6 * np.eye(d))[1], own[::-1]]
        starts += [np.roll(own, -int(by)) for by in (1, -1, 1 + np.argmin(turned[1:]))]
        orders = {tuple(places.improved(start).tolist()) for start in starts}
        gain = places.gains(own)
        pair = np.triu(gain + gain.T - np.diag(gain)[:, None] - np.diag(gain) + 2 * np.log(d), 1)
        for j, k in zip(*np.unravel_index(np.argsort(-pair, axis=None)[: C.pairs_of_order], pair.shape), strict=True):
            if pair[j, k] > C.exact:
                orders.add(tuple(replaced(own, [j, k], [k, j]).tolist()))
        for order in map(np.array, orders - {tuple(own.tolist())}):
            stays = (order == own)[places.empty].all()
            if stays and (case.together is None or sum(case.together.agreement(order)) > C.in_place):
                yield self._candidate(case, order)

    @staticmethod
    def _candidate(case: Case, order: Any) -> Candidate:
        undone = np.empty_like(case.X)
        undone[:, order] = case.X
        columns = np.flatnonzero(order != np.arange(len(order)))
        if len(columns) == 2:
            return Candidate(ColumnsSwapped.name, columns, undone, _price(order), separable=False)
        details = {"order": np.argsort(order).tolist()}
        return Candidate(ColumnsReordered.name, columns, undone, _price(order), details, separable=False)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:, columns[::-1]])


class ColumnsSwapped(Fault):
    """Two columns in each other's place: the least of all other orders, which are searched with it."""

    name = "columns_swapped"
    words = "{columns} are swapped"
    remedy = "Select the columns by name, in the order of training (feature_names_in_)."

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns[:2], X[:, columns[:2][::-1]])
