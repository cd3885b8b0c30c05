"""Where the guard stands, what is known of the data there, and how batches that are *not* faulty are made.

A scene is a part of a family seen from one place of a pipeline. `raw` is before any scaler, and `standard` behind a
StandardScaler fitted on the training rows. `log` is after log1p of the columns that are never negative, and `l2` after
a Normalizer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import Generator
from sklearn.preprocessing import FunctionTransformer, Normalizer, StandardScaler

from guard.ranks import Ranks, scores

SCALERS = {"standard": StandardScaler, "l2": Normalizer}

ENOUGH = 0.5
"""Evidence a row, in nats, from which on a fault counts: that of a Gaussian shifted by one standard deviation."""


def gaussian_divergence(a: np.ndarray, b: np.ndarray) -> float:
    """Return the divergence of a Gaussian with the moments of `b` from one with those of `a`, in nats a row."""
    shrunk = 0.1 * np.eye(a.shape[1])
    before, after, off = np.cov(a.T) + shrunk, np.cov(b.T) + shrunk, b.mean(0) - a.mean(0)
    logs = np.linalg.slogdet(before)[1] - np.linalg.slogdet(after)[1]
    trace = np.trace(np.linalg.solve(before, after)) - a.shape[1]
    return 0.5 * float(trace + off @ np.linalg.solve(before, off) + logs)


class Columns:
    """Facts about the columns of training rows, worked out when they are asked for."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows
        self.deviation = rows.std(axis=0)
        self.varies = np.flatnonzero(np.ptp(rows, axis=0) > 0)

    @cached_property
    def _counts(self) -> list[np.ndarray]:
        return [np.unique(column, return_counts=True)[1] for column in self.rows.T]

    @cached_property
    def atom(self) -> np.ndarray:
        """The share of the most frequent value of each column."""
        return np.array([c.max() for c in self._counts]) / len(self.rows)

    @cached_property
    def distinct(self) -> np.ndarray:
        """The number of distinct values of each column."""
        return np.array([len(c) for c in self._counts])

    @cached_property
    def grid(self) -> np.ndarray:
        """The step of the decimal grid that each column's values lie on (1, 0.1, ... 0.0001), 0 where there is none."""
        step, X = np.zeros(self.rows.shape[1]), self.rows
        for decimals in range(4, -1, -1):
            on = np.all(np.abs(X - np.round(X, decimals)) < 1e-9 * (1 + np.abs(X)), axis=0)
            step[on] = 10.0**-decimals
        return step


