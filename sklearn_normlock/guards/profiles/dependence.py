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

RANK = 48
#: Batches on which the agreement is measured, of each size; and how many deviations below the mean the least of so many
#: normal ones is expected.
_DRAWS, _LEAST_OF_DRAWS = 40, 2.2
_ROOT_12 = float(np.sqrt(12))
#: Sizes of the batches that are drawn. How well the others tell a column is asked of so many columns at most, and of
#: so many times more rows than columns at least.
_SIZES = (16, 64)
_TELL, _ROWS_PER_COLUMN = 128, 4
#: What two rows that exchange neighbouring ranks add to the mean squared residual, times the cube of the rows; of two
#: columns that are nearly copies few do, in training perhaps none: as if so many always did. So little is no surprise.
_EXCHANGE, _EXCHANGES, _OPEN_BY_CHANCE = 24.0, 4.0, 0.6
#: The share of the rows that may be of another kind, and how many of training's half, though the other had none of it;
#: by a share q of them, all at one end, the ranks of the others are pushed by q² √12² / 3 in the mean square.
_OF_ANOTHER_KIND, _UNSEEN, _PUSHED = 0.2, 4.0, 4.0
#: And how much more may be left open of a column: by a factor of exp of this.
_MORE_OPEN = 0.25
#: What the likelihood of normal ranks counts, and the least part of independence in the correlations that it takes.
_WORTH, _RIDGE = 0.75, 0.05
#: What it may gain by chance in eighty clean batches, the choice among columns aside; if it gains more, it counts for
#: less by this power of the factor.
_BY_CHANCE, _POWER = 2.0, -3.0
#: Rows that can vouch for what the others tell of a column: of fewer, those that are unlike the most may all be absent.
_VOUCHED = 150
#: Fewer rows than this tell nothing about dependence.
ENOUGH = 64


@dataclass
class Dependence:
    """``factor`` (n_columns, rank); agreement of a column with its neighbours: mean, and deviation times root of n.

    ``surprise`` (4, n_columns) is about the part that the others leave open of a column. It has the mean of its
    logarithm in batches of 16 and of 64 rows, and its deviation times the root of their rows. None: there were too
    few rows. ``trust`` is how far the likelihood of normal ranks was what it should be in such batches: from 0, not
    at all, to 1.
    """

    factor: Any
    rows: int
    expected: Any
    spread: Any
    surprise: Any = None
    trust: float = 1.0

    def __post_init__(self) -> None:
        if self.surprise is not None:
            self.surprise = np.asarray(self.surprise, np.float32).astype(np.float64).reshape(4, -1)
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

    def told(self) -> Any:
        """Return the columns whose neighbours say more of them than chance among so many columns."""
        return self.strength() > 0.05 + 2.0 * len(self.factor) / self.rows

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
        return d <= _TELL and self.rows >= 2 * _ROWS_PER_COLUMN * d

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

    @cached_property
    def _precision(self) -> Any:
        return np.linalg.inv((1 - max(self._shrunk, _RIDGE)) * self.held + np.eye(len(self.factor)))

    @property
    def _shrunk(self) -> float:
        return min(0.5, max(0.02, 2.0 * len(self.factor) / self.rows))

    def exchanged(self, R: Any, n: int) -> tuple[tuple[int, int], float]:
        """Return the two columns that are likeliest to have changed places, and the log of how probable chance is.

        ``R`` is the rank correlation of a batch of n rows. Were ranks normal and their correlations known, the ratio of
        the likelihoods would exceed 1/p with probability p at most; it counts for less, by ``trust`` too. Which of all
        pairs it is is paid for. If no pair gains, any, and 0.
        """
        d, Q = len(self.factor), self._precision
        R = R - np.diag(np.diag(R) - 1.0)
        told = Q @ R
        own, q = np.diag(told), np.diag(Q)
        # Half of what the trace of the permuted Q with R loses, Q with rows and columns i and j exchanged.
        gain = own[:, None] + own - told - told.T + (q[:, None] - Q) * (R - 1.0) + (Q - q) * (1.0 - R)
        at = int(np.argmax(np.triu(gain, 1)))
        pair = (at // d, at % d)
        n = min(n, _SIZES[-1])  # of more, it has not been seen how far it can be trusted
        worth = _WORTH * self.trust * n / (1 + 2 * n / self.rows)
        return pair, min(0.0, float(np.log(d * (d - 1) / 2)) - worth * float(gain[pair]))

    def left_open(self, scores: Any) -> Any:
        """Return of each column the logarithm of what the others leave open of it: of its mean squared residual.

        Only the rows that are told best count. A few of another kind, which may be absent in half of training, are no
        surprise; nor are the ranks of the others that they push up or down.
        """
        n = len(scores)
        best = n - int(_OF_ANOTHER_KIND * n)
        squares = np.partition((self.weights.T @ scores.T) ** 2, best - 1, axis=1)[:, :best]
        unseen = 2 * _UNSEEN / self.rows
        pushed = _PUSHED * (unseen + 3 * np.sqrt(unseen / n)) ** 2
        return np.log(squares.mean(axis=1) + pushed + _EXCHANGES * _EXCHANGE / n**3)

    def surprising(self, scores: Any) -> Any:
        """Return by how many deviations more is left open of each column than was in training, a margin taken off."""
        n, size = len(scores), int(len(scores) >= _SIZES[-1])
        more = self.left_open(scores) - self.surprise[size] - _MORE_OPEN
        spread = self.surprise[2 + size] * np.sqrt(1 / n + 2 / self.rows)  # half of the rows were asked
        return more / np.maximum(spread, _OPEN_BY_CHANCE / np.sqrt(n))

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
            _together(self.surprise, a, other.surprise, b),
            min(self.trust, other.trust),
        )


