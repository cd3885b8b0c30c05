"""Rows of other lengths than in training, or that repeat, and vectors of another model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..tests.exact import NORMS, unit_rows
from .base import FAULTS, Candidate, Fault
from .case import Case
from .scale import UnitChanged


def _whole(case: Case, fault: str, undone: Any, numbers: Any = 0.0, **details: Any) -> Candidate:
    return Candidate(fault, np.flatnonzero(case.varied), undone, numbers, details, whole=True)


class L2Missing(Fault):
    """Rows that had unit length in training and have not, or by another norm; and what else lengths may say.

    One length of all rows is a factor of the whole table. Some rows of unit length are rows of two sources. Otherwise
    no more is told than that each row has a length of its own.
    """

    name = "l2_missing"
    words = "the rows do not have unit length, as they had in training ({norm})"
    remedy = "Normalise each row first."

    def propose(self, case: Case) -> Iterator[Candidate]:
        usual = case.reference.usual_norms
        if case.d < 2 or not len(usual) or np.isnan(case.X).any():
            return
        expected = 1 if 1 in usual else int(usual[0])
        norms, unit, _ = unit_rows(case.X)
        length = norms[:, expected]
        divided = case.X / np.where(length > 0, length, 1.0)[:, None]
        inside, off = float(unit[:, expected].mean()), (np.abs(length - 1) > C.off_norm).any()
        some = length[length > 0]
        for k in np.flatnonzero(unit.all(axis=0)):
            if inside < 1:
                yield _whole(case, OtherNorm.name, divided, norm=NORMS[k], expected=NORMS[expected])
        if len(some) > 1 and np.ptp(some) < C.same_length * some.mean() and abs(some.mean() - 1) > C.off_norm:
            factor = float(some.mean())
            yield _whole(case, UnitChanged.name, divided, factor=factor, offset=0.0, unit=f"×{factor:.6g}")
        if off and C.least_run / case.n <= inside < 1:  # (A single row may have length 1 by itself.)
            yield _whole(case, MixedNorms.name, divided, share=f"{inside:.0%}", fraction=inside)
        elif off:
            yield _whole(case, self.name, divided, C.usual_value, norm=NORMS[expected])

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X * rng.lognormal(1.0, C.injected_lengths, len(X))[:, None]


class OtherNorm(Fault):
    """Rows that have unit length by another norm; found with missing lengths."""

    name = "other_norm"
    words = "the rows are normalised by another norm ({norm}) than in training ({expected})"
    remedy = "Use the norm of training."

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X / np.maximum(np.abs(X).sum(axis=1), C.smallest_step)[:, None]


class L2Extra(Fault):
    """Rows of unit length, which those of training had not, all of them or some; their own lengths are lost."""

    name = "l2_extra"
    words = "every row has unit length ({norm}), which it had not in training"
    remedy = "Leave out the Normalizer."

    def propose(self, case: Case) -> Iterator[Candidate]:
        if case.d < 2 or np.isnan(case.X).any() or len(case.reference.usual_norms):
            return
        norms, unit, by_chance = unit_rows(case.X)
        seldom = case.reference.profile.unit < 0.5
        for k in (1, 0, 2):
            if seldom[k] and unit[:, k].mean() > 0.5 and (unit | by_chance)[:, k].all() and norms.all():
                yield _whole(case, self.name, np.full_like(case.X, np.nan), norm=NORMS[k])
                return
        one = unit[:, 1] & (norms[:, 1] > 0)
        if seldom[1] and case.n >= C.few / 2 and C.least_run <= one.sum() < case.n:
            undone, share = np.where(one[:, None], np.nan, case.X), float(one.mean())
            yield _whole(case, MixedNorms.name, undone, share=f"{share:.0%}", fraction=share)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X / np.maximum(np.linalg.norm(X, axis=1), C.smallest_step)[:, None]


class MixedNorms(Fault):
    """Some rows of unit length among others; found with missing and with needless lengths."""

    name = "mixed_norms"
    words = "{share} of the rows have unit length and the others have not: rows from two sources"
    remedy = "Normalise all rows in the same way; rebuild an index that holds both kinds."

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return np.concatenate([X[::2], FAULTS[L2Extra.name].inject(profile, X[1::2], columns, rng)])


class RowsRepeated(Fault):
    """Rows that are there several times; each different row is tested once."""

    name = "rows_repeated"
    words = "{share} of the rows repeat another row to the last digit"
    remedy = "Look for a join that multiplies rows, or a request that is sent twice."

    def propose(self, case: Case) -> Iterator[Candidate]:
        copies = case.evidence.log_p.get("copies")
        if case.reference.profile.copies > 0 and copies is not None and copies.min() > C.log_leaning:
            return  # rows of training repeat as often
        _, first = np.unique(np.where(np.isnan(case.X), np.inf, case.X), axis=0, return_index=True)
        share = 1 - len(first) / case.n
        if case.d > 1 and share > 0 and len(first) > 1 and case.n > C.least_run:
            yield _whole(case, self.name, case.X[np.sort(first)], share=f"{share:.0%}", fraction=share)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return np.repeat(X[: max(1, len(X) // 10)], 10, axis=0)[: len(X)]


class OtherModel(Fault):
    """Vectors of another model: the same width and length, but directions that have nothing to do with training's.

    No inverse is known. It is told of unit vectors only, if no order undoes it, nearly all columns differ, the mean
    points elsewhere, and columns no longer go together as they did.
    """

    name = "other_model"
    words = "vectors of the same width and length, whose directions are not those of training: another model"
    remedy = "Embed with the model of training; rebuild an index that holds vectors of both."

    def propose(self, case: Case) -> Iterator[Candidate]:
        if case.kind != "unit" or case.together is None or case.d < C.least_width:
            return
        mean, was = np.nanmean(case.X, axis=0), case.reference.mean
        length = np.linalg.norm(mean) * np.linalg.norm(was)
        elsewhere = np.linalg.norm(was) > C.unrelated and length > 0 and abs(mean @ was) / length < C.elsewhere
        unrelated = abs(case.together.agreement()[0]) < C.unrelated
        if unit_rows(case.X)[1][:, 1].all() and len(case.odd) > C.many * case.d and unrelated and elsewhere:
            # Nothing is undone: half of what no name costs, or explains, is dearer than any order.
            price = 0.5 * min(case.untold, case.oddness(case.columns))
            yield _whole(case, self.name, np.full_like(case.X, np.nan), price)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X @ np.linalg.qr(rng.normal(size=(X.shape[1], X.shape[1])))[0]
