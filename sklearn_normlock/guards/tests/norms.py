"""Rows of unit length: normalised, not normalised, by another norm, or a mixture of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..profiles.rows import UNIT, row_measures
from .reference import Reference

if TYPE_CHECKING:
    from ..side import Side

NORMS = ("l1", "l2", "max")
#: So many rows of training have unit length, if it is to be expected of others; and what coarser numbers make of a
#: length is no other one.
USUAL, OFF = 0.99, 0.01


@dataclass
class NormVerdict:
    """A fault of the rows' norms, and the batch with it undone (None if it can't be)."""

    fault: str
    details: dict[str, Any]
    undone: Any = None


def unit_rows(X: Any, norms: Any = None) -> tuple[Any, Any, Any]:
    """Return the norms of each row, (n_rows, 3), which of them are 1, and which may be so by chance.

    A row of zeros counts as normalised, one of round numbers as one that may be. ``norms``: the first, if it is known.
    """
    if norms is None:
        norms = row_measures(X, np.zeros(X.shape[1]), np.ones(X.shape[1]))[:, 1:]
    slack = max(UNIT, 3e-7 * np.sqrt(X.shape[1]))
    unit = np.abs(norms - 1) <= slack
    # Round numbers may have a round norm by chance.
    some, by_chance = unit.any(axis=1), np.zeros_like(unit)
    if some.any():
        round_ = np.zeros(len(X), bool)
        round_[some] = (np.abs(X[some] * 100 - np.rint(X[some] * 100)) < 1e-6).all(axis=1)
        by_chance = unit & round_[:, None]
        unit &= ~by_chance
    return norms, unit | (norms == 0), by_chance


def norm_fault(reference: Reference, side: Side, X: Any, rejected: Any) -> NormVerdict | None:
    """Return what has happened to the rows' norms, if their norms are what a profile of unit rows says, or deny it.

    Parameters
    ----------
    reference : Reference
        What to compare with.
    side : Side
        Which side of a scaler the profile is of.
    X : ndarray of shape (n_rows, n_columns)
        The batch, which has been found to differ.
    rejected : callable
        Takes a batch; returns whether it differs from the profile.

    Returns
    -------
    verdict : NormVerdict or None
        None if the norms are not at fault.
    """
    if X.shape[1] < 2:
        return None
    share = reference.profile.unit
    norms, unit, by_chance = unit_rows(X)
    now = unit.mean(axis=0)
    usual = usual_norms(reference)
    nonzero = norms[:, 1] > 0
    if not nonzero.any():
        return None
    if len(usual):
        expected = int(usual[0]) if 1 not in usual else 1
        if now[expected] == 1:
            return None
        for name, centre, scale in side.scalers():
            # Of unit length once a scaler is undone: that can't be chance.
            if unit_rows(X * scale + centre)[1][:, expected].all():
                return NormVerdict(side.fault_of(name), {"scaler": name})
        divided = _divided(X, norms[:, expected])
        off = np.abs(norms[:, expected] - 1) > OFF
        others = [k for k in range(3) if k != expected and now[k] == 1]
        if others:
            return NormVerdict("other_norm", {"norm": NORMS[others[0]], "expected": NORMS[expected]}, divided)
        if not off.any() or rejected(divided):
            return None  # that their length is wrong is not all
        # Not one length but another: all values by one factor.
        spread = np.ptp(norms[nonzero, expected]) / norms[nonzero, expected].mean()
        if nonzero.sum() > 1 and spread < 1e-3:
            factor = float(norms[nonzero, expected].mean())
            return NormVerdict("unit_changed", {"factor": factor, "offset": 0.0, "unit": f"×{factor:.6g}"}, divided)
        inside = float(unit[:, expected].mean())
        if 0 < inside < 1 and len(X) > 1:
            return NormVerdict("mixed_norms", {"share": f"{inside:.0%}", "fraction": inside}, divided)
        return NormVerdict("l2_missing", {"norm": NORMS[expected]}, divided)
    for k in (1, 0, 2):
        if now[k] > 0.5 and (unit | by_chance)[:, k].all() and share[k] < 0.5:
            return NormVerdict("l2_extra", {"norm": NORMS[k]})
    k = 1
    count = int((unit[:, k] & nonzero).sum())
    if len(X) >= 8 and share[k] < 0.01 and max(3, 0.03 * len(X)) <= count < len(X):
        return NormVerdict("mixed_norms", {"share": f"{now[k]:.0%}", "fraction": float(now[k])})
    return None


def usual_norms(reference: Reference) -> Any:
    """Return the norms that are 1 in (nearly) every row of training because the rows were normalised so."""
    usual = reference.profile.unit >= USUAL
    return np.flatnonzero(usual & [True, True, not (usual[2] and _indicates(reference))])


def _indicates(reference: Reference) -> bool:
    """Tell whether columns have a 1 (or a -1) that many rows share: then it's these that are the largest of a row."""
    found = [np.abs(np.abs(reference.atoms(j)) - 1) < UNIT for j in range(reference.columns)]
    return any(reference.masses(j)[one].sum() > 0.01 for j, one in enumerate(found))


def _divided(X: Any, norms: Any) -> Any:
    return X / np.where(norms > 0, norms, 1.0)[:, None]
