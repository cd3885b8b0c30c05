"""Values that were put in, cut off, rounded, wrapped round, recoded or copied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import gammaln

from ..calibration import CALIBRATION as C
from ..profiles.statistics import common_step, quantile, share_below
from .base import ColumnFault
from .case import Case, choice, replaced

Ways = Iterator[tuple[Any, float, dict[str, Any]]]


class Stuck(ColumnFault, name="stuck"):
    """A column of one value."""

    words = "{columns} constant throughout ({value})"
    remedy = "Look for a feed that has stopped or a default that has taken over."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        for run in case.runs.get(j, [])[:1]:
            if run.count == run.n:
                yield np.full(case.n, np.nan), C.usual_value, {"value": run.value}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:1, columns])


class Imputed(ColumnFault, name="imputed"):
    """A constant in part of the rows, which few rows of training had; the other rows are left."""

    words = "{columns} filled with a constant ({value}) in {share} of the rows"
    remedy = "Impute with the imputer that was fitted in training, or find out why the values are missing."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        for run in case.runs.get(j, [])[:1]:
            own = np.abs(case.reference.atoms(j) - run.value) <= case.reference.rounding[j]
            # (More rows of a value that many had may be another population.)
            if run.count < run.n and case.reference.masses(j)[own].sum() < C.usual:
                told = {"value": run.value, "share": f"{run.count / run.n:.0%}", "fraction": run.count / run.n}
                price = C.usual_value + 0.5 * float(np.log(case.n))  # of the value, and of the share, an estimate
                yield np.where(x == run.value, np.nan, x), price, told

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        rows = rng.random(len(X)) < 1 / 3
        return replaced(X, columns, np.where(rows[:, None], profile.mean[columns], X[:, columns]))


class Clipped(ColumnFault, name="clipped"):
    """A column cut off at a bound, where the tail of training lay beyond; its rows become that tail, evenly."""

    words = "{columns} cut off at {bounds}"
    remedy = "Look for a sensor's range, a type that overflows or a validation rule upstream."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        sketch, made, bounds = case.reference.profile.sketches[j], x.copy(), {}
        for run in case.runs.get(j, []):
            below, up_to = share_below(*sketch, run.value)
            low, high = (0.0, up_to) if run.lowest else (below, 1.0)
            if run.lowest != run.highest and high - low > 0.5 / case.reference.rows[j]:
                part = (np.arange(run.count) + 0.5) / run.count
                made[x == run.value] = case.reference.nearest_shared(j, quantile(*sketch, low + part * (high - low)))
                bounds["below" if run.lowest else "above"] = run.value
        if bounds:
            told = {"bounds": " and ".join(f"{at:.6g}" for at in sorted(bounds.values())), "sides": sorted(bounds)}
            yield made, len(bounds) * float(np.log(case.n)), told

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, np.minimum(X[:, columns], profile.quantile(0.75)[columns]))


class Quantised(ColumnFault, name="quantised"):
    """Coarser numbers than in training, on a grid; each row becomes one of training's that are rounded to it."""

    words = "{columns} coarser than in training: {precision}"
    remedy = "Look for rounding, an integer type, or a quantised index upstream."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        sketch, points = case.reference.profile.sketches[j], np.unique(x[~np.isnan(x)])
        # Two or three values that repeat have no common step that is no chance: their distance.
        step = float(np.diff(points).min()) if 1 < len(points) < min(4, case.n) else common_step(points)
        if step <= (1 + C.near_step) * case.reference.lattice[j]:
            return
        drawn = np.random.default_rng(0).random(case.n)
        # The part of a step below the value: rounded to the nearest, downwards, upwards. Flags in another unit are on a
        # grid that is wider than training; they are not rounded up to it.
        wide = step > case.reference.high[j] - case.reference.low[j]
        for below in (0.5,) if wide else (0.5, 0.0, 1.0):
            ends = np.stack([x - below * step, x + (1 - below) * step])
            low, high = np.mean(share_below(*sketch, ends), axis=0)
            made = quantile(*sketch, low + drawn * (high - low))
            inside = np.abs(made - ends.mean(axis=0)) <= (0.5 + C.near_step) * step
            made = np.where(inside, case.reference.nearest_shared(j, made), x)
            yield made, C.usual_value, {"precision": f"steps of {step:.4g}", "step": step}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        step = np.nan_to_num(profile.std[columns]) * C.injected_step + C.smallest_step
        return replaced(X, columns, np.rint(X[:, columns] / step) * step)


class Wrapped(ColumnFault, name="wrapped"):
    """Whole numbers that overflowed a type: as often as training makes it likely, drawn for each row."""

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
            if dtype.min <= known.min() and known.max() <= dtype.max and 0 < last - first < C.most_codes:
                made = case.from_raw(x[:, None] + size * np.arange(first, last + 1), j)
                likely = case.density(j, made).cumsum(axis=1)
                drawn = np.random.default_rng(0).random((len(x), 1)) * likely[:, -1:]
                at = (likely <= drawn).sum(axis=1).clip(max=int(last - first))
                yield made[np.arange(len(x)), at], C.usual_value, {"bits": dtype.bits, "low": dtype.max + 1.0}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, (np.rint(X[:, columns]) + 2**15) % 2**16 - 2**15)


class Recoded(ColumnFault, name="recoded"):
    """Codes that stand for other things: moved by one or two places, or exchanged, as fits best."""

    words = "{columns} with other codes: {codes}"
    remedy = "Use the encoder that was fitted in training; see normlock verify."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        reference, atoms, masses = case.reference, case.reference.atoms(j), case.reference.masses(j)
        if not reference.few[j] or not 2 <= len(atoms) <= C.most_codes:
            return
        known = ~np.isnan(x)
        values, at, counts = np.unique(x[known], return_inverse=True, return_counts=True)
        step = reference.lattice[j] or float(np.diff(atoms).min())
        # Up or down; and the more values there are, the less likely they are codes.
        by, price = np.array([-2, -1, 1, 2]) * step, float(np.log(2 * len(atoms)))
        found = [(values - each, price, f"each by {each:+.6g}") for each in by]
        same = np.abs(values[:, None] - atoms) <= reference.rounding[j]
        inside = (reference.low[j] <= values) & (values <= reference.high[j]) & ~case.impossible(j, values)
        if 1 < len(values) <= len(atoms) and inside.all():
            # Hellinger's distance of the shares; a code that could stay stays.
            cost = case.n * (np.sqrt(counts / counts.sum())[:, None] - np.sqrt(masses)) ** 2 - C.same_code * same
            to = linear_sum_assignment(cost)[1]
            if changed := int((~same[np.arange(len(to)), to]).sum()):
                price = choice(len(atoms), changed) + float(gammaln(changed + 1))
                found.append((atoms[to], price, f"{changed} of {len(values)} exchanged"))
        for codes, price, told in found:
            if not case.impossible(j, codes).any():
                yield replaced(x, known, codes[at]), price, {"codes": told}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:, columns] + 1.0)


class ColumnCopied(ColumnFault, name="column_copied"):
    """A column that has another one's numbers, which it had not in training."""

    words = "{columns} with the same numbers as another column: {copy_of}"
    remedy = "Look for a column that was selected or joined twice, or written over."

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        same = np.flatnonzero((case.X == x[:, None]).all(axis=0))
        if len(same) > 1 and np.ptp(x) > 0:
            other, names = int(same[same != j][0]), case.reference.profile.names
            yield np.full(case.n, np.nan), float(np.log(case.d)), {"copy_of": names[other] if names else other}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns[:1], X[:, (columns[:1] + 1) % X.shape[1]])
