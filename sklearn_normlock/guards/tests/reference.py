"""A test, the batch that it is asked of, and the reference: thresholds from a profile, for one tolerance of drift."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, Literal

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.statistics import common_step, how_many, nearest, quantile, residual, row_measures
from ..profiles.summary import Summary


class Reference:
    """Arrays over the columns and, behind them, the measures of a row; see ``MEASURES``.

    ``drift`` is how far, in deviations, each column's mean may have moved without being a fault.
    """

    def __init__(self, profile: Summary, drift: float) -> None:
        self.profile, self.drift = profile, drift
        moments = self.moments = profile.moments
        d = self.columns = profile.n_features_in_
        self.known, self.rows = profile.sampled > 0, np.maximum(profile.sampled, 1.0)
        self.mean, self.std, low, high = (
            np.where(self.known[:d], each, 0.0) for each in (moments.mean, moments.std, moments.low, moments.high)
        )
        self.low, self.high = np.append(low, self.quantiles(0.0)[d:]), np.append(high, self.quantiles(1.0)[d:])
        greatest = np.maximum(np.abs(self.low), np.abs(self.high))
        # How far a row's distance and norms move with its columns: the triangle inequality.
        reach = [1.0, self.std.sum(), np.linalg.norm(self.std), self.std.max(initial=0.0)]
        self.tolerance = drift * C.slack_of_deviation * np.append(self.std, reach) + C.rounding * greatest
        self.middle = self.quantiles(0.5)
        #: Quantiles at even steps, (400, n_measured), which stand for the rows of training.
        self.fine = self.quantiles((np.arange(400) + 0.5) / 400)
        # Merged parts have the distances of rows from their own means. Their mean isn't that which the columns make.
        far = np.abs(self.fine[:, :d] - self.mean) / np.where(self.std > 0, self.std, 1.0)
        distance, made = self.fine[:, d].mean() * moments.count.sum(), far.clip(max=C.cap).mean(axis=0) @ moments.count
        self.known[d] &= abs(distance - made) <= C.of_its_mean * made
        self.known[-1] = False  # behind a scaler by bounds, each column has a row of its own at the largest of all
        #: The norms by which (nearly) all rows of training were normalised.
        self.usual_norms = np.flatnonzero(profile.unit[:2] >= C.usual_norm)
        #: The values of each column that many rows share, in ascending order, and what share of the rows has each.
        self.shared = [_shared(*sketch, m) for sketch, m in zip(profile.sketches, self.rows, strict=True)]
        #: Columns of which nearly all rows have a value that others have too.
        self.few = np.array([mass.sum() > C.few_values for _, mass in self.shared])
        most = np.array([mass.max(initial=0.0) for _, mass in self.shared[:d]])
        # Rows (nearly) alone with a value in their column, as of a rare category, are measured by what a scaler learned
        # from them. Others of such categories are measured otherwise.
        self.alone = int(((1 - most) * self.rows[:d] <= C.alone).sum())
        #: Columns of which nearly all rows have one value, or none: a batch has too few others to be ranked.
        self.rare = (most > C.nearly_all) | (moments.missing > C.nearly_all * (moments.count + moments.missing))
        #: By how much two numbers of a column may differ and be the same value.
        self.rounding = 1e-6 * self.tolerance + C.rounding * greatest
        #: An offset and a step of which a column's values are multiples (0: none), and the share of those that are not.
        self.offset, self.lattice, self.new = profile.steps.copy()
        for j in np.flatnonzero(self.few[:d]).tolist():
            atoms, apart = self.atoms(j), np.diff(self.atoms(j))
            if len(apart):  # scaled in single precision, these differ by more
                self.rounding[j] = max(self.rounding[j], C.near_step * apart.min())
            if not self.lattice[j]:
                step = float(apart[0]) if len(apart) == 1 else common_step(atoms)
                self.offset[j], self.lattice[j], self.new[j] = atoms[0], step, max(1 - self.masses(j).sum(), 0.0)
        self.sides = Side(self, 1.0), Side(self, -1.0), Side(self, 0.0)

    def atoms(self, j: Any) -> Any:
        """Return the values that many rows share, in ascending order."""
        return self.shared[j][0]

    def masses(self, j: Any) -> Any:
        """Return what share of the rows has each of the values that many share."""
        return self.shared[j][1]

    def nearest_shared(self, j: Any, values: Any) -> Any:
        """Return of each value the nearest one that training could have had: one of its few, or on its step."""
        if step := self.lattice[j]:
            return values - residual(values, self.offset[j], step)
        return nearest(values, self.atoms(j)) if self.few[j] else values

    def off(self, j: Any, values: Any) -> Any:
        """Return how far values are from the next one that many rows share, or that could be one."""
        away = np.abs(values - self.nearest_shared(j, values))
        # A step is an estimate: far along, the values themselves are nearer than its multiples.
        return np.minimum(away, np.abs(values - nearest(values, self.atoms(j)))) if self.few[j] else away

    def quantiles(self, q: Any) -> Any:
        """Return the values below which shares q of each column lie, of shape (*q.shape, n_measured)."""
        return np.nan_to_num(np.stack([quantile(*sketch, q) for sketch in self.profile.sketches], axis=-1))


class Side:
    """Values that grow outward, their thresholds, and the share of training beyond each.

    ``sign`` is 1 above the columns, -1 below them, where values are negated, and 0 towards their middle.
    """

    def __init__(self, of: Reference, sign: float) -> None:
        self.of, self.sign, self.middle, d = of, sign, sign * of.middle, of.columns
        training = np.sort(self.values(of.fine), axis=0)
        self.extreme = of.high if sign > 0 else -of.low
        self.thresholds = np.quantile(training, C.tails if sign else C.near, axis=0)  # (n_thresholds, n_measured)
        self.share = (training > self.thresholds[:, None]).mean(axis=1) + 0.5 / len(training)
        if sign:
            self.thresholds[-1], self.share[-1] = self.extreme, 0.0
        self.share[:, d:] += of.alone / of.rows[d:]
        #: Hill's (1975) index of the outer tenth, at its upper confidence bound; a tenth may begin at the middle.
        outer = training[-len(training) // 10 :] - self.middle
        beyond = np.where(outer[0] > 0, outer, 1.0)
        hill = np.log(beyond / beyond[0]).mean(axis=0) * (1 + C.errors / np.sqrt(0.1 * of.rows)) + C.index_margin
        self.index = np.where(outer[0] > 0, hill, C.index_unknown)
        #: A row's distance is a mean of capped values: its tail is exponential or less.
        self.decay = max((outer[:, d] - outer[0, d]).mean() * (1 + 4 / np.sqrt(max(0.1 * of.rows[d], 1))), 0.01)
        #: A column that was always the same has no tail to go by; nor has a small profile.
        self.blind = ~of.known | (of.rows < C.rows_of_single_values) | (self.extreme <= self.middle)
        if (of.rare & (of.std > 0)).sum() > 0.5 * (of.std > 0).sum():
            self.blind[d:] = True  # rows that differ are too few to tell how far rows may differ

    def values(self, every: Any) -> Any:
        """Return columns and measures of rows as seen from this side."""
        return self.sign * every if self.sign else -np.abs(every - self.of.middle)


def _shared(values: Any, shares: Any, rows: float) -> tuple[Any, Any]:
    up = np.diff(shares)
    jump = (np.diff(values) == 0) & (up > 0)
    # Several points of the grid may lie in the jump of a value that few rows have.
    at, of = np.unique(values[1:][jump], return_inverse=True)
    mass = np.bincount(of, up[jump], len(at))
    often = mass * rows > (0.75 if rows > C.rows_kept else 1.5)  # a sketch of few rows has each, single ones too
    return at[often], mass[often]


#: The last references, so that a service that judges many batches makes each once.
_RECENT: deque[Reference] = deque(maxlen=16)


def reference_of(profile: Summary, drift: float) -> Reference:
    """Return what a batch is compared with, made once for each profile and tolerance, and shared: not to be changed."""
    for found in tuple(_RECENT):
        if found.moments is profile.moments and found.drift == drift:  # rows that are added make new moments
            return found
    _RECENT.append(found := Reference(profile, drift))
    return found


class Batch:
    """A batch as the tests look at it: an even sample of its rows if it has many.

    Missing numbers are NaN, infinite ones are kept; ``text`` has the columns of text, None where it is missing.
    """

    def __init__(self, reference: Reference, X: Any, text: dict[int, Any], requests: int = 1) -> None:
        if len(X) > C.most_rows:
            at = np.linspace(0, len(X) - 1, C.most_rows).astype(np.int64)
            X, text = X[at], {j: values[at] for j, values in text.items()}
        (self.n, self.d), self.as_served, self.text, self.requests = X.shape, X, text, requests
        finite = np.isfinite(X)
        self.X = X if finite.all() else np.where(finite, X, np.nan)
        #: Columns, and behind them the measures of rows; NaN throughout where training had no number.
        every = np.hstack([self.X, row_measures(self.X, reference.mean, reference.std)])
        self.every = np.where(reference.known, every, np.nan)
        self.count = how_many(~np.isnan(self.every))


class Test:
    """A question to a batch: how probable something at least as odd is, if the batch is from the profile.

    "From the profile" includes a drift: each column may have moved by the tolerance, in the direction that is kindest
    to it. A subclass says in its docstring under which assumption its answer is exact or conservative, and its source.
    """

    name: ClassVar[str]
    #: Each column; each column and, behind them, each measure of a row; or the table.
    scope: ClassVar[Literal["column", "row", "table"]]
    #: Its part of the budget, among the tests that are asked; and the rows from which on it is asked.
    share: ClassVar[float]
    least_rows: ClassVar[int] = 1
    #: Whether it depends on where values lie, which a column that only grows can't be asked.
    of_place: ClassVar[bool] = False

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return log p-values of shape (n_questions, n_columns), (n_questions, n_columns + 4) or (n_questions, 1).

        None if it has no question, which is decided by training and by the number of rows alone.
        """
        raise NotImplementedError
