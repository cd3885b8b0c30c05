"""Whole rows: their norms, rows that repeat, and vectors of another model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..tests.exact import NORMS, unit_rows, usual_norms
from .base import Candidate, Fault
from .case import Case


def _whole(case: Case, fault: str, undone: Any, cost: float, details: Any, **more: Any) -> Candidate:
    return Candidate(fault, np.arange(case.d), undone, cost, details, whole=True, **more)


def _divided(case: Case) -> tuple[int, Any, Any, Any] | None:
    """Return the norm that the rows of training have, those of the batch, which are 1, and the rows divided by it."""
    usual = usual_norms(case.reference) if case.d > 1 else np.zeros(0)
    if not len(usual) or np.isnan(case.X).any():
        return None
    expected = 1 if 1 in usual else int(usual[0])
    norms, unit, _ = unit_rows(case.X)
    if unit[:, expected].all():
        return None
    length = norms[:, expected]
    return expected, norms, unit, case.X / np.where(length > 0, length, 1.0)[:, None]


class L2Missing(Fault):
    """Rows that had unit length in training and have none now."""

    name = "l2_missing"
    words = "the rows do not have unit length, as they had in training ({norm})"
    remedy = "Normalise each row first."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the rows divided by their norm, if no two lengths are told apart by less."""
        if (found := _divided(case)) is None:
            return
        expected, norms, unit, divided = found
        inside = unit[:, expected].mean()
        off = np.abs(norms[:, expected] - 1) > C.off_norm
        if off.any() and not 0 < inside < 1:
            yield _whole(case, self.name, divided, C.kind + 2.0, {"norm": NORMS[expected]})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Give each row another length."""
        return X * rng.lognormal(1.0, 0.4, len(X))[:, None]


class OneFactor(Fault):
    """Rows of one length that is not 1: the table times a factor."""

    name = "unit_changed"
    words = "{columns} in another unit: {unit}"
    remedy = "Convert back to the unit of training."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the one length that all rows have."""
        if (found := _divided(case)) is None or case.n < 2:
            return
        expected, norms, _, divided = found
        length = norms[norms[:, expected] > 0, expected]
        if len(length) and np.ptp(length) < 1e-3 * length.mean() and abs(length.mean() - 1) > C.off_norm:
            factor = float(length.mean())
            yield _whole(case, self.name, divided, C.kind, {"factor": factor, "offset": 0.0, "unit": f"×{factor:.6g}"})


class OtherNorm(Fault):
    """Rows that have unit length by another norm."""

    name = "other_norm"
    words = "the rows are normalised by another norm ({norm}) than in training ({expected})"
    remedy = "Use the norm of training."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the norm that is 1 in every row."""
        if (found := _divided(case)) is None:
            return
        expected, _, unit, divided = found
        for k in range(len(NORMS)):
            if k != expected and unit[:, k].all():
                details = {"norm": NORMS[k], "expected": NORMS[expected]}
                yield _whole(case, self.name, divided, C.kind, details)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Divide by the sum of absolute values."""
        return X / np.maximum(np.abs(X).sum(axis=1), 1e-300)[:, None]


class MixedNorms(Fault):
    """Some rows of unit length among others."""

    name = "mixed_norms"
    words = "{share} of the rows have unit length and the others have not: rows from two sources"
    remedy = "Normalise all rows in the same way; rebuild an index that holds both kinds."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the rows divided by their norm; or, where training had other lengths, the rows that have them."""
        if case.d < 2 or case.n < 2 or np.isnan(case.X).any():
            return
        if (found := _divided(case)) is not None:
            expected, norms, unit, divided = found
            inside = float(unit[:, expected].mean())
            if 0 < inside < 1 and (np.abs(norms[:, expected] - 1) > C.off_norm).any():
                yield _whole(case, self.name, divided, C.kind, {"share": f"{inside:.0%}", "fraction": inside})
            return
        norms, unit, _ = unit_rows(case.X)
        one = unit[:, 1] & (norms[:, 1] > 0)
        share = float(one.mean())
        if case.n >= 8 and case.reference.profile.unit[1] < 0.01 and 3 <= one.sum() < case.n:
            undone = np.where(one[:, None], np.nan, case.X)
            yield _whole(case, self.name, undone, C.kind, {"share": f"{share:.0%}", "fraction": share})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Normalise half of the rows."""
        out = X.copy()
        out[::2] /= np.maximum(np.linalg.norm(out[::2], axis=1), 1e-300)[:, None]
        return out


class L2Extra(Fault):
    """Rows of unit length, which those of training had not."""

    name = "l2_extra"
    words = "every row has unit length ({norm}), which it had not in training"
    remedy = "Leave out the Normalizer."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the norm that is 1 in every row. The lengths are lost, so that nothing is left to test."""
        if case.d < 2 or np.isnan(case.X).any() or len(usual_norms(case.reference)):
            return
        _, unit, by_chance = unit_rows(case.X)
        for k in (1, 0, 2):
            certain = unit[:, k].mean() > 0.5 and (unit | by_chance)[:, k].all()
            if certain and case.reference.profile.unit[k] < 0.5 and case.X.any(axis=1).all():
                yield _whole(case, self.name, np.full_like(case.X, np.nan), 0.0, {"norm": NORMS[k]})
                return

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Normalise each row."""
        return X / np.maximum(np.linalg.norm(X, axis=1), 1e-300)[:, None]


class RowsRepeated(Fault):
    """Rows that are there several times."""

    name = "rows_repeated"
    words = "{share} of the rows repeat another row to the last digit"
    remedy = "Look for a join that multiplies rows, or a request that is sent twice."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield each different row once."""
        if case.n < 4:
            return
        _, first = np.unique(case.X, axis=0, return_index=True)
        share = 1 - len(first) / case.n
        if share > 0 and len(first) > 1:
            undone = case.X[np.sort(first)]
            yield _whole(case, self.name, undone, C.kind + 2.0, {"share": f"{share:.0%}", "fraction": share})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Give a tenth of the rows ten times."""
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
        """Yield it if directions are unrelated; nothing is left to test."""
        if not case.state.unit or case.together is None or case.d < 8:
            return
        mean, was = np.nanmean(case.X, axis=0), case.reference.mean
        length = np.linalg.norm(mean) * np.linalg.norm(was)
        told = (case.together.P**2).sum() > 0.1 * case.d
        elsewhere = np.linalg.norm(was) > 0.2 and length > 0 and abs(mean @ was) / length < 0.5
        unrelated = told and abs(case.together.agreement()) < 0.2
        if unit_rows(case.X)[1][:, 1].all() and len(case.odd) > C.many * case.d and unrelated and elsewhere:
            yield _whole(case, self.name, np.full_like(case.X, np.nan), 50.0, {})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Turn the space at random."""
        return X @ np.linalg.qr(rng.normal(size=(X.shape[1], X.shape[1])))[0]
