"""A test, the batch that it is asked of, and the reference: thresholds from a profile, for one tolerance of drift."""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar, Literal

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.statistics import common_step, nearest, quantile, residual, row_measures
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
        fine = self.quantiles((np.arange(C.fine) + 0.5) / C.fine)  # (n_fine, n_measured): stand for training's rows
        # Merged parts have the distances of rows from their own means. Their mean isn't that which the columns make.
        far = np.abs(fine[:, :d] - self.mean) / np.where(self.std > 0, self.std, 1.0)
        distance, made = fine[:, d].mean() * moments.count.sum(), far.clip(max=C.cap).mean(axis=0) @ moments.count
        self.known[d] &= abs(distance - made) <= C.of_its_mean * made
        self.known[-1] = False  # behind a scaler by bounds, each column has a row of its own at the largest of all
        #: The norms by which (nearly) all rows of training were normalised.
        self.usual_norms = np.flatnonzero(profile.unit[:2] >= C.usual_norm)
        #: The values of each column that many rows share, in ascending order, and what share of the rows has each.
        self.shared = [_shared(*sketch, m) for sketch, m in zip(profile.sketches, self.rows, strict=True)]
        #: Columns of which nearly all rows have a value that others have too.
        self.few = np.array([mass.sum() > C.few_values for _, mass in self.shared])
        most = np.array([mass.max(initial=0.0) for _, mass in self.shared[:d]])
        #: The variance of ranks in each column, where uniform ones have 1: the more rows share a value, the less.
        self.varying = np.array([1 - (mass**3).sum() for _, mass in self.shared[:d]])
        #: Columns of which nearly all rows have one value, or none: a batch has too few others to be ranked.
        self.rare = (most > C.nearly_all) | (moments.missing > C.nearly_all * (moments.count + moments.missing))
        #: By how much two numbers of a column may differ and be the same value.
        self.rounding = C.same_value * self.tolerance + C.rounding * greatest
        #: An offset and a step of which a column's values are multiples (0: none), and the share of those that are not.
        self.offset, self.lattice, self.new = profile.steps.copy()
        for j in np.flatnonzero(self.few[:d]).tolist():
            atoms, apart = self.atoms(j), np.diff(self.atoms(j))
            if len(apart):  # scaled in single precision, these differ by more
                self.rounding[j] = max(self.rounding[j], C.near_step * apart.min())
            if not self.lattice[j]:
                step = float(apart[0]) if len(apart) == 1 else common_step(atoms)
                self.offset[j], self.lattice[j], self.new[j] = atoms[0], step, max(1 - self.masses(j).sum(), 0.0)
        self._learn_tails(fine)
        # Rows (nearly) alone with a value in their column, as of a rare category, are measured by what a scaler learned
        # from them. Others of such categories are measured otherwise.
        self.share[:, d:] += ((1 - most) * self.rows[:d] <= C.alone).sum() / self.rows[d:]
        if (self.rare & (self.std > 0)).sum() > 0.5 * (self.std > 0).sum():
            self.blind[:, d:] = True  # rows that differ are too few to tell how far rows may differ

    def _learn_tails(self, fine: Any) -> None:
        """Choose where rows are counted, and learn how far values may lie beyond all of training."""
        above, below = (np.quantile(side, C.tails, axis=0) for side in (fine, -fine))
        above[-1], below[-1] = self.high, -self.low
        near = np.quantile(-np.abs(fine - self.middle), C.near, axis=0)
        no_end = np.full_like(above, np.inf)
        #: Ends of open intervals above quantiles, below them, and about the middle; and the share of training in each,
        #: of shape (n_intervals, n_measured).
        self.lower = np.concatenate([above, -no_end, self.middle + near]) + self.rounding
        self.upper = np.concatenate([no_end, -below, self.middle - near]) - self.rounding
        self.share = (within(fine.T, self.lower, self.upper) + 0.5) / len(fine)
        self.share[[len(above) - 1, 2 * len(above) - 1]] = 0.0
        #: The ends of training above and below, where values are negated: (2, n_measured), and how far from the middle.
        middle, self.extreme = np.stack([self.middle, -self.middle]), np.stack([self.high, -self.low])
        self.reach = self.extreme - middle
        #: Hill's (1975) index of the outer tenth, at its upper confidence bound; a tenth may begin at the middle.
        d, tenth = self.columns, int(C.outer * len(fine))
        outer = np.stack([fine[-tenth:], -fine[tenth - 1 :: -1]]) - middle[:, None]
        beyond = np.where(outer[:, :1] > 0, outer, 1.0)
        upper = 1 + C.errors / np.sqrt(C.outer * self.rows)
        hill = np.log(beyond / beyond[:, :1]).mean(axis=1) * upper + C.index_margin
        self.index = np.where(outer[:, 0] > 0, hill, C.index_unknown)
        #: A row's distance is a mean of capped values: its tail is exponential or less.
        mean = (outer[:, :, d] - outer[:, :1, d]).mean(axis=1)
        self.decay = np.maximum(mean * (1 + C.errors_of_decay / np.sqrt(max(C.outer * self.rows[d], 1))), C.least_decay)
        #: A column that was always the same has no tail to go by; nor has a small profile.
        self.blind = ~self.known | (self.rows < C.rows_of_single_values) | (self.reach <= 0)

    def atoms(self, j: Any) -> Any:
        return self.shared[j][0]

    def masses(self, j: Any) -> Any:
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


