"""A batch that alarms beside the training that it is compared with: what the faults ask of both, made once."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import chdtrc, gammaln

from ..calibration import CALIBRATION as C
from ..profiles.dependence import Dependence, rank_scores
from ..profiles.statistics import quantile, quantiles, share_below
from ..tests import Evidence, weigh
from ..tests.reference import Reference
from ..tests.values import Run, odd_runs

SHARES = np.linspace(0.05, 0.95, 19)
TENTHS = SHARES[1::2]


class Case:
    """One batch, its evidence and a few robust summaries, made once and only if they are asked for.

    ``X`` has NaN for missing values and no infinite ones. ``scaler`` is centre and scale of the scaler that the profile
    is behind of, if they are known.
    """

    def __init__(self, reference: Reference, X: Any, evidence: Evidence, budget: float, scaler: Any = None) -> None:
        self.reference, self.X, self.evidence, self.budget, self.scaler = reference, X, evidence, budget, scaler
        self.n, self.d = X.shape
        self.varied = reference.std > 0
        self.every = np.flatnonzero(self.varied)
        #: Columns that alarm; if only the whole table does, those that lean most. Those of them that vary.
        self.odd = flagged if len(flagged := evidence.flagged()) else evidence.leaning()
        self.columns = self.odd[self.varied[self.odd]]
        #: Whether as many alarm as if the whole table were at fault.
        self.many = len(self.columns) >= C.many * len(self.every)
        self.kind = kind_of_scaling(reference)
        #: Whether each column was scaled before the profile was taken, and whether by a scaler that is not known.
        self.scaled = self.kind not in ("raw", "unit")
        self.blind = self.scaled and scaler is None
        self.line = (np.zeros(self.d), np.ones(self.d)) if scaler is None else scaler

    def to_raw(self, Y: Any, columns: Any = slice(None)) -> Any:
        """Return numbers of some columns as they were before a known scaler."""
        return Y * self.line[1][columns] + self.line[0][columns]

    def from_raw(self, Y: Any, columns: Any = slice(None)) -> Any:
        """Return numbers of some columns as a known scaler makes them."""
        return (Y - self.line[0][columns]) / self.line[1][columns]

    def without(self, columns: Any, slope: Any, offset: Any = 0.0) -> Any:
        """Return some columns less an offset and over a slope, both of the raw numbers if the scaler is known."""
        return self.from_raw((self.to_raw(self.X[:, columns], columns) - offset) / slope, columns)

    def weigh(self, Y: Any, touched: Any = (), drawn: bool = False) -> Evidence:
        """Return what the same tests say of the batch with a fault undone; missing values are told beside any fault.

        Columns that lost values, or whose values were ``drawn``, need not go together with others.
        """
        found = weigh(self.reference, Y, {}, self.budget, self.evidence.requests)
        lost = len(touched) > 0 and bool(np.isnan(Y[:, touched]).any())
        found.spare_missing(lost)
        if (lost or drawn) and "dependence" in found.log_p:
            found.log_p["dependence"][:, touched] = 0.0
        return found

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

    def divergence(self, j: int, x: Any, drifted: bool = False) -> float:
        """Return how far values are from training's in a column, in nats: the divergence of bins, times the rows.

        It is Kullback & Leibler's (1951), less what the tolerated drift makes if the values have ``drifted``.
        """
        x = x[~np.isnan(x)]
        if not len(x) or not self.varied[j]:
            return 0.0
        edges, log_share = self._bins[j]
        count = np.bincount(np.searchsorted(edges, x), minlength=len(log_share))
        own = np.log(np.maximum(count, 1) / len(x)) - log_share
        rows = 1.0 / (1.0 / len(x) + 1.0 / self.reference.rows[j])
        return rows * (float((count * own).sum()) / len(x) - drifted * 0.5 * self.reference.drift**2)

    def divergences(self, Y: Any, columns: Any, drifted: bool = True) -> tuple[Any, Any]:
        """Return the divergence of some columns of Y, and the degrees of freedom of each: twice what chance makes."""
        found = np.array([self.divergence(j, Y[:, j], drifted) for j in columns])
        return found, np.array([len(self._bins[j][0]) for j in columns])

    def fits(self, Y: Any, columns: Any, closely: bool) -> bool:
        """Tell whether no column diverges by more than chance, or chance and a drift: by chi squared (Wilks 1938)."""
        if len(Y) != self.n:  # rows that are left out leave the others as they are
            return True
        found, freedom = self.divergences(Y, columns, drifted=not closely)
        least = np.exp(C.log_fit if closely else C.log_unseen) / max(len(columns), 1)
        return bool(chdtrc(freedom.clip(1), 2 * found.clip(0)).min(initial=1.0) >= least)

    def oddness(self, columns: Any) -> float:
        """Return how odd the batch is, in nats: as a whole, or all of some columns together, whichever is more."""
        return -min(self.evidence.log_p_value, float(self.evidence.by_column()[columns].sum()))

    def unexplained(self, Y: Any, columns: Any = None) -> float:
        """Return what is left to explain in all or some columns, in nats: divergence beyond chance and a drift.

        Columns that only grow are expected elsewhere.
        """
        columns = np.setdiff1d(self.every if columns is None else columns, self.reference.profile.growing)
        found, freedom = self.divergences(Y, columns)
        return float((found - 0.5 * freedom).clip(0).sum())

    @cached_property
    def unlike(self) -> float:
        """All that there is to explain, in nats."""
        return self.unexplained(self.X)

    @cached_property
    def untold(self) -> float:
        """The price of no name, in nats: the shares of the bins of each odd column are told instead (BIC)."""
        numbers = 0.5 * float(np.log(self.n)) * sum(len(self._bins[j][0]) for j in self.odd)
        others = self.unexplained(self.X, np.setdiff1d(self.every, self.odd))
        return C.kind + choice(self.d, len(self.odd)) + numbers + others

    @cached_property
    def runs(self) -> dict[int, list[Run]]:
        """The odd runs of equal values of each column, the most frequent first."""
        found: dict[int, list[Run]] = {}
        for run in sorted(odd_runs(self.reference, np.sort(self.X.T, axis=1)), key=lambda run: -run.count):
            found.setdefault(run.column, []).append(run)
        return found

    @cached_property
    def increments(self) -> tuple[Any, Any, Any]:
        """Differences of 1, of training's quantiles and of the batch's, each times the density of training there.

        A column of few values has no density; its quantiles are taken as they are, in deviations.
        """
        was, now = self.reference.quantiles(SHARES)[:, : self.d], quantiles(self.X, SHARES)
        between = np.gradient(was, axis=0)
        dense = 1 / np.maximum(between, between.mean(axis=0) / C.most_dense + C.smallest_step)
        few, made = self.reference.few[: self.d], []
        for of in (np.ones_like(was), was, now):
            as_they_are = np.pad(of / self.reference.std, ((0, 1), (0, 0)))
            made.append(np.where(few, as_they_are, np.diff(dense * of, axis=0, prepend=0.0, append=0.0)))
        return made[0], made[1], made[2]

    @cached_property
    def error(self) -> Any:
        """The standard error of the difference of two means, in deviations, of each column."""
        known = np.maximum((~np.isnan(self.X)).sum(axis=0), 1)
        return np.sqrt(1.0 / known + 1.0 / self.reference.rows[: self.d])

    @cached_property
    def together(self) -> Together | None:
        """The rank correlations of the batch beside those of training, where there are rows enough to tell."""
        learned = self.reference.profile.dependence
        return None if learned is None or self.n < C.few else Together(learned, self.X)

    def impossible(self, j: int, values: Any) -> Any:
        """Tell which values training can't have had in a column: none of the few that it takes, or off its step."""
        slack = max(self.reference.rounding[j], C.near_step * self.reference.lattice[j])
        return self.reference.off(j, values) > slack

    def density(self, j: int, values: Any) -> Any:
        """Return how dense training is about values of a column, in one unit for all; 0 where they are impossible."""
        width = C.density_width * self.reference.std[j]
        sketch = self.reference.profile.sketches[j]
        about = share_below(*sketch, values + width)[1] - share_below(*sketch, values - width)[0]
        return np.where(self.impossible(j, values), 0.0, about)

    def on_values(self, Y: Any, columns: Any) -> Any:
        """Return Y with values that training could have had, where an undoing missed them by a little.

        One by a deviation of training misses by the choice between n and n - 1 rows.
        """
        Y = Y.copy()
        for j in map(int, columns):
            near, gaps = self.reference.nearest_shared(j, Y[:, j]), np.diff(self.reference.atoms(j))
            gap = self.reference.lattice[j] or gaps.min(initial=self.reference.std[j])
            missed = np.maximum(C.missed * gap, np.abs(Y[:, j] - self.reference.mean[j]) / self.reference.rows[j])
            # Steps of the batch that are lost in rounding can't be undone.
            lost = np.ptp(self.X[:, j]) / np.ptp(Y[:, j]) * gap < C.lost * np.abs(self.X[:, j]).max()
            Y[:, j] = np.where((np.abs(near - Y[:, j]) <= missed) | lost, near, Y[:, j])
        return Y


