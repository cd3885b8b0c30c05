"""Faults that leave values repeated or coarse: imputed, clipped, stuck, quantised."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.special import rel_entr

from .hypotheses import Hypothesis, Search
from .profiles.precision import LEVELS, NAMES, lattice, on_grids
from .profiles.sketch import quantile, share_below
from .profiles.statistics import nearest
from .profiles.steps import NEAR
from .tests.ties import Run, cuts

REPEATED = ("stuck", "imputed", "clipped")
#: A run less odd than this (a log p-value) is left to chance.
_ODD = -7.0
_PRICE = 3.0
#: Of all values that repeat in a column of coarse ones, these tell; the others follow from there being few.
_COUNTED = 3
#: And no column's coarse values count for more: what a scaler has made of a few values may be round in each of many.
_MOST = 60.0
#: Only so few different values have shares to compare; by so much (a log-likelihood a row) these may differ for drift.
_FEW_STEPS, _OF_DRIFT = 40, 0.06

#: Where so many rows of training share values with others, a batch of which hardly any part of that does has moved.
_SHARED, _HARDLY = 0.75, 0.25


def repeats(search: Search) -> Iterator[Hypothesis]:
    """Yield a hypothesis for each fault that leaves repeated or coarse values."""
    d = search.fit.columns
    gains = {name: np.zeros(d) for name in REPEATED}
    facts: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in REPEATED}
    undone = {name: search.X.copy() for name in REPEATED}
    cut = {j: found for j, found in cuts(search.fit.reference, search.fit.runs).items() if found[2] < _ODD}
    for j in range(d) if search.fit.runs else ():
        runs = [run for run in search.fit.runs_of(j) if run.log_p < _ODD or run in cut.get(j, ())]
        if not runs:
            continue
        name, used, said = _name(search, j, runs)
        if name != "stuck" and search.fit.coarse[j] < _ODD:
            continue  # the other values are as coarse: not one value was put in, all were rounded
        if name != "stuck" and _moved(search, j, used):
            continue
        gains[name][j] = _gain(search, j, used, -cut[j][2] if name == "clipped" and j in cut else 0.0)
        facts[name][j] = said
        undone[name][np.isin(search.X[:, j], [run.value for run in used]), j] = np.nan
    for name in REPEATED:
        if facts[name]:
            yield Hypothesis(name, gains[name], _PRICE, of_columns=facts[name], undone=undone[name])
    yield from _quantised(search)


def _name(search: Search, j: int, runs: list[Run]) -> tuple[str, list[Run], dict[str, Any]]:
    biggest = max(runs, key=lambda run: run.count)
    if biggest.count == biggest.n:
        return "stuck", [biggest], {"value": biggest.value}
    sketch = search.fit.reference.profile.sketches[j]
    tolerance = search.fit.tolerance[j]
    bounds = [run for run in runs if _is_bound(run, sketch, tolerance)]
    if bounds and biggest in bounds:
        side = {run.value: "below" if run.lowest else "above" for run in bounds}
        text = " and ".join(f"{value:.6g}" for value in sorted(side))
        return "clipped", bounds, {"bounds": text, "sides": sorted(set(side.values()))}
    share = biggest.count / biggest.n
    return "imputed", [biggest], {"value": biggest.value, "share": f"{share:.0%}", "fraction": share}


def _moved(search: Search, j: int, runs: list[Run]) -> bool:
    """Tell whether the other rows have left the values that many rows of training share: so have these, then.

    What a scaler or an offset has made of two values is two others, none of which was put in for missing ones.
    """
    atoms, usual = search.fit.reference.atoms(j), search.fit.reference.masses(j).sum()
    x = search.X[:, j]
    others = x[~np.isnan(x) & ~np.isin(x, [run.value for run in runs])]
    if usual < _SHARED or not len(others):
        return False
    kept = np.abs(others - nearest(others, atoms)) <= search.fit.reference.rounding[j]
    return bool(kept.mean() < _HARDLY * usual)


def _is_bound(run: Run, sketch: tuple[Any, Any], tolerance: float) -> bool:
    """Tell whether as many rows have the extreme value as should lie at it or beyond."""
    if not run.lowest and not run.highest:
        return False
    spread = 3 * np.sqrt(run.n) / 2 + 1
    at = run.value + tolerance * np.array([-1.0, 0.0, 1.0])
    below, up_to = share_below(*sketch, at)
    if run.lowest:
        least, cut, most = below[0], up_to[1], up_to[2]
    else:
        least, cut, most = 1 - up_to[2], 1 - below[1], 1 - below[0]
    if cut <= 0:
        return False  # nothing of training's lies there: to cut it off would leave no trace
    expected = least * run.n, most * run.n
    slack = min(spread, 3 * np.sqrt(max(expected[1], 1)))
    return bool(expected[0] - slack <= run.count <= expected[1] + slack)


def _gain(search: Search, j: int, runs: list[Run], together: float) -> float:
    # What the repeats cost an unchanged column, and the likelihood that they lack of the others'.
    fit = search.fit
    rows = np.isin(search.X[:, j], [run.value for run in runs])
    values = fit._values(search.X[:, [j]], 0.0, np.array([j]))[:, 0]
    others = values[~rows].mean() if (~rows).any() else float(search.fit.density.usual[j])
    lacking = max(0.0, float((fit.counts[rows, j] * (others - values[rows])).sum()) * fit.weight[j])
    charge = min(max(sum(-run.log_p for run in runs), together), 200.0) + max(0.0, -float(fit.coarse[j]))
    return charge + lacking


def _quantised(search: Search) -> Iterator[Hypothesis]:
    fit = search.fit
    d = fit.columns
    gain = np.zeros(d)
    facts: dict[int, dict[str, Any]] = {}
    undone, displaced = search.X.copy(), search.displaced.copy()
    on = on_grids(search.X)
    known = ~np.isnan(search.X)
    for j in np.flatnonzero(fit.varied).tolist():
        whole = (on[:, :, j] | ~known[:, j]).all(axis=1)
        x, runs = search.X[known[:, j], j], fit.runs_of(j)
        odd = sorted((-run.log_p for run in runs), reverse=True)
        repeated = min(sum(odd[:_COUNTED]), 200.0)
        if fit.coarse[j] < _ODD and whole.any():
            level = int(np.argmax(whole))
            gain[j] = -fit.coarse[j] + repeated
            facts[j] = {"precision": NAMES[level]}
            step = 10.0 ** LEVELS[level] if level < len(LEVELS) else 0.0
        else:
            # A grid that is not decimal: only where values repeat that should not.
            step = lattice(x) if any(run.log_p < -2 for run in runs) else 0.0
            if not step or step <= _usual_step(search, j) * 1.01 or not _of_steps(search, j, step):
                continue
            gain[j] = min(2.0 * len(np.unique(np.rint(x / step))), 60.0) + repeated
            facts[j] = {"precision": f"steps of {step:.4g}", "step": step}
        if step and len(np.unique(x)) <= _FEW_STEPS:
            misfit, undone[known[:, j], j] = _spread_out(search, j, x, max(step, lattice(x)))
            gain[j] -= misfit
            displaced[j] = False  # such steps displace it, and by how much is in the misfit
    facts = {j: fact for j, fact in facts.items() if not displaced[j]}
    gain[displaced] = 0.0
    if facts:
        yield Hypothesis("quantised", np.minimum(gain, _MOST), 4.0, of_columns=facts, undone=undone)


def _spread_out(search: Search, j: int, x: Any, step: float) -> tuple[float, Any]:
    """Return how far the numbers at each step are from those of training that would be rounded to it, and these."""
    values, shares = search.fit.reference.profile.sketches[j]
    points, at, count = np.unique(x, return_inverse=True, return_counts=True)
    found = count / len(x)
    least, low, high = np.inf, points, points
    for below, above in ((0.5, 0.5), (0.0, 1.0), (1.0, 0.0)):  # rounded to the nearest, downwards, upwards
        edges = np.mean(share_below(values, shares, np.stack([points - below * step, points + above * step])), axis=0)
        expected = np.maximum(edges[1] - edges[0], 1 / search.fit.reference.rows[j])
        if (off := float(rel_entr(found, expected).sum())) < least:
            least, (low, high) = off, edges
    misfit = len(x) * float(search.fit.weight[j]) * max(least - _OF_DRIFT, 0.0)
    # The rows of a step lie evenly among those of training, where there are any.
    place = x.argsort().argsort() - (count.cumsum() - count)[at]
    part = low[at] + (place + 0.5) / count[at] * (high - low)[at]
    return misfit, np.where((high > low)[at], quantile(values, shares, part), x)


def _of_steps(search: Search, j: int, step: float) -> bool:
    """Tell whether steps are several of training's, if that had any: to be rounded to, which others are not."""
    own = search.fit.reference.profile.steps[1, j]
    return bool(not own or (step > 1.5 * own and abs(step / own - np.rint(step / own)) < NEAR))


def _usual_step(search: Search, j: int) -> float:
    """Return the step of the profile's own grid, times a margin for a scaler in between, or 0 if it has none."""
    points, mass = search.fit.reference.steps[j]
    if mass.sum() > 0.5 and len(points) > 1:
        return 5 * float(np.diff(points).min())
    grids = search.fit.reference.profile.grids[:-1, j]
    fine = np.flatnonzero(grids > 0.99)
    if len(fine):
        return float(10.0 ** LEVELS[fine[0]])
    return 5 * float(search.fit.scale[j]) if search.fit.reference.profile.ties[j] > 1e-3 else 0.0
