"""Values that were put in, cut off, rounded, wrapped round, recoded or copied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..calibration import CALIBRATION as C
from ..profiles.statistics import common_step, quantile, share_below
from .base import ColumnFault
from .case import Case, replaced

Ways = Iterator[tuple[Any, float, dict[str, Any]]]


class Stuck(ColumnFault):
    """A column of one value."""

    name = "stuck"
    words = "{columns} constant throughout ({value})"
    remedy = "Look for a feed that has stopped or a default that has taken over."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        for run in case.runs.get(j, [])[:1]:
            if run.count == run.n > 1:
                yield np.full(case.n, np.nan), C.usual_value, {"value": run.value}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:1, columns])


class Imputed(ColumnFault):
    """A constant in part of the rows, which few rows of training had; the other rows are left."""

    name = "imputed"
    words = "{columns} filled with a constant ({value}) in {share} of the rows"
    remedy = "Impute with the imputer that was fitted in training, or find out why the values are missing."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        for run in case.runs.get(j, [])[:1]:
            own = np.abs(case.reference.atoms(j) - run.value) <= case.reference.rounding[j]
            # (More rows of a value that many had may be another population.)
            if run.count < run.n and case.reference.masses(j)[own].sum() < C.usual:
                share = run.count / run.n
                told = {"value": run.value, "share": f"{share:.0%}", "fraction": share}
                yield np.where(x == run.value, np.nan, x), C.usual_value, told

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        rows = rng.random(len(X)) < 1 / 3
        return replaced(X, columns, np.where(rows[:, None], profile.mean[columns], X[:, columns]))


class Clipped(ColumnFault):
    """A column cut off at a bound, where the tail of training lay beyond; its rows become that tail, evenly."""

    name = "clipped"
    words = "{columns} cut off at {bounds}"
    remedy = "Look for a sensor's range, a type that overflows or a validation rule upstream."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        sketch, used, made = case.reference.profile.sketches[j], [], x.copy()
        for run in case.runs.get(j, []):
            below, up_to = (float(of[0]) for of in share_below(*sketch, np.array([run.value])))
            low, high = (0.0, up_to) if run.lowest else (below, 1.0)
            if run.lowest != run.highest and high - low > 0.5 / case.reference.rows[j]:
                part = (np.arange(run.count) + 0.5) / run.count
                made[x == run.value] = case.possible(j, quantile(*sketch, low + part * (high - low)))
                used.append(run)
        if used and case.runs[j][0] in used:
            bounds = " and ".join(f"{run.value:.6g}" for run in sorted(used, key=lambda run: run.value))
            told = {"bounds": bounds, "sides": sorted({"below" if run.lowest else "above" for run in used})}
            yield made, len(used) * float(np.log(case.n)), told

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, np.minimum(X[:, columns], profile.quantile(0.75)[columns]))


class Quantised(ColumnFault):
    """Coarser numbers than in training, on a grid; the rows of a step are spread out as training's are."""

    name = "quantised"
    words = "{columns} coarser than in training: {precision}"
    remedy = "Look for rounding, an integer type, or a quantised index upstream."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        known = ~np.isnan(x)
        points = np.unique(x[known])
        own = (1 + C.near_step) * case.reference.lattice[j]  # also of a column of few values
        for step in _steps(points) if len(points) > 1 else ():
            # Rounded to the nearest, downwards, or upwards.
            for below in (0.5, 0.0, 1.0) if step > own else ():
                made = x.copy()
                made[known] = case.possible(j, _spread_out(case, j, x[known], step, below))
                yield made, C.usual_value, {"precision": f"steps of {step:.4g}", "step": step}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        step = np.nan_to_num(profile.std[columns]) * C.injected_step + C.smallest_step
        return replaced(X, columns, np.rint(X[:, columns] / step) * step)


def _steps(points: Any) -> list[float]:
    """Return the greatest steps of which all points are multiples: round numbers, and a common one."""
    greatest = np.ceil(np.log10(max(np.abs(points).max(), C.smallest_step)))
    round_ = np.outer(10.0 ** np.arange(greatest, greatest - 9, -1), [5.0, 2.0, 1.0]).ravel()
    round_ = round_[round_ > 8 * C.rounding * np.abs(points).max()]  # of smaller ones, all numbers are multiples
    off = np.abs(points - np.rint(points / round_[:, None]) * round_[:, None])
    found = round_[(off <= 2 * C.rounding * np.abs(points)).all(axis=1)][:4].tolist()
    return [*found, common] if (common := common_step(points)) else found