@dataclass
class Scene:
    """Training rows before (`raw`) and at (`train`) the place where the guard stands, and unseen rows (`pool`)."""

    side: str
    wide: bool
    raw: np.ndarray
    pool: np.ndarray

    @cached_property
    def transformer(self):
        """The transformer before the guard, fitted on the training rows."""
        if self.side == "raw":
            return FunctionTransformer().fit(self.raw)
        if self.side == "log":
            positive = np.all(self.raw >= 0, axis=0)
            return FunctionTransformer(lambda X: np.where(positive, np.log1p(np.fmax(X, 0)), X))
        return SCALERS[self.side]().fit(self.raw)

    def seen(self, raw):
        """Return what the guard sees of raw rows."""
        return self.transformer.transform(raw)

    @cached_property
    def train(self) -> np.ndarray:
        """The rows that the profile is made of."""
        return self.seen(self.raw)

    @cached_property
    def here(self) -> Columns:
        """The columns as the guard sees them."""
        return Columns(self.train)

    @cached_property
    def before(self) -> Columns:
        """The columns before the transformer."""
        return Columns(self.raw)

    @cached_property
    def reference(self) -> np.ndarray:
        """Raw rows on which the size of a fault is judged: what it is in the population, not in a training sample.

        (A hundred training rows of independent columns look as if these went together: a swap of two that have one
        distribution would seem to matter.)
        """
        return np.vstack([self.pool, self.raw])[: 1500 if self.wide else 2000]

    def draw(self, rng: Generator, rows: int) -> np.ndarray:
        """Return a batch of raw unseen rows, without replacement."""
        return self.pool[rng.choice(len(self.pool), rows, replace=False)]

    # -- the size of a fault ---------------------------------------------------------------------------------------

    def evidence(self, faulty: np.ndarray) -> float:
        """Return how much a row of `faulty` (of the reference rows) tells, in nats: 0.5 for a shift by one deviation.

        The larger of the best single column's and that of all columns together (of vectors: of some components),
        which is what reveals a permutation of columns with equal distributions. Two samples of one population differ
        too, by about one over their rows for each pair of columns: that much is taken off.
        """
        clean = self.seen(self.reference)
        varies = self.here.varies
        moved = varies[np.any(faulty != clean, axis=0)[varies]]
        if not len(moved):
            return 0.0
        moved = moved[:: 1 + len(moved) // 64]
        a, b = scores(clean, clean, moved), scores(clean, faulty, moved)
        spread = np.maximum(a.std(0), 0.3)
        m, s = (b.mean(0) - a.mean(0)) / spread, np.maximum(b.std(0) / spread, 0.05)
        best = float(np.max(0.5 * (m**2 + s**2 - 1) - np.log(s)))
        if best >= ENOUGH:
            return best
        if self.wide:  # the dependence of some, which has to stand clear of what 1500 rows leave open
            varies = varies[:: 1 + len(varies) // 48]
        joint = gaussian_divergence(scores(clean, clean, varies), scores(clean, faulty, varies))
        pairs = len(moved) * (len(varies) - (len(moved) + 1) / 2)
        if not self.wide:
            return max(best, joint - pairs / len(clean))
        return joint if joint > 2.0 else best

    # -- batches that must not alarm -------------------------------------------------------------------------------

    def drifted(self, rng: Generator, rows: int, amount: float) -> np.ndarray:
        """Return an unseen batch, every column of which has moved by `amount` deviations, up or down.

        Literally so for continuous columns (rounded to the grid that they are read on). A count or a zero does not
        become a fraction when the world drifts, nor does an indicator contradict its fellows. Columns with atoms move
        on their normal scores (see ranks.py), and stay if the other columns determine them. The world drifts before
        a scaler or a norm is applied, and after a logarithm.
        """
        columns, ranks = (self.here, self.ranks_here) if self.side == "log" else (self.before, self.ranks_before)
        X = self.draw(rng, rows)
        if self.side == "log":
            X = self.seen(X)
        up = amount * rng.choice([-1.0, 1.0], X.shape[1])
        out = X + up * columns.deviation
        on = columns.grid > 0
        out[:, on] = np.round(out[:, on] / columns.grid[on]) * columns.grid[on]
        stepped = (self.before.atom > 0.05) | (self.before.grid == 1)
        still = np.isin(np.arange(X.shape[1]), columns.varies, invert=True)
        if np.any(stepped[columns.varies]):
            still |= stepped & ranks.determined
            for j in np.flatnonzero(stepped & ~still):
                out[:, j] = ranks.moved(rng, X, j, up[j])
        out[:, still] = X[:, still]
        return out if self.side == "log" else self.seen(out)

    @cached_property
    def ranks_here(self) -> Ranks:
        """Normal scores of what the guard sees."""
        return Ranks(self.train)

    @cached_property
    def ranks_before(self) -> Ranks:
        """Normal scores of what comes before the transformer."""
        return Ranks(self.raw)

    def tilted(self, rng: Generator, rows: int, amount: float) -> np.ndarray | None:
        """Return unseen rows of a population that drifted: real rows, drawn so that one direction's mean moves.

        Drawn with probability proportional to exp(amount * z), z the first principal component or a column, in
        deviations: the mean of a Gaussian z moves by `amount`. None where the pool is too small for that.
        """
        if 2 * rows > len(self.pool):
            return None
        if rng.uniform() < 0.5 or self.wide:
            z = self.pool[:, rng.choice(self.before.varies)]
        else:
            z = (self.pool[:, self.before.varies] / self.before.deviation[self.before.varies]) @ self.axis
        z = np.clip((z - z.mean()) / (z.std() or 1.0), -4, 4)
        order = np.argsort(-(amount * rng.choice([-1, 1]) * z + rng.gumbel(size=len(z))))
        return self.seen(self.pool[order[:rows]])

    @cached_property
    def axis(self) -> np.ndarray:
        """The first principal direction of the standardised columns."""
        z = self.raw[:, self.before.varies] / self.before.deviation[self.before.varies]
        return np.linalg.svd(z - z.mean(0), full_matrices=False)[2][0]
