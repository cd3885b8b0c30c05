"""A column that holds the numbers of another: selected twice, joined wrongly, or written over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .faults.words import COPIED
from .hypotheses import ENOUGH, Hypothesis, Search

#: What it counts that two columns have the same number to the last digit: of each number, once.
_EACH, _PRICE = 10.0, 3.0


def copies(search: Search, flagged: Any) -> Iterator[Hypothesis]:
    """Yield that columns which look odd are others, row by row, of which training's were no copies."""
    fit, X = search.fit, search.X
    gain, undone = np.zeros(fit.columns), X.copy()
    facts: dict[int, dict[str, Any]] = {}
    moments = fit.reference.profile.moments
    of_training = np.stack([moments.mean, moments.low, moments.high])
    for j in sorted(np.flatnonzero(np.isin(np.arange(fit.columns), flagged)), key=lambda j: search.clean[j]):
        _, counts = np.unique(X[~np.isnan(X[:, j]), j], return_counts=True)
        if not fit.varied[j] or len(counts) < ENOUGH or counts.max() > 0.5 * len(X):
            continue  # so few values may well be the same in two columns
        same = ((X == X[:, [j]]) | (np.isnan(X) & np.isnan(X[:, [j]]))).all(axis=0)
        # Two columns of which training says the same may have been copies there.
        same &= (of_training != of_training[:, [j]]).any(axis=0)
        same[list(facts)] = False  # of a pair the one that fits worse is the copy
        if same.any():
            facts[int(j)] = {"copy_of": fit.reference.profile.column_name(int(np.flatnonzero(same)[0]))}
            lost = len(X) * float(fit.density.usual[j] * fit.weight[j]) - search.clean[j]
            gain[j] = max(lost, 0.0) + _EACH * len(counts)
            undone[:, j] = np.nan
    if facts:
        yield Hypothesis("unknown", gain, _PRICE, details={"reason": COPIED}, of_columns=facts, undone=undone)
