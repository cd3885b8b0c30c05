"""Values that were put in, cut off, rounded, wrapped round or recoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from ..calibration import CALIBRATION as C
from ..profiles.sketch import common_step, quantile, share_below
from ..tests.values import Run, odd_runs
from .base import Candidate, Case, Fault, replaced

_NARROW_TYPES = (8, 16, 32)


def _runs(case: Case) -> dict[int, list[Run]]:
    """Return the odd runs of equal values of each column, the most frequent first."""
    found: dict[int, list[Run]] = {}
    for run in odd_runs(case.reference, np.sort(case.X, axis=0)):
        if run.log_p < C.log_run or run.column in case.odd:
            found.setdefault(run.column, []).append(run)
    return {j: sorted(runs, key=lambda run: -run.count) for j, runs in found.items()}


def _lost(case: Case, fault: str, found: dict[int, tuple[Any, dict[str, Any]]]) -> Candidate:
    """Return a candidate by which values were lost: rows of each column, and what is told of it."""
    columns = np.array(sorted(found))
    undone = case.X.copy()
    for j, (rows, _) in found.items():
        undone[rows, j] = np.nan
    each = {j: told for j, (_, told) in found.items()}
    return Candidate(fault, columns, undone, np.full(len(columns), C.usual_value), {}, each)


class Stuck(Fault):
    """A column of one value."""

    name = "stuck"
    words = "{columns} constant throughout ({value})"
    remedy = "Look for a feed that has stopped or a default that has taken over."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the columns that alarm and have one value."""
        found = {}
        for j, runs in _runs(case).items():
            if runs[0].count == runs[0].n > 1:
                found[j] = (slice(None), {"value": runs[0].value})
        if found:
            yield _lost(case, self.name, found)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Repeat the first row's values."""
        return replaced(X, columns, X[:1, columns])


class Imputed(Fault):
    """A constant in part of the rows."""

    name = "imputed"
    words = "{columns} filled with a constant ({value}) in {share} of the rows"
    remedy = "Impute with the imputer that was fitted in training, or find out why the values are missing."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the most frequent value of each column that has an odd one; the other rows are left."""
        found = {}
        for j, runs in _runs(case).items():
            own = np.abs(case.reference.atoms(j) - runs[0].value) <= case.reference.rounding[j]
            # (More rows of a value that many had may be another population.)
            if runs[0].count < runs[0].n and case.reference.masses(j)[own].sum() < C.usual:
                share = runs[0].count / runs[0].n
                told = {"value": runs[0].value, "share": f"{share:.0%}", "fraction": share}
                found[j] = (case.X[:, j] == runs[0].value, told)
        if found:
            yield _lost(case, self.name, found)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Put the mean into a third of the rows."""
        rows = rng.random(len(X)) < 1 / 3
        return replaced(X, columns, np.where(rows[:, None], profile.mean[columns], X[:, columns]))


