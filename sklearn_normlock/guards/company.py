"""The company that columns keep: the rank correlations of a batch, as its columns stand or would stand."""

from __future__ import annotations

from typing import Any

import numpy as np

from .profiles.dependence import Dependence, rank_scores

#: Correlations agree with what was learned if so much of it is there again.
AGREES = 0.5
#: How much less of what was learned the correlations of moved columns agree with than those of columns that stay.
_IN_PLACE = 0.75


class Company:
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
        cross = self.R @ self.P[order]
        return self.worth * (cross - 0.5 * (self.P[order] ** 2).sum(axis=0))

    def score(self, order: Any) -> Any:
        """Return of each column how well its correlations fit, all columns standing as in ``order``."""
        expected = self.P[np.ix_(order, order)]
        return -0.5 * self.worth * ((self.R - expected) ** 2).sum(axis=1)

    def agreement(self, order: Any, columns: Any = slice(None)) -> float:
        """Return how far the correlations of columns are those expected (a median), all standing as in ``order``."""
        expected = self.P[np.ix_(order, order)]
        agree, usual = (self.R * expected).sum(axis=1)[columns], (expected**2).sum(axis=1)[columns]
        told = usual > 0
        return float(np.median(agree[told] / usual[told])) if told.any() else 0.0

    def fits_in(self, order: Any, moved: Any) -> bool:
        """Return whether moved columns go together with the others about as those do that stay, if these do at all."""
        rest = self.agreement(order, np.setdiff1d(order, moved))
        return rest < AGREES or self.agreement(order, moved) >= _IN_PLACE * rest

    def restored_by(self, order: Any) -> bool:
        """Return whether columns go together as they did in an order, and do not as they stand."""
        return self.agreement(order) >= AGREES > self.agreement(np.arange(len(order)))

    def turned(self, signs: Any) -> Any:
        """Return what :meth:`score` does of columns that stay where they are, some of them negated."""
        return -0.5 * self.worth * ((self.R - signs[:, None] * signs * self.P) ** 2).sum(axis=1)
