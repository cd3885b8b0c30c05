"""A batch that alarms, the faults that may have been done to it, and candidates: inverses that could undo one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.dependence import Dependence, rank_scores
from ..profiles.sketch import residual, share_below
from ..profiles.statistics import quantiles
from ..profiles.summary import Summary
from ..tests import Evidence, weigh
from ..tests.reference import Reference

MISSING = "missing values"
SHARES = np.linspace(0.05, 0.95, 19)


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
        return found

    def oddness(self, columns: Any) -> float:
        """Return how odd the batch is, in nats: as a whole, or all of some columns together, whichever is more."""
        return -min(self.evidence.log_p_value, float(self.evidence.by_column()[columns].sum()))

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

    def on_values(self, Y: Any, columns: Any, estimated: bool) -> Any:
        """Return Y with values that training could have had, where an undoing missed them by a little.

        An undoing whose slope and offset were estimated misses by their standard errors, too; one by a deviation of
        training misses by the choice between n and n - 1 rows.
        """
        Y = Y.copy()
        for j in map(int, columns):
            step = self.reference.profile.steps[1, j]
            if self.reference.few[j] or step:
                gap = np.diff(self.reference.atoms(j)).min(initial=np.inf) if self.reference.few[j] else step
                gap = gap if np.isfinite(gap) else self.reference.std[j]
                near = self.possible(j, Y[:, j])
                off = np.abs(Y[:, j] - self.reference.mean[j]) / self.reference.rows[j]
                error = C.errors * self.reference.std[j] / np.sqrt(self.effective[j]) if estimated else off
                Y[:, j] = np.where(np.abs(near - Y[:, j]) <= np.maximum(C.missed * gap, error), near, Y[:, j])
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
                worst = max(worst, 2.0 * max(off, 0.0) ** 2 * float(self.effective[j]))
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
    #: How much there is to say, in nats: which columns, which of the known parameters, each estimated one.
    cost: float
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