class Clipped(Fault):
    """A column cut off at a bound, where the tail of training lay beyond."""

    name = "clipped"
    words = "{columns} cut off at {bounds}"
    remedy = "Look for a sensor's range, a type that overflows or a validation rule upstream."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the columns with a run at an end; its rows become training's tail beyond it, evenly."""
        columns, undone, each = [], case.X.copy(), {}
        for j, runs in _runs(case).items():
            ends = [run for run in runs if run.lowest != run.highest and run.count < run.n]
            values, shares = case.reference.profile.sketches[j]
            used = []
            for run in ends:
                below, up_to = (float(of[0]) for of in share_below(values, shares, np.array([run.value])))
                low, high = (0.0, up_to) if run.lowest else (below, 1.0)
                if high - low > 0.5 / case.reference.rows[j]:
                    rows = np.flatnonzero(case.X[:, j] == run.value)
                    part = (np.arange(len(rows)) + 0.5) / len(rows)
                    undone[rows, j] = case.possible(j, quantile(values, shares, low + part * (high - low)))
                    used.append(run)
            if used and runs[0] in used:
                columns.append(j)
                bounds = " and ".join(f"{run.value:.6g}" for run in sorted(used, key=lambda run: run.value))
                each[j] = {"bounds": bounds, "sides": sorted({"below" if r.lowest else "above" for r in used})}
        if columns:
            numbers = np.array([len(each[j]["sides"]) * np.log(case.n) for j in columns])
            yield Candidate(self.name, np.array(columns), undone, numbers, {}, each)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Cut off above the third quartile."""
        return replaced(X, columns, np.minimum(X[:, columns], profile.quantile(0.75)[columns]))


class Quantised(Fault):
    """Coarser numbers than in training."""

    name = "quantised"
    words = "{columns} coarser than in training: {precision}"
    remedy = "Look for rounding, an integer type, or a quantised index upstream."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the columns that lie on a grid; the rows of a step are spread out as training's are."""
        undone, each = case.X.copy(), {}
        for j in case.odd[case.varied[case.odd]].tolist():
            known = ~np.isnan(case.X[:, j])
            x = case.X[known, j]
            points = np.unique(x)
            own = (1 + C.near_step) * case.reference.profile.steps[1, j]
            steps = [step for step in _steps(points) if step > own] if len(points) > 1 else []
            if steps:
                _, step, made = min((_spread_out(case, j, x, step) for step in steps), key=lambda found: found[0])
                undone[known, j] = case.possible(j, made)
                each[j] = {"precision": f"steps of {step:.4g}", "step": step}
        if each:
            # Columns of one precision are one decision.
            different = len({facts["step"] for facts in each.values()})
            numbers = np.full(len(each), different * C.usual_value / len(each))
            yield Candidate(self.name, np.array([*each]), undone, numbers, {}, each)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Round to half a deviation."""
        step = np.nan_to_num(profile.std[columns]) / 2 + 1e-300
        return replaced(X, columns, np.rint(X[:, columns] / step) * step)


def _steps(points: Any) -> list[float]:
    """Return the greatest steps of which all points are multiples: round numbers, and a common one."""
    greatest = np.ceil(np.log10(max(np.abs(points).max(), C.smallest_step)))
    round_ = np.outer(10.0 ** np.arange(greatest, greatest - 9, -1), [5.0, 2.0, 1.0]).ravel()
    off = np.abs(points - np.rint(points / round_[:, None]) * round_[:, None])
    found = round_[(off <= 2 * C.rounding * np.abs(points)).all(axis=1)][:4].tolist()
    return [*found, common] if (common := common_step(points)) else found


def _spread_out(case: Case, j: int, x: Any, step: float) -> tuple[float, float, Any]:
    """Return the rows of each step at even shares of training's rows that are rounded to it, where there are any.

    Before them the distance of the distributions, and the step.
    """
    values, shares = case.reference.profile.sketches[j]
    points, at, count = np.unique(x, return_inverse=True, return_counts=True)
    best, least = x, np.inf
    for below, above in ((0.5, 0.5), (0.0, 1.0), (1.0, 0.0)):  # rounded to the nearest, downwards, upwards
        edges = np.stack([points - below * step, points + above * step])
        low, high = np.mean(share_below(values, shares, edges), axis=0)
        off = float(np.abs(np.cumsum(count) / len(x) - high).max())
        if off < least:
            least = off
            place = (
                np.lexsort((np.random.default_rng(0).random(len(x)), x)).argsort() - (count.cumsum() - count)[at] + 0.5
            ) / count[at]
            inner = quantile(values, shares, low[at] + place * (high - low)[at])
            even = x + (place - below) * step * (below + above)
            best = np.where((high > low)[at] & (np.abs(inner - x) <= step), inner, even)
    return least, step, best


class Wrapped(Fault):
    """Whole numbers that overflowed a narrow type."""

    name = "wrapped"
    words = "{columns} wrapped round: values from {low} on overflowed a type of {bits} bits"
    remedy = "Find the type that is too narrow upstream, and widen it."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the narrowest type into which the batch fits and training did not; values below training wrap."""
        for j in case.odd[case.varied[case.odd]].tolist():
            x, high = case.to_raw(case.X[:, [j]], [j])[:, 0], case.reference.high[j]
            low, high = case.to_raw(np.array([[case.reference.low[j]], [high]]), [j])[:, 0]
            known = x[~np.isnan(x)]
            if not len(known) or (known != np.rint(known)).any():
                continue
            for bits in _NARROW_TYPES:
                for least in (-(2.0 ** (bits - 1)), 0.0):
                    top = least + 2.0**bits
                    if known.min() < least or known.max() >= top or high < top:
                        continue
                    # Below the least of training it wrapped; from there on either may be.
                    wrapped = x < low
                    if wrapped.any() and (x[wrapped] + 2.0**bits <= 2 * high).all():
                        made = np.where(wrapped, x + 2.0**bits, x)[:, None]
                        told = {"bits": bits, "low": top}
                        undone = replaced(case.X, [j], case.from_raw(made, [j]))
                        yield Candidate(self.name, np.array([j]), undone, C.usual_value, told, {j: told})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Keep the whole part as a signed type of 16 bits does."""
        return replaced(X, columns, (np.rint(X[:, columns]) + 32768) % 65536 - 32768)


class Recoded(Fault):
    """Codes that stand for other things: moved by a constant, or exchanged."""

    name = "recoded"
    words = "{columns} with other codes: {codes}"
    remedy = "Use the encoder that was fitted in training; see normlock verify."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield for columns of few values the codes moved by one or two places, and the exchange that fits best."""
        for j in case.odd[case.varied[case.odd]].tolist():
            reference, x = case.reference, case.X[:, j]
            atoms, masses = reference.atoms(j), reference.masses(j)
            if not reference.few[j] or not 2 <= len(atoms) <= 64:
                continue
            values, counts = np.unique(x[~np.isnan(x)], return_counts=True)
            step = reference.lattice[j] or float(np.diff(atoms).min())
            for by in (-2, -1, 1, 2):
                if (reference.off(j, values - by * step) <= reference.rounding[j]).all():
                    told = {"codes": f"each {'more' if by > 0 else 'less'} by {abs(by) * step:.6g}"}
                    undone = replaced(case.X, [j], (x - by * step)[:, None])
                    yield Candidate(self.name, np.array([j]), undone, C.usual_value, told, {j: told})
            if (reference.off(j, values) <= reference.rounding[j]).all() and len(values) > 1:
                found = counts / counts.sum()
                cost = case.n * (np.sqrt(found)[:, None] - np.sqrt(masses)) ** 2  # Hellinger's distance
                cost -= 1e-3 * (np.abs(values[:, None] - atoms) <= reference.rounding[j])
                rows, places = linear_sum_assignment(cost)
                if len(rows) == len(values) and (np.abs(values - atoms[places]) > reference.rounding[j]).any():
                    changed = int((np.abs(values - atoms[places]) > reference.rounding[j]).sum())
                    made = atoms[places][np.clip(np.searchsorted(values, x), 0, len(values) - 1)]
                    made = np.where(np.isnan(x), np.nan, made)
                    told = {"codes": f"{changed} of {len(values)} exchanged"}
                    undone, price = replaced(case.X, [j], made[:, None]), changed * np.log(len(atoms))
                    yield Candidate(self.name, np.array([j]), undone, price, told, {j: told})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Start codes at one more."""
        return replaced(X, columns, X[:, columns] + 1.0)