def kind_of_scaling(reference: Reference) -> str:
    """Return "standard", "minmax", "robust", "maxabs", "unit" (rows of length 1) or "raw", by the numbers alone."""
    at = reference.std > 0
    missed = {"standard": C.scaled, "minmax": C.exact, "robust": C.sketched, "maxabs": C.exact}
    for name, (centre, scale) in scalers(reference).items():
        off = np.abs([centre, scale - 1])[:, at & (scale > 0)]
        if 2 * off.shape[1] > at.sum() and off.max() < missed[name] and np.median(off) < missed[name] / 5:
            return name
    return "unit" if at.sum() > 1 and reference.profile.unit[1] >= C.usual_norm else "raw"


def scalers(reference: Reference) -> dict[str, tuple[Any, Any]]:
    """Return centre and scale of the scalers that would be fitted on the rows of the profile, by name."""
    d = reference.columns
    first, middle, third = (reference.quantiles(share)[:d] for share in (0.25, 0.5, 0.75))
    low, high = reference.low[:d], reference.high[:d]
    return {
        "standard": (reference.mean, reference.std),
        "minmax": (low, high - low),
        "robust": (middle, third - first),
        "maxabs": (0 * low, np.maximum(np.abs(low), np.abs(high))),
    }


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

    def agreement(self, order: Any = slice(None)) -> tuple[float, float]:
        """Return the slope of the batch's correlations on those of training (1 if these are none), and its error."""
        P = self.P[order][:, order]
        strength = float((P**2).sum())
        if strength <= C.least_told * len(P):
            return 1.0, 1.0
        return float((self.R * P).sum() / strength), C.errors / float(np.sqrt(self.worth * strength))


def choice(d: int, k: int) -> float:
    """Return the price of saying which k of d columns, in nats: all, or else how many, and which of as many."""
    if k in (0, d):
        return float(np.log(2))
    return float(np.log(2 * k * (k + 1)) + gammaln(d + 1) - gammaln(k + 1) - gammaln(d - k + 1))


def replaced(X: Any, columns: Any, values: Any) -> Any:
    """Return a copy of X with other values in some columns."""
    Y = X.copy()
    Y[..., columns] = values
    return Y
