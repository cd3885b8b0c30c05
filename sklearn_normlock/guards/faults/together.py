"""The rank correlations of a batch, as its columns stand or would stand, beside those of training."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..profiles.dependence import Dependence, rank_scores


class Together:
    """The rank correlations of a batch X (R) against those that were learned (P)."""

    def __init__(self, learned: Dependence, X: Any) -> None:
        scores = rank_scores(X)
        R = scores.T @ scores / len(X)
        self.R, self.P = R - np.diag(np.diag(R)), learned.held
        # Those of training were taken from half its rows. A pair of columns is one observation, not one of each.
        n = 0.5 / (1 / len(X) + 2 / learned.rows)
        # Correlations with many neighbours repeat each other: together they count as about one column's worth.
        self.worth = n / (1.0 + (self.P**2).sum(axis=0).mean())

    def gains(self, order: Any) -> Any:
        """Return what each column would gain in each place, the others standing as in ``order``."""
        return self.worth * (self.R @ self.P[order] - 0.5 * (self.P[order] ** 2).sum(axis=0))

    def score(self, order: Any) -> float:
        """Return how well the correlations fit, all columns standing as in ``order``."""
        return -0.5 * self.worth * float(((self.R - self.P[np.ix_(order, order)]) ** 2).sum())

    def agreement(self) -> float:
        """Return the slope of the batch's correlations on those of training: 1 if they are the same, 0 if unrelated."""
        return float((self.R * self.P).sum() / max(float((self.P**2).sum()), 1e-12))
