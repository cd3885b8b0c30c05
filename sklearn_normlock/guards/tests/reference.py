"""A test, the batch that it is asked of, and the reference: thresholds from a profile, for one tolerance of drift."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.integrate import trapezoid

from ..calibration import CALIBRATION as C
from ..profiles.sketch import common_step, quantile, share_below, share_within
from ..profiles.statistics import how_many, nearest, row_measures
from ..profiles.summary import Summary
from .probability import hill, more_frequent, more_frequent_flag


class Reference:
    """Arrays over the columns and, behind them, the measures of a row; see ``MEASURES``.

    ``drift`` is how far, in deviations, each column's mean may have moved without being a fault.
    """

    def __init__(self, profile: Summary, drift: float) -> None:
        self.profile = profile
        self.moments = profile.moments
        self.drift = drift
        d = self.columns = profile.n_features_in_
        self.known = np.array([len(values) > 0 for values, _ in profile.sketches])
        self.rows = np.maximum(profile.sampled.astype(float), 1)
        self.every = profile.counted.astype(float)
        self.std = np.where(self.known[:d], profile.moments.std, 0.0)
        self.mean = np.where(self.known[:d], profile.moments.mean, 0.0)
        self.known[d] &= self._distance_holds()
        reach = np.concatenate([[1.0], [self.std.sum(), np.sqrt((self.std**2).sum()), self.std.max(initial=0.0)]])
        self.tolerance = drift * C.slack_of_deviation * np.concatenate([self.std, reach])
        self.low, self.high = (np.array([v[at] if len(v) else 0.0 for v, _ in profile.sketches]) for at in (0, -1))
        self.low[:d] = np.where(self.known[:d], np.fmin(profile.moments.low, self.low[:d]), 0.0)
        self.high[:d] = np.where(self.known[:d], np.fmax(profile.moments.high, self.high[:d]), 0.0)
        greatest = np.maximum(np.abs(self.low), np.abs(self.high))
        self.tolerance += C.rounding * greatest
        #: By how much two numbers of a column may differ and be the same value.
        self.rounding = 1e-6 * self.tolerance + C.rounding * greatest
        self.middle = self.quantiles(0.5)
        #: For each column, the values at which its sketch jumps, and by how much.
        self.steps = [_steps(*sketch) for sketch in profile.sketches]
        # (A sketch of few rows has each, single ones too.)
        least = np.where(self.rows > C.rows_kept, 0.75, 1.5) / self.rows
        often = [mass > least[j] for j, (_, mass) in enumerate(self.steps)]
        self._often = [(values[of], mass[of]) for (values, mass), of in zip(self.steps, often, strict=True)]
        self.jumps = [len(self.atoms(j)) > 0 for j in range(len(self.rows))]
        #: Columns of which nearly all rows have a value that others have too.
        self.few = [self.masses(j).sum() > C.few_values for j in range(len(self.rows))]
        self.flag = [few and len(self.atoms(j)) <= 2 for j, few in enumerate(self.few)]
        for j in np.flatnonzero(self.few):  # scaled in single precision, these differ by more
            apart = np.diff(self.atoms(j)).min(initial=np.inf)
            self.rounding[j] = max(self.rounding[j], C.near_step * apart if np.isfinite(apart) else 0.0)
        #: The step between all of these, if there is one: a rarer value lies on it too.
        self.lattice = [common_step(self.atoms(j)) if few else 0.0 for j, few in enumerate(self.few)]
        #: Columns of which nearly all rows have one value, or none: of the others too few are in a batch to be ranked.
        self.rare = np.array([len(mass) > 0 and mass.max() > C.nearly_all for _, mass in self.steps[:d]], bool)
        self.rare |= profile.moments.missing > C.nearly_all * (profile.moments.count + profile.moments.missing)
        self.fine = self.quantiles((np.arange(400) + 0.5) / 400)[:, :d]
        #: Variance of ranks with these ties, where ranks without ties have 1.
        self.rank_variance = np.array([1 - (mass**3).sum() for _, mass in self.steps[:d]])
        # A row that is (nearly) the only one with a value in its column, as of a rare category, is measured by what a
        # scaler learned from it. The rows of categories that training had once, or not at all, are measured otherwise.
        self.alone = sum(
            len(mass) > 0 and (1 - mass.max()) * m <= C.alone
            for (_, mass), m in zip(self.steps[:d], self.rows, strict=False)
        )
        # Where many rows have a 1 (or a -1) in some column, it is these that are the largest of a row.
        ones = [self.masses(j)[np.abs(np.abs(self.atoms(j)) - 1) < C.unit_slack].sum() > C.jump for j in range(d)]
        #: The norms that are 1 in (nearly) every row of training because the rows were normalised so.
        self.usual_norms = np.flatnonzero((profile.unit >= C.usual_norm) & [True, True, not any(ones)])
        self._near()
        self.sides = Side(self, 1.0), Side(self, -1.0)

    def atoms(self, j: Any) -> Any:
        """Return the values that many rows share, in ascending order."""
        return self._often[j][0]

    def masses(self, j: Any) -> Any:
        """Return what share of the rows has each of the values that many share."""
        return self._often[j][1]

    def nearest_shared(self, j: Any, values: Any) -> Any:
        """Return of each value the nearest one that many rows share, or that could be one."""
        atoms, step = self.atoms(j), self.lattice[j]
        return atoms[0] + np.rint((values - atoms[0]) / step) * step if step else nearest(values, atoms)

    def off(self, j: Any, values: Any) -> Any:
        """Return how far values are from the next one that many rows share, or that could be one."""
        away = np.abs(values - nearest(values, self.atoms(j)))
        # A step is an estimate: far along, the values themselves are nearer than its multiples.
        return np.minimum(away, np.abs(values - self.nearest_shared(j, values))) if self.lattice[j] else away

    def quantiles(self, q: Any) -> Any:
        """Return the values below which shares q of each column lie, of shape (*q.shape, n_measured)."""
        return np.nan_to_num(np.stack([quantile(*sketch, q) for sketch in self.profile.sketches], axis=-1))

    def _distance_holds(self) -> bool:
        """Tell whether the distances of rows are those from these means, in these deviations.

        Those of a part are from its own. Merged from parts that differ, or have few rows each, they are no longer that.
        Then their mean isn't what the columns' own sketches make of it.
        """
        expected, rows = 0.0, self.profile.moments.count.astype(float)
        for j in np.flatnonzero(self.std > 0):
            values, shares = self.profile.sketches[j]
            expected += rows[j] * trapezoid(np.minimum(np.abs(values - self.mean[j]) / self.std[j], C.cap), shares)
        values, shares = self.profile.sketches[self.columns]
        return abs(float(trapezoid(values, shares)) * rows.sum() - expected) <= C.of_its_mean * expected

    def drifted(self, share: Any, j: int) -> Any:
        """Return how many may have a value that many have, when the mean of having it has drifted as far as tolerated.

        A population of which more have a 1, or a 0, has not moved along the axis, as a shift of all values has.
        """
        if not self.jumps[j]:
            return share
        return (more_frequent_flag if self.flag[j] else more_frequent)(share, self.drift)

    def _near(self) -> None:
        # Distances from the middle within which so many rows lie, and that share as a count.
        self.near = np.quantile(np.abs(self.fine - self.middle[: self.columns]), C.near, axis=0)
        self.near_r = np.ones_like(self.near)
        for j, (sketch, near) in enumerate(zip(self.profile.sketches, self.near.T, strict=False)):
            within = share_within(*sketch, self.middle[j] - near, self.middle[j] + near)
            self.near_r[:, j] = np.minimum(np.ceil(self.drifted(within, j) * self.rows[j]) + 1, self.rows[j])


class Side:
    """Thresholds above the columns (``sign`` 1), or below them: then values are negated, and all is mirrored."""

    def __init__(self, of: Reference, sign: float) -> None:
        self.sign, self.of = sign, of
        self.extreme, self.middle = (of.high if sign > 0 else -of.low), sign * of.middle
        self._count_beyond()
        self._measure_tail()

    def quantiles(self, q: Any) -> Any:
        """Return quantiles as seen from this side."""
        return self.sign * self.of.quantiles(q if self.sign > 0 else 1 - q)

    def _count_beyond(self) -> None:
        # Thresholds (n_tails, n_measured) and, of the training rows, one more than lay beyond them; and that number
        # once the population has drifted. (Every measure of a row moves when many columns do: its thresholds move.)
        of, d = self.of, self.of.columns
        self.thresholds = self.quantiles(np.array(C.tails))
        self.thresholds[-1] = self.extreme
        self.rows = np.tile(of.rows, (len(C.tails), 1))
        self.rows[-1] = np.maximum(of.every, 1)
        share = np.zeros_like(self.thresholds)
        for j, sketch in enumerate(of.profile.sketches):
            below, up_to = share_below(*sketch, self.sign * self.thresholds[:-1, j])
            share[:-1, j] = 1 - up_to if self.sign > 0 else below
        share[-1] = 1 / self.rows[-1]
        self.r_drifted = self._one_more(more_frequent(share.clip(0.0, 1.0), of.drift * C.slack_of_deviation))
        self.r_drifted[:, d:] = 1.0  # the thresholds of measures move instead
        share[-1] = 0.0
        for j in range(d, len(of.rows)):
            share[:, j] = of.drifted(share[:, j], j)
        self.r = self._one_more(share)
        self.r[:, d:] = np.minimum(self.r[:, d:] + of.alone, self.rows[:, d:])
        if self.sign > 0:  # behind a scaler by bounds each column has a row of its own at the largest component of all
            self.r[-1, -1] = min(d, self.rows[-1, -1])
        middle = self.middle[d:]
        self.thresholds[:, d:] = middle + (self.thresholds[:, d:] - middle) * (1 + C.stretch * of.drift)

    def _one_more(self, share: Any) -> Any:
        return np.minimum(np.ceil(share * self.rows - 1e-9) + 1, self.rows)

    def _measure_tail(self) -> None:
        # The tail index of each column; a row's distance is a mean of capped values: its tail is exponential or less.
        of, at = self.of, self.of.columns
        outer = self.quantiles(np.linspace(0.9, 1.0, 21)[:-1] + 0.0025) - self.middle
        self.index = np.array([hill(outer[:, j], m) for j, m in enumerate(of.rows)])
        error = 1 + 4 / np.sqrt(max(0.1 * of.rows[at], 1))
        self.decay = max((outer[:, at] - outer[0, at]).mean() * error, 0.01)
        #: A column that was always the same has no tail to go by; nor has a small profile.
        self.blind = ~of.known | (of.rows < C.rows_of_single_values) | (self.extreme <= self.middle)
        if (of.rare & (of.std > 0)).sum() > 0.5 * (of.std > 0).sum():
            self.blind[at:] = True  # rows that differ are too few to tell how far rows may differ
        if self.sign > 0:
            self.blind[-1] = True  # of scaled columns each has a row of its own at its bound

    def log_p_beyond(self, greatest: Any) -> Any:
        """Return the log of how probable it is that one row lies as far on this side."""
        at, off = self.of.columns, greatest - self.of.tolerance
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            more = np.log((off - self.middle) / (self.extreme - self.middle)) / self.index
        more[at] = (off[at] - self.extreme[at]) / self.decay
        seen = (off > self.extreme) & ~self.blind
        return np.where(seen, -more - np.log(np.maximum(self.of.every, 1)), 0.0)


def _steps(values: Any, shares: Any) -> tuple[Any, Any]:
    up = np.diff(shares)
    jump = (np.diff(values) == 0) & (up > 0)
    # Several points of the grid may lie in the jump of a value that few rows have.
    at, of = np.unique(values[1:][jump], return_inverse=True)
    return at, np.bincount(of, up[jump], len(at))


#: The last references, so that a service that judges many batches makes each once.
_RECENT: OrderedDict[tuple[int, float], Reference] = OrderedDict()
_KEPT = 16


def reference_of(profile: Summary, drift: float) -> Reference:
    """Return what a batch is compared with, made once for each profile and tolerance, and shared: not to be changed."""
    # A profile is a value: what is added to it makes new moments.
    key = id(profile.moments), drift
    found = _RECENT.get(key)
    if found is None or found.moments is not profile.moments:
        found = _RECENT[key] = Reference(profile, drift)
        while len(_RECENT) > _KEPT:
            try:
                _RECENT.popitem(last=False)
            except KeyError:  # another thread was first
                break
    return found


class Batch:
    """A batch as the tests look at it: an even sample of its rows if it has many.

    Missing numbers are NaN, infinite ones are kept; ``text`` has the columns of text, None where it is missing.
    """

    def __init__(self, reference: Reference, X: Any, text: dict[int, Any], requests: int = 1) -> None:
        self.requests = requests
        #: Rows that were served; ``n`` of them are looked at.
        self.rows = len(X)
        if self.rows > C.most_rows:
            at = np.linspace(0, self.rows - 1, C.most_rows).astype(np.int64)
            X, text = X[at], {j: values[at] for j, values in text.items()}
        self.n, self.d = X.shape
        self.as_served, self.text = X, text
        finite = np.isfinite(X)
        self.whole = bool(finite.all())
        self.X = X if self.whole else np.where(finite, X, np.nan)
        self.measures = row_measures(self.X, reference.mean, reference.std)
        #: Columns, and behind them the measures of rows; NaN throughout where training had no number.
        every = np.hstack([self.X, self.measures])
        self.every = every if reference.known.all() else np.where(reference.known, every, np.nan)

    @cached_property
    def count(self) -> Any:
        """How many numbers each column and measure has."""
        return how_many(~np.isnan(self.every))

    @cached_property
    def ordered(self) -> Any:
        """The columns, each sorted, missing values last."""
        return np.sort(self.X, axis=0)


class Test:
    """A question to a batch: how probable something at least as odd is, if the batch is from the profile.

    "From the profile" includes a drift: each column may have moved by the tolerance, in the direction that is kindest
    to it. A subclass says in its docstring under which assumption its answer is exact or conservative, and its source.
    """

    #: Its name in ``details["tests"]`` and in allowances.
    name: ClassVar[str]
    #: The subject of an answer: each column; each column and, behind them, each measure of a row; or the table.
    scope: ClassVar[Literal["column", "row", "table"]]
    #: Its part of the budget, among the tests that are asked; and in batches of few rows.
    share: ClassVar[float]
    share_of_few: ClassVar[float | None] = None
    #: Rows from which on it is asked.
    least_rows: ClassVar[int] = 1
    #: Whether it depends on where values lie, which a column that only grows can't be asked.
    of_place: ClassVar[bool] = False

    def asked(self, reference: Reference, batch: Batch) -> bool:
        """Return whether it has a question to this batch; decided by training and by the number of rows alone."""
        return batch.n >= self.least_rows

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return log p-values of shape (n_questions, n_columns), (n_questions, n_columns + 4) or (n_questions, 1)."""
        raise NotImplementedError

    def entries(self, reference: Reference, batch: Batch, log_p: Any) -> int:
        """Return among how many p-values its share is divided: those that could be odd at all."""
        return log_p.size

    def width(self, d: int) -> int:
        """Return how many columns its answers have in a table of d columns."""
        return {"column": d, "row": d + 4, "table": 1}[self.scope]

    def part(self, rows: int) -> float:
        """Return its part of the budget in a batch of so many rows."""
        few = rows < C.few and self.share_of_few is not None
        return self.share_of_few if few and self.share_of_few is not None else self.share