def within(ordered: Any, lower: Any, upper: Any) -> Any:
    """Return how many values of each column lie in open intervals, of shape (n_intervals, n_columns) as their ends.

    ``ordered``, of shape (n_columns, n_values), has the values of each column in ascending order, missing ones last.
    """
    each = zip(ordered, lower.T, upper.T, strict=True)
    counts = [x.searchsorted(end) - x.searchsorted(start, "right") for x, start, end in each]
    return np.maximum(counts, 0).T


def _shared(values: Any, shares: Any, rows: float) -> tuple[Any, Any]:
    up = np.diff(shares)
    jump = (np.diff(values) == 0) & (up > 0)
    # Several points of the grid may lie in the jump of a value that few rows have.
    at, of = np.unique(values[1:][jump], return_inverse=True)
    mass = np.bincount(of, up[jump], len(at))
    of_many, of_few = C.shared_by  # a sketch of few rows has each, single ones too
    often = mass * rows > (of_many if rows > C.rows_kept else of_few)
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
        #: Columns and, behind them, measures of rows, of shape (n_measured, n_rows): each in ascending order, missing
        #: values last. All are missing where training had no number.
        self.ordered = np.vstack([self.X.T, row_measures(self.X, reference.mean, reference.std).T])
        self.ordered[~reference.known] = np.nan
        self.ordered.sort(axis=1)
        self.count = self.n - np.isnan(self.ordered).sum(axis=1)


class Test:
    """A question to a batch: how probable something at least as odd is, if the batch is from the profile.

    "From the profile" includes a drift: each column may have moved by the tolerance, in the direction that is kindest
    to it. A subclass says in its docstring under which assumption its answer is exact or conservative, and its source.
    """

    name: ClassVar[str]
    scope: ClassVar[Literal["column", "row", "table"]]  #: "row": each column and, behind them, each measure of a row
    share: ClassVar[float]  #: of the budget, among the tests that are asked
    least_rows: ClassVar[int] = 1  #: from which on it is asked
    of_place: ClassVar[bool] = False  #: whether it depends on where values lie: not asked of a column that grows

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return log p-values of shape (n_questions, n_columns), (n_questions, n_columns + 4) or (n_questions, 1).

        None if it has no question, which is decided by training and by the number of rows alone.
        """
        raise NotImplementedError
