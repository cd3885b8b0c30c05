"""Faults of a whole table: columns in another order, rows of other lengths or repeated, vectors of another model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import gammaln

from ..calibration import CALIBRATION as C
from ..tests.columns import NORMS, unit_rows
from .base import FAULTS, Candidate, Fault, of_table
from .case import SHARES, Case, choice, replaced
from .scale import UnitChanged


class Places:
    """How well each column of a batch fits each place of training; an order holds the place of each column."""

    def __init__(self, case: Case) -> None:
        self.together, self.own = case.together, np.arange(case.d)
        X = np.sort(case.X, axis=0)[np.rint((case.n - 1) * SHARES).astype(int)]
        known, std = case.reference.known[: case.d], case.reference.std
        # Values that many rows share have no width: the least of all.
        width = np.where(case.reference.few[: case.d] | ~case.varied, std[case.varied].min(), std)
        likely = np.zeros((case.d, *X.shape))  # (n_places, n_values, n_columns)
        for k in np.flatnonzero(known).tolist():
            likely[k] = case.density(k, X) / width[k]
        off = np.log(np.fmax(likely / likely.max(axis=0), np.exp(C.log_unseen)))
        misfit = -off.mean(axis=1).T * case.n / (1 + case.n / case.reference.rows[: case.d])
        #: The misfit of each column in each place, in nats; a place that is not its own costs log d more.
        self.misfit = np.minimum(misfit - misfit.min(axis=1, keepdims=True), C.most_misplaced)
        self.misfit += np.log(case.d) * (1 - np.eye(case.d))
        # A column stays where no number belongs, as in that of text.
        self.misfit[:, ~known] = self.misfit[~known] = np.inf
        self.misfit[~known, ~known] = 0.0

    def score(self, order: Any) -> float:
        return (self.together.score(order) if self.together else 0.0) - float(self.misfit[self.own, order].sum())

    def gains(self, order: Any) -> Any:
        """Return what each column would gain in each place, the others standing as they do."""
        return (self.together.gains(order) if self.together else 0.0) - self.misfit

    def improved(self, order: Any) -> Any:
        """Return a better order near one: each round is the best assignment for the others of the last one."""
        for _ in range(C.rounds_of_order):
            new = linear_sum_assignment(-self.gains(order))[1]
            if self.score(new) <= self.score(order) + 1e-9:
                break
            order = new
        return order


class ColumnsReordered(Fault, name="columns_reordered"):
    """Columns in another order: the one that fits best, a usual one, and the likeliest exchanges of two."""

    words = "{columns} are in another order"
    remedy = "Select the columns by name, in the order of training (feature_names_in_)."

    def propose(self, case: Case) -> Iterator[Candidate]:
        d = case.d
        if not 2 <= d <= C.most_ordered or case.n < 3 or not case.varied.any():
            return
        places = Places(case)
        own = places.own
        turned = places.misfit[own, (own + own[:, None]) % d].sum(axis=1)  # by as many places
        usual = [own[::-1], *(np.roll(own, -by) for by in (1, -1, 1 + int(turned[1:].argmin())))]
        found = [places.improved(start) for start in (own, linear_sum_assignment(places.misfit)[1])]
        gain = places.gains(own)
        pair = np.triu(gain + gain.T - np.diag(gain)[:, None] - np.diag(gain), 1)
        likeliest = np.unravel_index(np.argsort(-pair, axis=None)[: C.pairs_of_order], pair.shape)
        exchanged = [replaced(own, [j, k], [k, j]) for j, k in zip(*likeliest, strict=True)]
        for order in np.unique([*usual, *found, *exchanged], axis=0):
            better = places.score(order) > places.score(own)
            if better and (case.together is None or sum(case.together.agreement(order)) > C.in_place):
                columns, back = np.flatnonzero(order != own), np.argsort(order)
                price = choice(d, len(columns)) + float(gammaln(len(columns) + 1))
                fault, told = (ColumnsSwapped.name, {}) if len(columns) == 2 else (self.name, {"order": back.tolist()})
                yield Candidate(fault, columns, case.X[:, back], price, told, separable=False)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:, columns[::-1]])


class ColumnsSwapped(Fault, name="columns_swapped"):
    """Two columns in each other's place: the least of all other orders, which are searched with it."""

    words = "{columns} are swapped"
    remedy = "Select the columns by name, in the order of training (feature_names_in_)."

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns[:2], X[:, columns[:2][::-1]])


