"""Normal scores, and how columns with repeated values drift on them.

A column of counts, flags or amounts that are often zero can't move by a fraction of a deviation and remain what it is.
It moves as if a normal variable stood behind it, of which only the steps are seen (a Gaussian copula). By that
variable's shift some rows pass to the next value that was seen in training. Which rows: those that the other columns
put near the step, so that the dependence between columns stays what it was.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.random import Generator
from scipy.special import ndtr, ndtri


def scores(train: np.ndarray, X: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return normal scores of `X` under the training distribution, ties at the middle of their ranks."""
    out = np.empty((len(X), len(columns)))
    for i, j in enumerate(columns):
        known = np.sort(train[:, j])
        rank = np.searchsorted(known, X[:, j], "left") + np.searchsorted(known, X[:, j], "right")
        out[:, i] = ndtri((rank / 2 + 0.5) / (len(train) + 1))
    return out


class Ranks:
    """The ranks of training rows, and the dependence between their normal scores."""

    def __init__(self, train: np.ndarray) -> None:
        self.train = train
        self.varies = np.flatnonzero(np.ptp(train, axis=0) > 0)

    @cached_property
    def scores(self) -> np.ndarray:
        return scores(self.train, self.train, self.varies)

    @cached_property
    def precision(self) -> np.ndarray:
        """The inverse covariance of the scores, lightly shrunk."""
        return np.linalg.inv(np.cov(self.scores.T) + 0.05 * np.eye(len(self.varies)))

    @cached_property
    def determined(self) -> np.ndarray:
        """The columns that are a linear function of the others, as one of a set of indicators is."""
        out = np.zeros(self.train.shape[1], dtype=bool)
        z = self.train[:, self.varies] - self.train[:, self.varies].mean(axis=0)
        z /= z.std(axis=0)
        for i, j in enumerate(self.varies):
            others = np.delete(z, i, axis=1)
            rest = z[:, i] - others @ np.linalg.lstsq(others, z[:, i], rcond=None)[0]
            out[j] = rest.std() < 1e-6
        return out

    def leaning(self, rng: Generator, scored: np.ndarray, i: int) -> np.ndarray:
        """Return what the other columns say about column `i`, with the noise that they leave."""
        p = self.precision
        others = np.delete(scored, i, axis=1) @ np.delete(p[i], i)
        return -others / p[i, i] + rng.normal(size=len(scored)) / np.sqrt(p[i, i])

    def moved(self, rng: Generator, X: np.ndarray, column: int, up: float) -> np.ndarray:
        """Return a column of `X` moved by `up` normal scores, to values that training had."""
        known = np.sort(self.train[:, column])
        low, high = (np.searchsorted(known, X[:, column], side) for side in ("left", "right"))
        within = rng.uniform(size=len(X))
        i = int(np.flatnonzero(self.varies == column)[0])
        there = self.leaning(rng, self.scores, i)
        mine = self.leaning(rng, scores(self.train, X, self.varies), i)
        for first in np.unique(low[high - low >= 5]):  # rows of one value, ordered as training rows of that value are
            tied = np.sort(there[self.train[:, column] == known[first]])
            rows = (low == first) & (high - low >= 5)
            within[rows] = (np.searchsorted(tied, mine[rows]) + within[rows]) / (len(tied) + 1)
        latent = ndtri((low + (high - low) * within + 0.5) / (len(known) + 1))
        return known[np.minimum((ndtr(latent + up) * len(known)).astype(int), len(known) - 1)]