def _spread_out(case: Case, j: int, x: Any, step: float, below: float) -> Any:
    """Return the rows of each step at even shares of training's rows that are rounded to it, where there are any.

    ``below`` is the part of a step that lies below the value it is rounded to.
    """
    sketch = case.reference.profile.sketches[j]
    points, at, count = np.unique(x, return_inverse=True, return_counts=True)
    low, high = np.mean(share_below(*sketch, np.stack([points - below * step, points + (1 - below) * step])), axis=0)
    # Rows of one step in an order of chance: a batch may be sorted, and would go together with that.
    rank = np.lexsort((np.random.default_rng(0).random(len(x)), x)).argsort()
    place = (rank - (count.cumsum() - count)[at] + 0.5) / count[at]
    inner = quantile(*sketch, low[at] + place * (high - low)[at])
    return np.where((high > low)[at] & (np.abs(inner - x) <= step), inner, x + (place - below) * step)


class Wrapped(ColumnFault):
    """Whole numbers that overflowed a type: as often as training makes it likely, drawn for each row."""

    name = "wrapped"
    words = "{columns} wrapped round: values from {low} on overflowed a type of {bits} bits"
    remedy = "Find the type that is too narrow upstream, and widen it."
    drawn = True

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        x, low, high = (case.to_raw(of, j) for of in (x, case.reference.low[j], case.reference.high[j]))
        known = x[~np.isnan(x)]
        if not len(known) or (known != np.rint(known)).any():
            return
        for dtype in (np.iinfo(name) for name in ("i1", "u1", "i2", "u2", "i4", "u4")):
            size = 2.0**dtype.bits
            first, last = np.ceil((low - known.max()) / size), np.floor((high - known.min()) / size)
            inside = dtype.min <= known.min() and known.max() <= dtype.max
            if inside and (low < dtype.min or high > dtype.max) and 0 < last - first < C.most_codes:
                made = case.from_raw(x[:, None] + size * np.arange(first, last + 1), j)
                likely = case.density(j, made).cumsum(axis=1)
                drawn = np.random.default_rng(0).random((len(x), 1)) * likely[:, -1:]
                at = np.minimum((likely <= drawn).sum(axis=1), int(last - first))
                yield made[np.arange(len(x)), at], C.usual_value, {"bits": dtype.bits, "low": dtype.max + 1.0}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, (np.rint(X[:, columns]) + 2**15) % 2**16 - 2**15)


class Recoded(ColumnFault):
    """Codes that stand for other things: moved by one or two places, or exchanged, as fits best."""

    name = "recoded"
    words = "{columns} with other codes: {codes}"
    remedy = "Use the encoder that was fitted in training; see normlock verify."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        reference, atoms, masses = case.reference, case.reference.atoms(j), case.reference.masses(j)
        if not reference.few[j] or not 2 <= len(atoms) <= C.most_codes:
            return

        def known(codes: Any) -> bool:
            return bool((reference.off(j, codes) <= reference.rounding[j]).all())

        values, counts = np.unique(x[~np.isnan(x)], return_counts=True)
        step = reference.lattice[j] or float(np.diff(atoms).min())
        for by in (-2, -1, 1, 2):
            if known(values - by * step):
                told = f"each {'more' if by > 0 else 'less'} by {abs(by) * step:.6g}"
                yield x - by * step, C.usual_value, {"codes": told}
        inside = len(values) > 1 and reference.low[j] <= values[0] and values[-1] <= reference.high[j]
        if known(values) and inside and len(values) <= len(atoms):
            # Hellinger's distance of the shares; a code that could stay stays.
            cost = case.n * (np.sqrt(counts / counts.sum())[:, None] - np.sqrt(masses)) ** 2
            cost -= C.same_code * (np.abs(values[:, None] - atoms) <= reference.rounding[j])
            made = atoms[linear_sum_assignment(cost)[1]]
            if changed := int((np.abs(values - made) > reference.rounding[j]).sum()):
                undone = np.where(np.isnan(x), np.nan, made[np.minimum(np.searchsorted(values, x), len(made) - 1)])
                told = f"{changed} of {len(values)} exchanged"
                yield undone, changed * float(np.log(len(atoms))), {"codes": told}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:, columns] + 1.0)


class ColumnCopied(ColumnFault):
    """A column that has another one's numbers, which it had not in training."""

    name = "column_copied"
    words = "{columns} with the same numbers as another column: {copy_of}"
    remedy = "Look for a column that was selected or joined twice, or written over."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        same = np.flatnonzero((case.X == x[:, None]).all(axis=0))
        if len(same) > 1 and np.ptp(x) > 0:
            other = int(same[same != j][0])
            told = {"copy_of": case.reference.profile.names[other] if case.reference.profile.names else other}
            yield np.full(case.n, np.nan), float(np.log(case.d)), told

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns[:1], X[:, (columns[:1] + 1) % X.shape[1]])