class L2Missing(Fault, name="l2_missing"):
    """Rows that had unit length in training and have not: by another norm, by a factor, some of them, or all."""

    words = "the rows do not have unit length, as they had in training ({norm})"
    remedy = "Normalise each row first."

    def propose(self, case: Case) -> Iterator[Candidate]:
        usual = case.reference.usual_norms
        if case.d < 2 or not len(usual) or np.isnan(case.X).any():
            return
        expected, (norms, unit, _) = usual[-1], unit_rows(case.X)
        length, share = norms[:, expected], float(unit[:, expected].mean())
        if (np.abs(length - 1) <= C.off_norm).all():
            return
        some, undone = length[length > 0], case.X / np.where(length > 0, length, 1.0)[:, None]
        for k in np.flatnonzero(unit.all(axis=0)):
            yield of_table(case, OtherNorm.name, undone, norm=NORMS[k], expected=NORMS[expected])
        if len(some) > 1 and np.ptp(some) < C.same_length * some.mean():
            factor = float(some.mean())
            yield of_table(case, UnitChanged.name, undone, factor=factor, offset=0.0, unit=f"×{factor:.6g}")
        if C.least_run / case.n <= share < 1:
            yield of_table(case, MixedNorms.name, undone, share=f"{share:.0%}", fraction=share)
        else:
            yield of_table(case, self.name, undone, C.usual_value, norm=NORMS[expected])

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X * rng.uniform(*C.injected_factor, len(X))[:, None]


class OtherNorm(Fault, name="other_norm"):
    """Rows that have unit length by another norm; found with missing lengths."""

    words = "the rows are normalised by another norm ({norm}) than in training ({expected})"
    remedy = "Use the norm of training."

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X / np.maximum(np.abs(X).sum(axis=1), C.smallest_step)[:, None]


class L2Extra(Fault, name="l2_extra"):
    """Rows of unit length, which those of training had not, all of them or some; their own lengths are lost."""

    words = "every row has unit length ({norm}), which it had not in training"
    remedy = "Leave out the Normalizer."

    def propose(self, case: Case) -> Iterator[Candidate]:
        if case.d < 2 or np.isnan(case.X).any() or len(case.reference.usual_norms):
            return
        norms, unit, by_chance = unit_rows(case.X)
        unit &= norms > 0
        for k in np.flatnonzero(case.reference.profile.unit[:2] < 0.5):
            share = float(unit[:, k].mean())
            if share > 0.5 and (unit | by_chance)[:, k].all():
                yield of_table(case, self.name, np.full_like(case.X, np.nan), norm=NORMS[k])
            elif C.least_run / case.n <= share < 1:  # (A single row may have length 1 by itself.)
                undone = np.where(unit[:, [k]], np.nan, case.X)
                yield of_table(case, MixedNorms.name, undone, share=f"{share:.0%}", fraction=share)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X / np.maximum(np.linalg.norm(X, axis=1), C.smallest_step)[:, None]


class MixedNorms(Fault, name="mixed_norms"):
    """Some rows of unit length among others; found with missing and with needless lengths."""

    words = "{share} of the rows have unit length and the others have not: rows from two sources"
    remedy = "Normalise all rows in the same way; rebuild an index that holds both kinds."

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return np.concatenate([X[::2], FAULTS[L2Extra.name].inject(profile, X[1::2], columns, rng)])


class RowsRepeated(Fault, name="rows_repeated"):
    """Rows that are there several times; each different row is tested once."""

    words = "{share} of the rows repeat another row to the last digit"
    remedy = "Look for a join that multiplies rows, or a request that is sent twice."

    def propose(self, case: Case) -> Iterator[Candidate]:
        copies = case.evidence.log_p.get("copies", np.zeros(1))
        # Or else rows of training repeat as often.
        odd = case.reference.profile.copies == 0 or copies.min() <= C.log_leaning
        _, first = np.unique(np.where(np.isnan(case.X), np.inf, case.X), axis=0, return_index=True)
        share = 1 - len(first) / case.n
        if odd and case.d > 1 and 1 < len(first) < case.n:
            yield of_table(case, self.name, case.X[np.sort(first)], share=f"{share:.0%}", fraction=share)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return np.repeat(X[: max(1, len(X) // 10)], 10, axis=0)[: len(X)]


class OtherModel(Fault, name="other_model"):
    """Unit vectors that point elsewhere, and no longer go together; no inverse is known, and an order is told first."""

    words = "vectors of the same width and length, whose directions are not those of training: another model"
    remedy = "Embed with the model of training; rebuild an index that holds vectors of both."

    def propose(self, case: Case) -> Iterator[Candidate]:
        if case.kind != "unit" or case.together is None or case.d < C.least_width:
            return
        mean, was = case.X.mean(axis=0), case.reference.mean
        size = np.linalg.norm(was)
        elsewhere = size > C.unrelated and abs(mean @ was) < C.elsewhere * size * np.linalg.norm(mean)
        unrelated = abs(case.together.agreement()[0]) < C.unrelated
        if unit_rows(case.X)[1][:, 1].all() and len(case.odd) > C.many * case.d and unrelated and elsewhere:
            # Nothing is undone: half of what no name costs, or explains, is dearer than any order.
            price = 0.5 * min(case.untold, case.oddness(case.columns))
            yield of_table(case, self.name, np.full_like(case.X, np.nan), price)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X @ np.linalg.qr(rng.normal(size=(X.shape[1], X.shape[1])))[0]
