"""Columns in each other's place: found by their distributions and by their correlations together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import gammaln

from ..calibration import CALIBRATION as C
from ..profiles.sketch import residual
from ..profiles.statistics import quantiles
from ..tests.reference import Reference
from .base import SHARES, Candidate, Case, Fault, choice, replaced


class Places:
    """How well each column of a batch fits each place of training; ``order`` maps columns to places."""

    def __init__(self, case: Case) -> None:
        self.case, self.together, d = case, case.together, case.d
        was, now = case.quantiles
        wide = [np.maximum(of[-5] - of[4], 1e-12 * (1 + np.abs(of[9]))) for of in (was, now)]
        n = case.n / (1 + case.n / case.reference.rows[:d])
        self.misfit = np.empty((d, d))
        for j in range(d):  # a column of the batch against every place
            scale = np.sqrt(wide[0] * wide[1][j])
            away = np.minimum(np.abs(was - now[:, [j]]) / scale, 3.0)
            self.misfit[j] = n * ((away**2).mean(axis=0) + 0.25 * np.log(wide[1][j] / wide[0]) ** 2)
        self.misfit = np.nan_to_num(np.minimum(self.misfit, C.most_misplaced))
        X = case.X[: C.rows_of_values]
        for k in range(d):
            if (off := _none_of(case.reference, k, X)) is not None:
                self.misfit[:, k] += np.minimum(-C.log_unseen * len(X) * off, C.most_misplaced)

    def score(self, order: Any) -> float:
        """Return how well all columns fit in an order, in nats."""
        margins = -float(self.misfit[np.arange(len(order)), order].sum())
        return margins + (self.together.score(order) if self.together else 0.0)

    def gains(self, order: Any) -> Any:
        """Return what each column would gain in each place, the others standing as they do."""
        return (self.together.gains(order) if self.together else 0.0) - self.misfit

    def improved(self, order: Any) -> Any:
        """Return a better order near one: each round is the best assignment for the others of the last one."""
        best = self.score(order)
        for _ in range(C.rounds_of_order):
            gain = self.gains(order)
            gain[np.arange(len(order)), np.arange(len(order))] += np.log(len(order))  # its own place costs nothing
            new = linear_sum_assignment(-gain)[1]
            if (score := self.score(new)) <= best + 1e-9:
                break
            order, best = new, score
        return order

    def without_needless(self, order: Any) -> Any:
        """Return an order in which columns that fit in their own places as well, or nearly, are left there."""
        own = np.arange(len(order))
        for cycle in _cycles(order):
            kept = order.copy()
            kept[cycle] = own[cycle]
            if self.score(kept) >= self.score(order) - np.log(len(order)) * len(cycle):
                order = kept
        return order


def _none_of(reference: Reference, place: int, X: Any) -> Any:
    """Return what share of each column's values a place of training can't have had; None if it may have any."""
    offset, step, _ = reference.profile.steps[:, place]
    if reference.few[place]:
        off = reference.off(place, X) > reference.rounding[place]
    elif step:
        off = np.abs(residual(X, offset, step)) > C.near_step * step
    else:
        return None
    return (off & ~np.isnan(X)).sum(axis=0) / np.maximum((~np.isnan(X)).sum(axis=0), 1)


def _cycles(order: Any) -> list[Any]:
    left, cycles = set(np.flatnonzero(order != np.arange(len(order))).tolist()), []
    while left:
        at, cycle = min(left), []
        while at in left:
            left.remove(at)
            cycle.append(at)
            at = int(order[at])
        cycles.append(np.array(cycle))
    return cycles


def _price(order: Any) -> float:
    """Return how much there is to say of an order, in nats: where it was cut, or each of the columns that moved.

    An order that was reversed has no cut, one that was turned has one, one of which a column was moved three.
    """
    d, moved = len(order), int((order != np.arange(len(order))).sum())
    cuts = int((np.abs(np.diff(order)) != 1).sum())
    return min(cuts * float(np.log(2 * d)), choice(d, moved) + float(gammaln(moved + 1))) + float(np.log(2))


class ColumnsReordered(Fault):
    """Columns in another order."""

    name = "columns_reordered"
    words = "{columns} are in another order"
    remedy = "Select the columns by name, in the order of training (feature_names_in_)."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the order that fits best: from the present one, from distributions alone, and from the usual ones."""
        d = case.d
        if not 2 <= d <= C.most_ordered or case.n < 3:
            return
        places, own = Places(case), np.arange(d)
        turned = places.misfit[own, (own + own[:, None]) % d].sum(axis=1)  # by as many places
        starts = [own, linear_sum_assignment(places.misfit - 1e-6 * np.eye(d))[1], own[::-1]]
        starts += [np.roll(own, -int(by)) for by in (1, -1, 1 + np.argmin(turned[1:]))]
        orders = {tuple(places.without_needless(places.improved(start)).tolist()) for start in starts}
        # The likeliest pairs, one by one.
        gain = places.gains(own)
        pair = np.triu(gain + gain.T - np.diag(gain)[:, None] - np.diag(gain), 1)
        for at in np.argsort(-pair, axis=None)[: C.pairs_of_order].tolist():
            swapped = own.copy()
            swapped[[at // d, at % d]] = at % d, at // d
            if at // d != at % d and pair.flat[at] > 0:
                orders.add(tuple(swapped.tolist()))
        for order in map(np.array, orders - {tuple(own.tolist())}):
            # Columns that are in their places go together as those of training do.
            if case.together is None or not case.together.tells or case.together.agreement(order) > C.elsewhere:
                yield self._candidate(case, order)

    @staticmethod
    def _candidate(case: Case, order: Any) -> Candidate:
        undone = np.empty_like(case.X)
        undone[:, order] = case.X
        columns = np.flatnonzero(order != np.arange(len(order)))
        swapped = len(columns) == 2
        place = {int(k): int(j) for j, k in enumerate(order) if j != k}
        details = {} if swapped else {"order": [place.get(k, k) for k in range(len(order))]}
        name = "columns_swapped" if swapped else "columns_reordered"
        return Candidate(name, columns, undone, _price(order), details, separable=False)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Turn the order of the columns round."""
        return replaced(X, columns, X[:, columns[::-1]])


class ColumnsSwapped(Fault):
    """Two columns in each other's place: the least of all other orders, which are searched with it."""

    name = "columns_swapped"
    words = "{columns} are swapped"
    remedy = "Select the columns by name, in the order of training (feature_names_in_)."

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Exchange the first two of the columns."""
        return replaced(X, columns[:2], X[:, columns[:2][::-1]])


class ColumnCopied(Fault):
    """A column that has another one's numbers."""

    name = "column_copied"
    words = "{columns} with the same numbers as another column: {copy_of}"
    remedy = "Look for a column that was selected or joined twice, or written over."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the columns that alarm and equal another one, which they did not in training."""
        found: dict[int, dict[str, Any]] = {}
        for j in case.odd[case.varied[case.odd]]:
            same = np.flatnonzero((case.X == case.X[:, [j]]).mean(axis=0) == 1)
            same = same[same != j]
            here = quantiles(case.X[:, [j]], SHARES)[:, 0]
            if len(same) and np.ptp(here) > 0:
                found[int(j)] = {"copy_of": int(same[0])}
        if found:
            columns = np.array(sorted(found))
            undone, told = replaced(case.X, columns, np.nan), np.full(len(columns), np.log(case.d))
            yield Candidate(self.name, columns, undone, told, next(iter(found.values())), found)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Write the next column over one."""
        return replaced(X, columns[:1], X[:, (columns[:1] + 1) % X.shape[1]])