def rank_scores(X: Any) -> Any:
    """Return ranks within a batch, centred; uniform ones have variance 1. Missing values are 0.

    Columns of few values have less: a rare 1 among zeros must not outweigh what is told by many.
    """
    missing = np.isnan(X)
    if not missing.any():
        return (_ranks(X) - (len(X) + 1) / 2) * (_ROOT_12 / len(X))
    ranks = np.asarray(rankdata(X, axis=0, nan_policy="omit"), dtype=float)
    count = np.maximum((~missing).sum(axis=0), 1)
    return np.nan_to_num((np.where(missing, np.nan, ranks) - (count + 1) / 2) * (_ROOT_12 / count))


def _ranks(X: Any) -> Any:
    order = np.argsort(X.T, axis=1)
    n = len(X)
    ranks = np.empty(order.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, n + 1)[None, :], axis=1)
    ordered = np.take_along_axis(X.T, order, axis=1)
    # The mean rank of equal values costs more; only where there are any.
    tied = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1))
    if len(tied):
        ranks[tied] = rankdata(X.T[tied], axis=1)
    return ranks.T


def dependence_of(X: Any) -> Dependence | None:
    """Return the dependence between the columns of X of shape (n_rows, n_columns), or None if it can't be told."""
    n, d = X.shape
    if n < ENOUGH or d < 2:
        return None
    order = np.random.default_rng(0).permutation(n)
    half = n // 2
    factor = _low_rank(rank_scores(X[order[:half]]).T / np.sqrt(half))
    found = Dependence(factor, n, np.ones(d), np.ones(d))
    rest = order[half:]
    means, spreads, opens, widths = [], [], [], []
    overstated, told = 1.0, found.tells and n >= _VOUCHED
    for asked in _SIZES:
        size = min(asked, len(rest) // 2)
        drawn, left = np.empty((_DRAWS, d)), np.zeros((_DRAWS, d))
        for i in range(_DRAWS):
            rows = np.random.default_rng([size, i]).choice(rest, size, replace=False)
            scores = rank_scores(X[rows])
            drawn[i] = found.agreement(scores)
            if told:
                left[i] = found.left_open(scores)
                pairs, log_p = np.log(d * (d - 1) / 2), found.exchanged(scores.T @ scores / size, size)[1]
                overstated = max(overstated, (pairs - log_p) / (pairs + _BY_CHANCE))
        # Drawn without replacement from few rows, batches are more alike than new ones will be.
        rarer = np.sqrt(size / (1 - size / len(rest)))
        mean = drawn.mean(axis=0)
        # The lower tail is the longer one: the least of the draws tells as much of it as their deviation.
        spread = np.maximum(drawn.std(axis=0, ddof=1), (mean - drawn.min(axis=0)) / _LEAST_OF_DRAWS)
        means.append(mean)
        spreads.append(spread * rarer)
        opens.append(left.mean(axis=0))
        widths.append(np.maximum(left.std(axis=0, ddof=1), (left.max(axis=0) - opens[-1]) / _LEAST_OF_DRAWS) * rarer)
    surprise = np.stack([*opens, *widths]) if told else None
    trust = overstated**_POWER if told else 0.0
    return Dependence(factor, n, np.minimum(*means), np.maximum(*spreads), surprise, trust)


def _together(one: Any, a: float, other: Any, b: float) -> Any:
    if one is None or other is None:
        return one if other is None else other
    mean = a * one + b * other
    mean[2:] += np.abs(one[:2] - other[:2])  # where the parts expect different things, the difference is spread too
    return mean


def _low_rank(wide: Any) -> Any:
    """Return F of at most RANK columns with F Fᵀ nearest to W Wᵀ."""
    d, m = wide.shape
    if m <= min(d, RANK):
        return wide
    # Through the smaller of the two Gram matrices.
    if d <= m:
        values, vectors = np.linalg.eigh(wide @ wide.T)
        kept = slice(max(0, d - RANK), None)
        return vectors[:, kept] * np.sqrt(np.maximum(values[kept], 0))
    values, vectors = np.linalg.eigh(wide.T @ wide)
    kept = slice(max(0, m - RANK), None)
    return wide @ vectors[:, kept]
