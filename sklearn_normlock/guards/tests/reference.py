"""A test, the batch that it is asked of, and the reference: thresholds from a profile, for one tolerance of drift."""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
from scipy.integrate import trapezoid

from ..calibration import CALIBRATION as C
from ..profiles.sketch import common_step, quantile, share_below
from ..profiles.statistics import MEASURES, how_many, nearest, row_measures
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
        self.every = np.concatenate([profile.moments.count, np.full(len(MEASURES), profile.n_rows)]).astype(float)
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
        self._tails()
        self._near()
        self._beyond()

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
        out = np.zeros((*np.shape(q), len(self.known)))
        for j, (values, shares) in enumerate(self.profile.sketches):
            if len(values):
                out[..., j] = quantile(values, shares, q)
        return out

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

    def _tails(self) -> None:
        # Thresholds (n_tails, n_measured) and, of the training rows, one more than lay beyond them; and that number
        # once the population has drifted. (Every measure of a row moves when many columns do: its thresholds move.)
        d, q = self.columns, np.array(C.tails)
        self.above, self.below = self.quantiles(q), self.quantiles(1 - q)
        self.above[-1], self.below[-1] = self.high, self.low
        above, below = np.zeros_like(self.above), np.zeros_like(self.below)
        for j, sketch in enumerate(self.profile.sketches):
            if len(sketch[0]):
                above[:-1, j] = 1 - share_below(*sketch, self.above[:-1, j])[1]
                below[:-1, j] = share_below(*sketch, self.below[:-1, j])[0]
        self.tail_rows = np.tile(self.rows, (len(C.tails), 1))
        self.tail_rows[-1] = np.maximum(self.every, 1)
        above[-1] = below[-1] = 1 / self.tail_rows[-1]
        moved = self.drift * C.slack_of_deviation
        self.above_drifted, self.below_drifted = (
            self._one_more(more_frequent(np.clip(share, 0.0, 1.0), moved)) for share in (above, below)
        )
        self.above_drifted[:, d:] = self.below_drifted[:, d:] = 1.0  # the thresholds of measures move instead
        above[-1] = below[-1] = 0.0
        for j in range(d, len(self.rows)):
            above[:, j], below[:, j] = self._drifted(above[:, j], j), self._drifted(below[:, j], j)
        self.above_r, self.below_r = self._one_more(above), self._one_more(below)
        # A row that is (nearly) the only one with a value in its column, as of a rare category, is measured by what a
        # scaler learned from it. The rows of categories that training had once, or not at all, are measured otherwise.
        alone = [len(mass) > 0 and (1 - mass.max()) * self.rows[j] <= C.alone for j, (_, mass) in enumerate(self.steps)]
        for r in (self.above_r, self.below_r):
            r[:, d:] = np.minimum(r[:, d:] + sum(alone[:d]), self.tail_rows[:, d:])
        # Behind a scaler by bounds each column has a row of its own at the greatest largest component of all.
        self.above_r[-1, -1] = min(d, self.tail_rows[-1, -1])
        stretch = 1 + C.stretch * self.drift
        for thresholds in (self.above, self.below):
            thresholds[:, d:] = self.middle[d:] + (thresholds[:, d:] - self.middle[d:]) * stretch

    def _one_more(self, share: Any) -> Any:
        rows = self.tail_rows[:, : share.shape[1]]
        return np.minimum(np.ceil(share * rows - 1e-9) + 1, rows)

    def _drifted(self, share: Any, j: int) -> Any:
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
            if len(sketch[0]):
                within = share_below(*sketch, self.middle[j] + near)[1] - share_below(*sketch, self.middle[j] - near)[0]
                more = np.ceil(self._drifted(within, j) * self.rows[j]) + 1
                self.near_r[:, j] = np.minimum(more, self.rows[j])

    def _beyond(self) -> None:
        # Tail indices of each side; a row's distance is a mean of capped values: its tail is exponential or lighter.
        q = np.linspace(0.9, 1.0, 21)[:-1] + 0.0025
        outer, inner = self.quantiles(q) - self.middle, self.middle - self.quantiles(1 - q)
        self.upper_index = np.array([hill(outer[:, j], m) for j, m in enumerate(self.rows)])
        self.lower_index = np.array([hill(inner[:, j], m) for j, m in enumerate(self.rows)])
        at = self.columns
        error = 1 + 4 / np.sqrt(max(0.1 * self.rows[at], 1))
        self.upper_decay = max((outer[:, at] - outer[0, at]).mean() * error, 0.01)
        self.lower_decay = max((inner[:, at] - inner[0, at]).mean() * error, 0.01)

        #: A column that was always the same has no tail to go by; nor has a small profile.
        blind = ~self.known | (self.rows < C.rows_of_single_values)
        self.blind_above, self.blind_below = blind | (self.high <= self.middle), blind | (self.low >= self.middle)
        if (self.rare & (self.std > 0)).sum() > 0.5 * (self.std > 0).sum():
            # Rows that differ are too few to tell how far rows may differ.
            self.blind_above[at:] = self.blind_below[at:] = True
        self.blind_above[-1] = True  # the largest component: of scaled columns each has a row of its own at its bound

    def log_p_beyond(self, greatest: Any, sign: float) -> Any:
        """Return how probable it is that one row is as great as that, or, negated and ``sign`` -1, as small."""
        above = sign > 0
        extreme, index = (self.high, self.upper_index) if above else (-self.low, self.lower_index)
        middle, at = sign * self.middle, self.columns
        off = greatest - self.tolerance
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            more = np.log((off - middle) / (extreme - middle)) / index
        more[at] = (off[at] - extreme[at]) / (self.upper_decay if above else self.lower_decay)
        seen = (off > extreme) & ~(self.blind_above if above else self.blind_below)
        return np.where(seen, -more - np.log(np.maximum(self.every, 1)), 0.0)


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
