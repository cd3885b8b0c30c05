"""A batch that alarms, and what every fault asks of it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.sketch import share_below
from ..profiles.statistics import quantiles
from ..profiles.steps import rest
from ..tests.evidence import Evidence, weigh
from ..tests.reference import Reference
from .scaling import ScalingState
from .together import Together

SHARES = np.linspace(0.05, 0.95, 19)


class Case:
    """One batch, its evidence and a few robust summaries, made once and only if they are asked for.

    Parameters
    ----------
    reference : Reference
        What the batch is compared with.
    X : ndarray of shape (n_rows, n_columns)
        The batch; missing values are NaN, and there are no infinite ones.
    evidence : Evidence
        What the tests said of it.
    budget : float
        The budget of the check.
    scaler : tuple of ndarray or None
        Centre and scale of the scaler that the profile is behind of, if they are known.
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
        found = weigh(self.reference, Y, {}, self.budget)
        if len(touched) and "missing" in found.log_p:
            found.log_p["missing"].reshape(-1, self.d)[:, touched] = 0.0
        if len(touched) and np.isnan(Y[:, touched]).any():
            found.spare_rows()  # a row without one of its values has another length
        return found

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
        return values - rest(values, offset, step) if step else values

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
