"""Which columns go together: what a swap, a permutation or a flipped sign of standardised columns can be seen by.

Nothing that is done to a single column moves its ranks within a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import rankdata
from sklearn.utils.extmath import randomized_svd

from ..calibration import CALIBRATION as C


@dataclass
class Dependence:
    """``factor`` (n_columns, rank); slope of a column on what the others tell: mean, and deviation times root of n."""

    factor: Any
    rows: int
    expected: Any
    spread: Any

    def __post_init__(self) -> None:
        # As precise as it is stored, so that a profile says the same before and after.
        self.factor = np.asarray(self.factor, np.float16).astype(np.float64)
        self.expected, self.spread = (np.float64(np.float32(each)) for each in (self.expected, self.spread))
        # The part of each column's variance that the factor has.
        self._own = np.einsum("ij,ij->i", self.factor, self.factor)
        # By Woodbury's identity, the inverse of the shrunk correlation is a diagonal less a product of two factors. No
        # matrix of all columns is inverted.
        part = min(0.5, max(C.least_shrinkage, 2.0 * len(self.factor) / self.rows))
        diagonal = 1 / ((1 - part) * np.maximum(1 - self._own, 0.0) + part)
        factor = np.sqrt(1 - part) * self.factor
        right = factor * diagonal[:, None]
        self._left = right @ np.linalg.inv(np.eye(factor.shape[1]) + factor.T @ right)
        inverse = diagonal - np.einsum("ij,ij->i", self._left, right)
        self._right, self._not_own = right / inverse[:, None], 1 - diagonal / inverse

    def informative(self) -> Any:
        """Return the columns whose squared correlations with the others are more than chance among so many."""
        strength = ((self.factor @ (self.factor.T @ self.factor)) * self.factor).sum(axis=1) - self._own**2
        return strength > C.least_strength + 2.0 * len(self.factor) / self.rows

    def told(self, scores: Any) -> Any:
        """Return what a regression on all the others tells of each column."""
        return scores * self._not_own + (scores @ self._left) @ self._right.T

    def agreement(self, scores: Any) -> Any:
        """Return the slope of each column on what the others tell: 1 if a batch goes together as the profile does."""
        told = self.told(scores)
        product, strength = (scores * told).sum(axis=0), (told**2).sum(axis=0)
        return np.divide(product, strength, out=np.ones_like(product), where=strength > 0)

    @cached_property
    def held(self) -> Any:
        """The rank correlations of different columns, as far as they were there again in the other half of the rows.

        For independent columns, all that was learned is chance.
        """
        P = np.clip(self.factor @ self.factor.T, -1.0, 1.0)
        np.fill_diagonal(P, 0.0)
        strength, by_chance = (P**2).sum(axis=1), 2 * len(P) / self.rows
        held = np.minimum(1 - by_chance / np.maximum(strength, by_chance), np.clip(self.expected, 0.0, 1.0))
        return P * np.sqrt(np.outer(held, held))

    def merge(self, other: Dependence) -> Dependence:
        """Return the weighted mean of both."""
        rows = self.rows + other.rows
        a, b = self.rows / rows, other.rows / rows
        expected = a * self.expected + b * other.expected
        factor = _low_rank(np.hstack([np.sqrt(a) * self.factor, np.sqrt(b) * other.factor]))
        # Where the parts expect different things, the difference is spread too.
        spread = a * self.spread + b * other.spread + np.abs(self.expected - other.expected)
        return Dependence(factor, rows, expected, spread)


def rank_scores(X: Any) -> Any:
    """Return ranks within a batch, centred; uniform ones have variance 1. Missing values are 0.

    Columns of few values have less: a rare 1 among zeros must not outweigh what is told by many.
    """
    ranks, count = rankdata(X, axis=0, nan_policy="omit"), np.maximum((~np.isnan(X)).sum(axis=0), 1)
    return np.nan_to_num((ranks - (count + 1) / 2) * (np.sqrt(12) / count))


def dependence_of(X: Any) -> Dependence | None:
    """Return the dependence between the columns of X of shape (n_rows, n_columns), or None if it can't be told."""
    n, d = X.shape
    if n < C.rows_of_ranks or d < 2:
        return None
    order = np.random.default_rng(0).permutation(n)
    half = n // 2
    found = Dependence(_low_rank(rank_scores(X[order[:half]]).T / np.sqrt(half)), n, np.ones(d), np.ones(d))
    scores = rank_scores(X[order[half:]])
    told, slope = found.told(scores), found.agreement(scores)
    strength, most = np.maximum((told**2).mean(axis=0), C.smallest_step), np.abs(told).max(axis=0)
    # Each row's part in the slope: its deviation holds where the spread is not the same everywhere (Huber, White). One
    # row more is as far off as ranks can be, as such rows may be too rare for training.
    parts = np.vstack([told * (scores - slope * told), most * (np.sqrt(3) + np.abs(slope) * most)]) / strength
    return Dependence(found.factor, n, slope, C.wider_in_few * np.sqrt((parts**2).sum(axis=0) / len(scores)))


def _low_rank(wide: Any) -> Any:
    """Return F of at most C.rank columns with F Fᵀ nearest to W Wᵀ."""
    vectors, sizes, _ = randomized_svd(wide, min(C.rank, *wide.shape), random_state=0)
    return vectors * sizes
