"""A batch that alarms, the faults that may have been done to it, and candidates: inverses that could undo one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import gammaln

from ..calibration import CALIBRATION as C
from ..profiles.dependence import Dependence, rank_scores
from ..profiles.sketch import quantile, residual, share_below
from ..profiles.statistics import nearest, quantiles
from ..profiles.summary import Summary
from ..tests import Evidence, weigh
from ..tests.reference import Reference

MISSING = "missing values"
SHARES = np.linspace(0.05, 0.95, 19)
TENTHS = SHARES[1::2]
_ROOT_2_PI = float(np.sqrt(2 * np.pi))


def choice(d: int, k: int) -> float:
    """Return the price of saying which k of d columns, in nats: all, or else how many, and which of as many."""
    if k in (0, d):
        return float(np.log(2))
    return float(np.log(2 * k * (k + 1)) + gammaln(d + 1) - gammaln(k + 1) - gammaln(d - k + 1))


def estimated(density: Any, error: Any) -> Any:
    """Return the price of a number of this prior density that is known to a standard error, in nats.

    It is the part of the prior that the estimate leaves (Laplace's approximation, from which BIC is derived). That is
    about half the logarithm of the number of rows, and how much the number might have been.
    """
    return np.maximum(0.0, -np.log(np.maximum(density * _ROOT_2_PI * error, 1e-300)))


def normal(x: Any, deviation: float) -> Any:
    """Return the density of a normal variable of mean 0."""
    return np.exp(-0.5 * (np.asarray(x) / deviation) ** 2) / (_ROOT_2_PI * deviation)


class Case:
    """One batch, its evidence and a few robust summaries, made once and only if they are asked for.

    ``X`` has NaN for missing values and no infinite ones. ``scaler`` is centre and scale of the scaler that the profile
    is behind of, if they are known.
    """

    def __init__(self, reference: Reference, X: Any, evidence: Evidence, budget: float, scaler: Any = None) -> None:
        self.reference, self.evidence, self.budget = reference, evidence, budget
        self.X = X
        self.n, self.d = X.shape
        self.state = ScalingState(reference)
        self.scaler = scaler
        self.varied = reference.std > 0
        #: Columns that alarm; if only the whole table does, those that lean most.
        self.odd = evidence.flagged()
        if not len(self.odd):
            self.odd = evidence.leaning()

    def weigh(self, Y: Any, touched: Any = ()) -> Evidence:
        """Return what the same tests say of the batch with a fault undone; of lost values nothing is asked."""
        found = weigh(self.reference, Y, {}, self.budget, self.evidence.requests)
        if len(touched) and "missing" in found.log_p:
            found.log_p["missing"][:, touched] = 0.0
        if len(touched) and np.isnan(Y[:, touched]).any():
            found.spare_rows()  # a row without one of its values has another length
            if "dependence" in found.log_p:
                found.log_p["dependence"][:, touched] = 0.0
        return found

    def oddness(self, columns: Any) -> float:
        """Return how odd the batch is, in nats: as a whole, or all of some columns together, whichever is more."""
        return -min(self.evidence.log_p_value, float(self.evidence.by_column()[columns].sum()))

    def unexplained(self, Y: Any, columns: Any) -> float:
        """Return what is left to explain of a batch with a fault undone in some columns, in nats.

        The divergence of the columns that were odd, or are touched, from training, and how far all go together less.
        """
        before = self._divergences
        left = before[self.odd].sum() + (self._divergence(Y, columns) - before[columns]).sum()
        if self.together is not None and len(Y) == self.n:
            assert self.reference.profile.dependence is not None
            whole = ~np.isnan(Y).any(axis=0) | np.isnan(self.X).any(axis=0)
            left += max(0.0, Together(self.reference.profile.dependence, Y).lacking(whole))
        return max(0.0, float(left))

    @cached_property
    def untold(self) -> float:
        """The price of no name, in nats: the shares of the bins of each odd column are told instead (BIC)."""
        numbers = 0.5 * np.log(self.n) * sum(len(self._bins[j][0]) for j in self.odd)
        apart = self.together.lacking(np.ones(self.d, bool)) if self.together is not None else 0.0
        return C.kind + choice(self.d, len(self.odd)) + float(numbers) + max(0.0, apart)

    @cached_property
    def _divergences(self) -> Any:
        return self._divergence(self.X, np.arange(self.d))

    @cached_property
    def _bins(self) -> list[tuple[Any, Any]]:
        """The edges of about ten bins of each column of training, and their logarithmic shares."""
        found = []
        for j, sketch in enumerate(self.reference.profile.sketches[: self.d]):
            # (A value that an undoing missed by a rounding stays in its bin.)
            edges = np.unique(quantile(*sketch, TENTHS)) + self.reference.rounding[j] if len(sketch[0]) else np.zeros(0)
            share = np.diff(share_below(*sketch, edges)[1], prepend=0.0, append=1.0) if len(edges) else np.ones(1)
            m = self.reference.rows[j]
            found.append((edges, np.log((share * m + 0.5) / (m + 0.5 * len(share)))))
        return found

    def _divergence(self, Y: Any, columns: Any) -> Any:
        """Return the divergence (Kullback & Leibler 1951) of columns from training, in nats, and no less than 0.

        Less what chance and the tolerated drift make.
        """
        out = np.zeros(len(columns))
        for i, j in enumerate(columns):
            x = Y[~np.isnan(Y[:, j]), j]
            if len(x) and self.varied[j]:
                edges, log_share = self._bins[j]
                count = np.bincount(np.searchsorted(edges, x), minlength=len(log_share))
                own = np.log(np.maximum(count, 1) / len(x)) - log_share
                rows = 1.0 / (1.0 / len(x) + 1.0 / self.reference.rows[j])
                by_chance = 0.5 * (len(edges) + rows * self.reference.drift**2)
                out[i] = max(0.0, rows * float((count * own).sum()) / len(x) - by_chance)
        return out

    @cached_property
    def raw(self) -> tuple[Any, Any]:
        """Centre and scale that lead from the profile's numbers to raw ones: 0 and 1 if there is no known scaler."""
        return (np.zeros(self.d), np.ones(self.d)) if self.scaler is None else self.scaler

    def to_raw(self, Y: Any, columns: Any = slice(None)) -> Any:
        """Return numbers as they were before the scaler."""
        centre, scale = self.raw
        return Y * scale[columns] + centre[columns]

    def from_raw(self, Y: Any, columns: Any = slice(None)) -> Any:
        """Return numbers as the scaler makes them."""
        centre, scale = self.raw
        return (Y - centre[columns]) / scale[columns]

    @cached_property
    def quantiles(self) -> tuple[Any, Any]:
        """Quantiles of training and of the batch at :data:`SHARES`, each of shape (19, n_columns)."""
        return self.reference.quantiles(SHARES)[:, : self.d], quantiles(self.X, SHARES)

    @cached_property
    def increments(self) -> tuple[Any, Any, Any]:
        """Differences of 1, of training's quantiles and of the batch's, each times the density of training there."""
        was, now = self.quantiles
        with np.errstate(invalid="ignore", over="ignore"):
            between = np.gradient(was, axis=0)
            dense = 1 / np.maximum(between, between.mean(axis=0) / C.most_dense + C.smallest_step)
            some = [np.diff(dense * of, axis=0, prepend=0.0, append=0.0) for of in (np.ones_like(was), was, now)]
        few = self.reference.few[: self.d]  # these have no density: as if it were the same everywhere
        for made, of in zip(some, (np.ones_like(was), was, now), strict=True):
            made[:-1, few], made[-1, few] = of[:, few], 0.0
        return some[0], some[1], some[2]

    @cached_property
    def effective(self) -> Any:
        """The rows that a comparison of two samples of these sizes is worth, of each column."""
        known = np.maximum((~np.isnan(self.X)).sum(axis=0), 1)
        return 1.0 / (1.0 / known + 1.0 / self.reference.rows[: self.d])

    @cached_property
    def together(self) -> Together | None:
        """The rank correlations of the batch beside those of training, where there are rows enough to tell."""
        learned = self.reference.profile.dependence
        if learned is None or self.n < C.least_rows_of_correlations:
            return None
        return Together(learned, self.X)

    def possible(self, j: int, values: Any) -> Any:
        """Return the nearest values that training could have had: of the few that a column takes, or on its step."""
        offset, step, _ = self.reference.profile.steps[:, j]
        if self.reference.few[j]:
            return self.reference.nearest_shared(j, values)
        return values - residual(values, offset, step) if step else values

    def on_values(self, Y: Any, columns: Any) -> Any:
        """Return Y with values that training could have had, where an undoing missed them by a little.

        One by a deviation of training misses by the choice between n and n - 1 rows.
        """
        Y = Y.copy()
        for j in map(int, columns):
            step, atoms = self.reference.profile.steps[1, j], self.reference.atoms(j)
            off = np.abs(Y[:, j] - self.reference.mean[j]) / self.reference.rows[j]
            if self.reference.few[j] or step:
                gap = np.diff(atoms).min(initial=np.inf) if self.reference.few[j] else step
                gap = gap if np.isfinite(gap) else self.reference.std[j]
                near = self.possible(j, Y[:, j])
                # Steps of the batch that are lost in rounding can't be undone.
                lost = np.ptp(self.X[:, j]) / np.ptp(Y[:, j]) * gap < C.lost * np.abs(self.X[:, j]).max()
                missed = np.inf if lost else np.maximum(C.missed * gap, off)
                Y[:, j] = np.where(np.abs(near - Y[:, j]) <= missed, near, Y[:, j])
            if len(atoms):
                near = nearest(Y[:, j], atoms)
                Y[:, j] = np.where(np.abs(near - Y[:, j]) <= self.reference.rounding[j], near, Y[:, j])
        return Y

    def misfit(self, Y: Any, columns: Any, drifted: bool = False) -> float:
        """Return minus the log of how probable distributions so far apart are, by the worst of some columns.

        Kolmogorov's and Smirnov's distance D, for which the probability is at most 2 exp(-2 D² n) (Massart 1990).
        """
        worst = 0.0
        # A normal variable that moves by so many deviations moves its distribution function by this at most.
        slack = float(self.reference.drift / np.sqrt(2 * np.pi)) if drifted else 0.0
        for j in columns:
            values, shares = self.reference.profile.sketches[j]
            x = np.sort(Y[~np.isnan(Y[:, j]), j])
            if len(values) and len(x) and self.varied[j]:
                found = np.mean(share_below(values, shares, x), axis=0)
                low, high = np.searchsorted(x, x, side="left"), np.searchsorted(x, x, side="right")
                off = np.abs(found - (low + high) / (2 * len(x))).max() - 0.5 / len(x) - slack
                rows = 1.0 / (1.0 / len(x) + 1.0 / self.reference.rows[j])
                worst = max(worst, 2.0 * max(off, 0.0) ** 2 * float(rows))
        return max(0.0, worst - float(np.log(2 * max(len(columns), 1))))


class ScalingState:
    """``kind``: "standard", "minmax", "maxabs", "robust", "unit" (rows of length 1) or "raw"."""

    def __init__(self, reference: Reference) -> None:
        d = reference.columns
        self.mean, self.std = reference.mean, reference.std
        self.low, self.high, self.middle = reference.low[:d], reference.high[:d], reference.middle[:d]
        self.width = reference.quantiles(0.75)[:d] - reference.quantiles(0.25)[:d]
        self.unit = d > 1 and bool(reference.profile.unit[1] >= 0.99)
        self.kind = self._kind(self.std > 0)

    def _kind(self, varied: Any) -> str:
        mean, std, low, high = (of[varied] for of in (self.mean, self.std, self.low, self.high))
        if not varied.any():
            return "raw"
        if (np.abs(mean) < C.scaled).all() and (np.abs(std - 1) < C.scaled).all():
            return "standard"
        if (np.abs(low) < C.bounded).all() and (np.abs(high - 1) < C.bounded).all():
            return "minmax"
        if (np.abs(np.maximum(np.abs(low), np.abs(high)) - 1) < C.bounded).all():
            return "maxabs"
        middle, width = self.middle[varied], self.width[varied]
        wide = width > 0
        if wide.mean() > 0.5 and _about(middle[wide], 0.0) and _about(width[wide], 1.0):
            return "robust"
        return "unit" if self.unit else "raw"

    @property
    def scaled(self) -> bool:
        """Whether each column was scaled before the profile was taken."""
        return self.kind not in ("raw", "unit")

    def scalers(self) -> Iterator[tuple[str, Any, Any]]:
        """Yield name, centre and scale of the scalers that would change data like the profile's."""
        found = {
            "standard": (self.mean, self.std),
            "minmax": (self.low, self.high - self.low),
            "robust": (self.middle, self.width),
            "maxabs": (0 * self.mean, np.maximum(np.abs(self.low), np.abs(self.high))),
        }
        for name, (centre, scale) in found.items():
            if name != self.kind and not (name == "maxabs" and self.kind == "minmax"):
                yield name, centre, np.where((scale > 0) & (self.std > 0), scale, 1.0)


def _about(values: Any, expected: float) -> bool:
    # The quantiles of a sketch are not quite those that the scaler took.
    off = np.abs(values - expected)
    return bool((off < 0.25).all() and np.median(off) < 0.05)


class Together:
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
        return self.worth * (self.R @ self.P[order] - 0.5 * (self.P[order] ** 2).sum(axis=0))

    def score(self, order: Any) -> float:
        """Return how well the correlations fit, all columns standing as in ``order``."""
        return -0.5 * self.worth * float(((self.R - self.P[np.ix_(order, order)]) ** 2).sum())

    def lacking(self, whole: Any) -> float:
        """Return by how much the columns of ``whole`` go together less than those of training, in nats."""
        P = self.P[np.ix_(whole, whole)]
        return self.worth * float(((P - self.R[np.ix_(whole, whole)]) * P).sum())

    @property
    def tells(self) -> bool:
        """Whether columns of training go together at all."""
        return bool((self.P**2).sum() > C.least_told * len(self.P))

    def agreement(self, order: Any = slice(None)) -> float:
        """Return the slope of the batch's correlations on those of training: 1 if they are the same, 0 if unrelated."""
        P = self.P[order][:, order]
        return float((self.R * P).sum() / max(float((P**2).sum()), 1e-12))


@dataclass(frozen=True)
class Candidate:
    """One way in which a batch may have come about, and the batch without it."""

    #: The name that it would have, and the columns that it touches.
    fault: str
    columns: Any
    #: The batch with the fault undone; NaN where a value is lost.
    undone: Any
    #: The price of what is told, in nats: an array with that of each column, or one number for all. See `price`.
    numbers: Any = 0.0
    #: The facts that are told, and those of single columns.
    details: dict[str, Any] = field(default_factory=dict)
    each: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Whether it touches the table as a whole, so that no columns are told.
    whole: bool = False
    #: Whether its parameters were estimated from the batch. Then the distributions must match, drift aside.
    free: bool = False
    #: Whether undoing gives training's values only nearly, as a deviation over n - 1 does; estimates always do.
    rounded: bool = False
    #: Whether it may be true of some of its columns only; an order is not.
    separable: bool = True
    #: Faults that would leave the same numbers.
    also: tuple[str, ...] = ()

    def price(self, d: int) -> float:
        """Return how much there is to say, in nats: the kind, which of d columns, and the numbers."""
        told = self.whole or not self.separable
        return C.kind + (0.0 if told else choice(d, len(self.columns))) + float(np.sum(self.numbers))

    def part(self, X: Any, kept: Any) -> Candidate:
        """Return the candidate with some of its columns, done to X."""
        numbers = self.numbers[np.isin(self.columns, kept)] if np.ndim(self.numbers) else self.numbers
        each = {j: self.each[j] for j in map(int, kept) if j in self.each}
        return replace(self, columns=kept, undone=replaced(X, kept, self.undone[:, kept]), numbers=numbers, each=each)


class Fault:
    """A kind of fault. A subclass in its family's file, and a place in the table, is all that a new kind takes."""

    name: str
    #: A sentence without its full stop, completed with the columns and the details.
    words: str
    remedy: str

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield what may have happened to a batch that alarms, if it was this fault."""
        return iter(())

    def inject(self, profile: Summary, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Return rows to which the fault was done, in some columns or in all."""
        raise NotImplementedError

    def sentence(self, columns: str, details: dict[str, Any]) -> str:
        """Return what happened, in a sentence without its full stop."""
        return self.words.format_map(_Details(details, columns=columns))


class Unknown(Fault):
    """The answer if nothing in the table undoes what the tests saw."""

    name = "unknown"
    words = "the data differs from training in {columns}, and nothing in the catalogue undoes it"
    remedy = "Look at the columns named. It may be the world that changed: retrain if the change is real."


class MissingChanged(Fault):
    """Words about missing values, which are told beside any fault, and of `unknown` if there is nothing else."""

    name = MISSING
    words = "missing values differ from training in {columns}: {missing}"
    remedy = "Find where the values were lost, or filled in, upstream: a join, a parser, a feed that stopped."


class _Details(dict):
    def __init__(self, details: dict[str, Any], columns: str) -> None:
        super().__init__({k: _said(v) for k, v in details.items()}, columns=columns)

    def __missing__(self, key: str) -> str:
        return "?"


def _said(value: Any) -> Any:
    """Return a number to six digits, and an interval as its two ends."""
    if isinstance(value, float):
        return f"{value:.6g}"
    interval = isinstance(value, list) and len(value) == 2 and all(isinstance(each, float) for each in value)
    return " and ".join(map(_said, value)) if interval else value


def replaced(X: Any, columns: Any, values: Any) -> Any:
    """Return a copy of X with other values in some columns."""
    Y = X.copy()
    Y[:, columns] = values
    return Y
