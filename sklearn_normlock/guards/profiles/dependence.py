"""Which columns go together: what a swap, a permutation or a flipped sign of standardised columns can be seen by.

Kept is a low-rank factor of the rank correlation (Spearman's), taken on one half of the rows, and how well the other
half agrees with it. Ranks are taken within each batch, so nothing that is done to a single column (a shift, a unit, a
logarithm) moves them: the margins and the dependence are separate evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.stats import rankdata

from ...documents.entries import Entry, packed
from ..calibration import CALIBRATION as C

_ROOT_12 = float(np.sqrt(12))


@dataclass
class Dependence:
    """``factor`` (n_columns, rank); agreement of a column with its neighbours: mean, and deviation times root of n."""

    factor: Any
    rows: int
    expected: Any
    spread: Any

    def __post_init__(self) -> None:
        # As precise as it is stored, so that a profile says the same before and after.
        self.factor = np.asarray(self.factor, np.float16).astype(np.float64)
        self.expected = np.asarray(self.expected, np.float32).astype(np.float64)
        self.spread = np.asarray(self.spread, np.float32).astype(np.float64)

    def neighbours(self, scores: Any) -> Any:
        """Return what each column's neighbours say of it: scores times correlation, without the column itself."""
        own = np.einsum("ij,ij->i", self.factor, self.factor)
        return (scores @ self.factor) @ self.factor.T - scores * own

    def strength(self) -> Any:
        """Return of each column the sum of its squared correlations with the others."""
        own = np.einsum("ij,ij->i", self.factor, self.factor)
        gram = self.factor.T @ self.factor
        return np.einsum("ij,jk,ik->i", self.factor, gram, self.factor) - own**2

    def correlation(self, columns: Any = slice(None)) -> Any:
        """Return the rank correlation among some columns, as far as the factor has it."""
        R = np.clip(self.factor[columns] @ self.factor[columns].T, -1.0, 1.0)
        np.fill_diagonal(R, 1.0)
        return R

    def informative(self) -> Any:
        """Return the columns whose neighbours say more of them than chance among so many columns."""
        return self.strength() > C.least_strength + 2.0 * len(self.factor) / self.rows

    def agreement(self, scores: Any) -> Any:
        """Return of each column how far a batch goes together as the profile does; 1 is exactly so."""
        if self.tells:
            # The slope of a column on what the others tell of it, not on each other.
            told = scores - scores @ self.weights
            product, strength = np.einsum("ij,ij->j", scores, told), np.einsum("ij,ij->j", told, told)
        else:
            product = np.einsum("ij,ij->j", scores, self.neighbours(scores)) / len(scores)
            strength = self.strength()
        return np.divide(product, strength, out=np.ones_like(product), where=strength > 0)

    @property
    def tells(self) -> bool:
        """Whether there were rows enough to tell a column from the others by a regression."""
        d = len(self.factor)
        return d <= C.columns_regressed and self.rows >= 2 * C.rows_per_column * d

    @cached_property
    def weights(self) -> Any:
        """The inverse of the correlation, shrunk; a column of it, over its diagonal, is a regression on the others."""
        part = self._shrunk
        precision = np.linalg.inv((1 - part) * self.correlation() + part * np.eye(len(self.factor)))
        return precision / np.diag(precision)

    @cached_property
    def held(self) -> Any:
        """The rank correlations of different columns, as far as they were there again in the other half of the rows.

        For independent columns, all that was learned is chance.
        """
        P = self.correlation() - np.eye(len(self.factor))
        strength, by_chance = (P**2).sum(axis=1), 2 * len(P) / self.rows
        held = np.minimum(1 - by_chance / np.maximum(strength, by_chance), np.clip(self.expected, 0.0, 1.0))
        return P * np.sqrt(np.outer(held, held))

    @property
    def _shrunk(self) -> float:
        return min(0.5, max(0.02, 2.0 * len(self.factor) / self.rows))

    def merge(self, other: Dependence) -> Dependence:
        """Return the weighted mean of both."""
        total = self.rows + other.rows
        a, b = self.rows / total, other.rows / total
        return Dependence(
            _low_rank(np.hstack([np.sqrt(a) * self.factor, np.sqrt(b) * other.factor])),
            total,
            a * self.expected + b * other.expected,
            # Where the parts expect different things, the difference is spread too.
            a * self.spread + b * other.spread + np.abs(self.expected - other.expected),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        arrays = {"factor": self.factor.astype("<f2"), "expected": self.expected.astype("<f4")}
        arrays["spread"] = self.spread.astype("<f4")
        return {"rows": self.rows, **{name: packed(array) for name, array in arrays.items()}}

    @classmethod
    def read(cls, d: Entry, rows: int, columns: int) -> Dependence:
        """Read what :meth:`to_dict` wrote, of a profile of so many rows and columns."""
        factor = d["factor"].packed("<f2", None, -2, 2)
        d["factor"].require(
            len(factor) > 0 and len(factor) % columns == 0, f"some numbers for each of {columns} columns"
        )
        largest = float(np.finfo(np.float32).max)
        return cls(
            factor.reshape(columns, -1),
            d["rows"].whole(C.rows_of_ranks, rows),
            d["expected"].packed("<f4", columns, -largest, largest),
            d["spread"].packed("<f4", columns, 0, largest),
        )


def rank_scores(X: Any) -> Any:
    """Return ranks within a batch, centred; uniform ones have variance 1. Missing values are 0.

    Columns of few values have less: a rare 1 among zeros must not outweigh what is told by many.
    """
    ranks = np.asarray(rankdata(X, axis=0, nan_policy="omit"), dtype=float)
    count = np.maximum((~np.isnan(X)).sum(axis=0), 1)
    return np.nan_to_num((np.where(np.isnan(X), np.nan, ranks) - (count + 1) / 2) * (_ROOT_12 / count))


def dependence_of(X: Any) -> Dependence | None:
    """Return the dependence between the columns of X of shape (n_rows, n_columns), or None if it can't be told."""
    n, d = X.shape
    if n < C.rows_of_ranks or d < 2:
        return None
    order = np.random.default_rng(0).permutation(n)
    half = n // 2
    factor = _low_rank(rank_scores(X[order[:half]]).T / np.sqrt(half))
    found = Dependence(factor, n, np.ones(d), np.ones(d))
    rest = order[half:]
    means, spreads = [], []
    for asked in C.sizes_drawn:
        size = min(asked, len(rest) // 2)
        drawn = np.empty((C.draws, d))
        for i in range(C.draws):
            rows = np.random.default_rng([size, i]).choice(rest, size, replace=False)
            drawn[i] = found.agreement(rank_scores(X[rows]))
        mean = drawn.mean(axis=0)
        # The lower tail is the longer one: the least of the draws tells as much of it as their deviation.
        spread = np.maximum(drawn.std(axis=0, ddof=1), (mean - drawn.min(axis=0)) / C.least_of_draws)
        means.append(mean)
        # Drawn without replacement from few rows, batches are more alike than new ones will be.
        spreads.append(spread * np.sqrt(size / (1 - size / len(rest))))
    return Dependence(factor, n, np.minimum(*means), np.maximum(*spreads))


def _low_rank(wide: Any) -> Any:
    """Return F of at most C.rank columns with F Fᵀ nearest to W Wᵀ."""
    d, m = wide.shape
    if m <= min(d, C.rank):
        return wide
    # Through the smaller of the two Gram matrices; eigenvalues ascend.
    values, vectors = np.linalg.eigh(wide @ wide.T if d <= m else wide.T @ wide)
    values, vectors = values[-C.rank :], vectors[:, -C.rank :]
    return vectors * np.sqrt(np.maximum(values, 0)) if d <= m else wide @ vectors
