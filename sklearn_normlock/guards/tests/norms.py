"""Rows of unit length: normalised, not normalised, by another norm, or a mixture of both."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..profiles.rows import UNIT, row_measures
from .reference import Reference

NORMS = ("l1", "l2", "max")
#: So many rows of training have unit length, if it is to be expected of others; and what coarser numbers make of a
#: length is no other one.
USUAL, OFF = 0.99, 0.01


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


def usual_norms(reference: Reference) -> Any:
    """Return the norms that are 1 in (nearly) every row of training because the rows were normalised so."""
    usual = reference.profile.unit >= USUAL
    return np.flatnonzero(usual & [True, True, not (usual[2] and _indicates(reference))])


def _indicates(reference: Reference) -> bool:
    """Tell whether columns have a 1 (or a -1) that many rows share: then it's these that are the largest of a row."""
    found = [np.abs(np.abs(reference.atoms(j)) - 1) < UNIT for j in range(reference.columns)]
    return any(reference.masses(j)[one].sum() > 0.01 for j, one in enumerate(found))
