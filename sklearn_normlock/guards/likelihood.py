"""How well a batch fits a profile, once what a fault did to it is undone.

Hypotheses that change the scale pay by their Jacobian, as they must.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import rel_entr

from .profiles.precision import coarser
from .profiles.statistics import median, nearest, share_of_value
from .tests.reference import Reference
from .tests.tails import log_choose
from .tests.ties import LEAST, Run, moves_onto_values, odd_runs, run_of, together
from .tests.tilt import kindest

#: What a value costs that a hypothesis can't have produced at all (a logarithm below 0, say).
IMPOSSIBLE = -40.0
#: Rows that hypotheses are compared on.
ROWS, _CELLS = 128, 32_768
#: In columns that take few values, one that is off them by so much of the scale costs so much, but all of them no more
#: than that.
_OFF, _MISS, _MOST_MISSED = 0.03, 4.0, 80.0
#: Shifts to either side that are looked at, and again around the best of them.
_STEPS = 5
#: A value stands out from its neighbours if so many rows have it.
_ALONE = 0.05
#: How many times the range of training lies between it and what no drift reaches.
_FAR = 3.0
#: No charge of a single column may outvote all the others.
_MOST = 200.0


class Likelihood:
    """The log-likelihood of a batch under a profile, column by column.

    Parameters
    ----------
    reference : Reference
        The profile's thresholds.
    X : ndarray of shape (n_rows, n_columns)
        The batch, finite or NaN.
    """

    def __init__(self, reference: Reference, X: Any) -> None:
        self.reference = reference
        n = len(X)
        most = int(np.clip(_CELLS // X.shape[1], 32, ROWS))
        self.X = X[np.linspace(0, n - 1, min(n, most)).astype(np.int64)]
        self.n = len(self.X)
        d = self.columns = X.shape[1]
        self.density = reference.density
        self.middle, self.scale, self.varied = self.density.middle, self.density.scale, self.density.varied
        self.tolerance = reference.tolerance[:d]
        #: Of columns that have hardly any but repeated values, these.
        self.atoms = {j: reference.atoms(j) for j in np.flatnonzero(self.varied).tolist() if reference.few[j]}
        self.weight = self.density.weight(self.n)
        runs = odd_runs(reference, np.sort(self.X, axis=0)) if self.n >= LEAST else []
        self.runs = [self._alone(run) for run in runs]
        self.coarse = coarser(reference, self.X) if self.n > 1 else np.zeros(d)
        self.charged = np.flatnonzero(self.coarse < -7)
        # A value that k rows share is no draw from a density: of a stretch, each has a part of one value's Jacobian.
        self.different = share_of_value(self.X)
        self.singly = self.different.copy()
        # Rows that share a value which they should not are one observation, whatever is made of it: that they are many
        # is charged for apart. (Else a slope near 0 would explain them best of all.)
        self.counts = np.ones(self.X.shape)
        for run in self.runs:
            if run.log_p < -7:
                rows = self.X[:, run.column] == run.value
                self.counts[rows, run.column], self.singly[rows, run.column] = 1.0 / run.count, 1.0
        self._shared()

    def _alone(self, run: Run) -> Run:
        """Return a run far beyond all values of training, where the others are, as odd as so many are there.

        No drift brings a value there: that rows which have it became more frequent is no excuse.
        """
        j, low, high = run.column, self.reference.low[run.column], self.reference.high[run.column]
        far = (high - low) * _FAR
        if low - far <= run.value <= high + far:
            return run
        others = self.X[self.X[:, j] != run.value, j]
        inside = (others >= low - self.tolerance[j]) & (others <= high + self.tolerance[j])
        if inside.sum() <= 0.5 * (run.n - run.count):
            return run
        beyond = log_choose(run.n, run.count) - run.count * np.log(self.reference.rows[j] + 1)
        return replace(run, log_p=min(run.log_p, float(beyond)))

    def _quantile(self, q: float) -> Any:
        return self.reference.quantiles(q)[: self.columns]

    def of(self, Y: Any, log_slope: Any = 0.0, columns: Any = None, batch: Any = None) -> Any:
        """Return the log-likelihood of each column, moved within the tolerance to where it fits better.

        Parameters
        ----------
        Y : ndarray of shape (n_rows, n_columns)
            The batch with the fault undone; NaN where that is impossible.
        log_slope : array-like, default=0
            Logarithm of the absolute slope of the undoing, dY/dX, at each value, or for all of them.
        columns : ndarray of int, default=None
            The profile's columns that those of Y are compared with.
        batch : ndarray of int, default=None
            The batch's columns that Y was made of, if they are others.

        Returns
        -------
        log_likelihood : ndarray of shape (n_columns,)
            Tempered by the size of the profile, and less what the ties and the precision of Y cost.
        """
        at = np.arange(self.columns) if columns is None else columns
        made_of = at if batch is None else batch
        counts, log_slope = self.counts[:, made_of], log_slope * self.singly[:, made_of]
        best = (counts * self._values(Y, log_slope, at)).sum(axis=0)
        with np.errstate(invalid="ignore"):
            moved = np.clip(self.middle[at] - median(Y), -self.tolerance[at], self.tolerance[at])
        best = np.maximum(best, (counts * self._values(Y + np.nan_to_num(moved), log_slope, at)).sum(axis=0))
        best += self.frequent(Y, at, made_of) - self.missed(Y, at, made_of)
        return np.where(self.varied[at], best * self.weight[at], 0.0)

    def drifted(self) -> Any:
        """Return the log-likelihood of each column as it is, after whatever drift within the tolerance fits best."""
        reference, columns = self.reference, np.arange(self.columns)

        def moved_by(part: Any) -> Any:
            Y = self.X + part * self.tolerance
            found = (self.counts * self._values(Y, 0.0, columns)).sum(axis=0)
            return found + self.frequent(Y, columns, columns) - self.missed(Y, columns, columns)

        at, best = np.zeros(self.columns), moved_by(0.0)
        tilted = best + kindest(reference.fine[:, columns], reference.mean, reference.std, reference.drift, self.X)
        steps = np.delete(np.arange(-_STEPS, _STEPS + 1), _STEPS) / _STEPS
        # Anywhere, or so that middles or frequent values are where they were; then around the best by smaller steps.
        for parts in ((*steps, *self._likely_shifts()), steps / _STEPS, steps / _STEPS**2):
            around = at
            for step in parts:
                part = np.clip(around + step, -1.0, 1.0)
                found = moved_by(part)
                at, best = np.where(found > best, part, at), np.maximum(best, found)
        best = np.maximum(best, tilted)
        return np.where(self.varied, best * self.weight, 0.0)

    def _likely_shifts(self) -> Any:
        # Of each column, in parts of the tolerance: to its middle, and of few values from the most frequent to others.
        tolerance = np.where(self.tolerance > 0, self.tolerance, 1.0)
        shifts = {}
        for j in self.atoms:
            values, counts = np.unique(self.X[~np.isnan(self.X[:, j]), j], return_counts=True)
            if len(values):
                shifts[j] = -moves_onto_values(self.reference, j, values, counts) / tolerance[j]
        out = np.zeros((1 + max(map(len, shifts.values()), default=0), self.columns))
        out[0] = np.nan_to_num(self.middle - median(self.X)) / tolerance
        for j, by in shifts.items():
            out[1 : 1 + len(by), j] = by
        return out

    def _values(self, Y: Any, log_slope: Any, at: Any) -> Any:
        density = self.density.of(Y, at) + log_slope
        lost = np.isnan(Y)
        if Y.shape == (self.n, len(at)) and len(at) <= self.columns:
            lost &= ~np.isnan(self.X[:, at])
        density = np.where(lost, IMPOSSIBLE, density)
        return np.where(np.isnan(density), 0.0, np.maximum(density, IMPOSSIBLE * 2))

    def missed(self, Y: Any, at: Any, made_of: Any) -> Any:
        """Return what it costs columns of few values that values are none of these: each different one once."""
        out = np.zeros(len(at))
        for i in np.flatnonzero(np.isin(at, list(self.atoms))) if self.atoms else ():
            j = int(at[i])
            with np.errstate(invalid="ignore"):
                off = self.reference.off(j, Y[:, i]) > _OFF * self.scale[j]
            out[i] = min(_MISS * float((self.different[:, made_of[i]] * off).sum()), _MOST_MISSED)
        return out

    def _shared(self) -> None:
        # Values that several rows share: column, first row, how many rows; and the values to lay them on, in one array.
        found = []
        for j in np.flatnonzero(self.varied & (self.different < 0.5).any(axis=0)).tolist():
            _, first, count = np.unique(self.X[:, j], return_index=True, return_counts=True)
            found += [(j, row, k) for row, k in zip(first[count >= LEAST], count[count >= LEAST], strict=True)]
        self.shared = np.array(found, np.int64).reshape(-1, 3).T
        most = max((len(self.reference.atoms(j)) for j in range(self.columns)), default=0)
        self.all_atoms, self.masses = np.full((self.columns, most), np.inf), np.zeros((self.columns, most))
        for j in range(self.columns):
            atoms = self.reference.atoms(j)
            self.all_atoms[j, : len(atoms)], self.masses[j, : len(atoms)] = atoms, self.reference.masses(j)

    def frequent(self, Y: Any, at: Any, made_of: Any) -> Any:
        """Return what is to be added for values that several rows share, where they lie on such values of training.

        Those that count once: how well their shares fit (the others pay for there being few of them; without this a
        column of which most is 0 would fit itself badly). And the width over which a share is spread out is a matter of
        the density, and must not speak for one place or another.
        """
        out = np.zeros(len(at))
        place = np.full(self.columns, -1)
        place[made_of] = np.arange(len(made_of))
        column, row, count = self.shared
        i = place[column]
        if not self.all_atoms.shape[1] or not (i >= 0).any():
            return out
        i, column, row, count = (v[i >= 0] for v in (i, column, row, count))
        j, y = at[i], Y[row, i]
        with np.errstate(invalid="ignore"):
            off = np.abs(self.all_atoms[j] - y[:, None])
            at_atom = np.nan_to_num(off, nan=np.inf).argmin(axis=1)
            on = off[np.arange(len(y)), at_atom] <= _OFF * self.scale[j]
        i, j, y, column, row, count, at_atom = (v[on] for v in (i, j, y, column, row, count, at_atom))
        once = self.counts[row, column] < 1
        wide = 0.5 * np.log1p(((y - self.middle[j]) / self.scale[j]) ** 2) + np.log(self.scale[j] / self.scale[column])
        wide = np.where(self.masses[j, at_atom] > _ALONE, wide, 0.0)  # those that lie close make a density
        np.add.at(out, i, np.where(once, 1, count) * wide)
        i, share, found = i[once], self.masses[j, at_atom][once], count[once] / self.n
        # (That there are more of them than in training is charged for apart.)
        rarer = np.where(found < share, rel_entr(found, share) + rel_entr(1 - found, 1 - share), 0.0)
        shares, founds, rarer = (np.bincount(i, v, len(at)) for v in (share, found, rarer))
        left = np.maximum(1 - shares, 1 / self.reference.rows[at])
        return out - self.n * ((1 - founds) * np.log(left) + rarer)

    def on_values(self, Y: Any) -> Any:
        """Return Y with what is about a value of training made that value, in columns that take few."""
        Y = Y.copy()
        for j, atoms in self.atoms.items():
            at = nearest(Y[:, j], atoms)
            Y[:, j] = np.where(np.abs(Y[:, j] - at) <= _OFF * self.scale[j], at, Y[:, j])
        return Y

    def all_on_values(self, Y: Any, asked: Any) -> Any:
        """Return which of the columns asked take few values, have two of these at least in Y, and no others."""
        found = np.zeros(self.columns, bool)
        for j in (j for j in self.atoms if asked[j]):
            values = np.unique(Y[~np.isnan(Y[:, j]), j])
            found[j] = len(values) > 1 and bool((self.reference.off(j, values) <= self.reference.rounding[j]).all())
        return found

    def charges(self, Y: Any, undo: Any = None) -> tuple[Any, Any]:
        """Return of each column what its repeated values and its coarse grid cost, once a fault is undone.

        Parameters
        ----------
        Y : ndarray of shape (n_rows, n_columns)
            The batch with the fault undone.
        undo : callable, default=None
            Takes a run of the batch, returns its value in Y; None where nothing was done to values.

        Returns
        -------
        repeated, coarse : ndarray of shape (n_columns,)
            Not negative.
        """
        out = np.zeros(self.columns)
        undone: dict[int, list[Run]] = {}
        for run in self.runs:
            j = run.column
            if undo is not None:
                if np.isfinite(value := undo(run)):  # what it can't have been done to is as odd as it was
                    run = run_of(self.reference, j, value, run.count, n=run.n, off=_OFF * self.scale[j])
                    if run.usual:
                        undone.setdefault(j, []).append(run)
            out[j] = max(out[j], -run.log_p)
        for j, runs in undone.items():
            if len(runs) > 1:
                out[j] = max(out[j], -together(self.reference, j, runs))
        coarse = np.zeros(self.columns)
        if len(self.charged):
            coarse[self.charged] = -coarser(self.reference, Y)[self.charged]
        return np.minimum(out, _MOST), np.minimum(coarse, _MOST)

    def runs_of(self, column: int) -> list[Run]:
        """Return the odd runs of a column."""
        return [run for run in self.runs if run.column == column]
