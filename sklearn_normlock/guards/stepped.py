"""What the steps of values tell that lie where they should: columns in another order, a scaler that was fitted anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .hypotheses import Hypothesis, Search
from .permutations import assigned, fits, in_order, moved_to
from .profiles.statistics import median
from .profiles.steps import common_step
from .tests.values import new_values, on_steps

#: The share of values on the steps of a column that can't be its own, and of one that is.
_OFF, _ON = 0.5, 0.95
#: Columns that are compared each with each, and what it is worth (a log-likelihood) that one is on another's steps.
_EACH, _SURE = 80, 50.0
#: The share of the columns that another fit of the scaler gives other steps, by no more than this factor, and of those
#: that then lie elsewhere than they did.
_MOST, _FACTOR, _UNLIKE = 0.5, 4.0, 0.25
#: How near the logarithms of slopes are to those that another scaler makes of training, of which a sketch knows about.
_CLOSE = 0.1


def by_steps(search: Search) -> Iterator[Hypothesis]:
    """Yield the order of the columns in which all are on the steps of training; or that they have others now."""
    reference, d = search.fit.reference, search.fit.columns
    stepped = np.flatnonzero(reference.profile.steps[1] > 0)
    if len(stepped) < 2 or d > _EACH:
        return
    lies = on_steps(reference, search.X, stepped)
    off = np.flatnonzero(np.diag(lies) < _OFF)
    if len(off) < 2:
        return
    gain, at = np.zeros(d), stepped[off]
    gain[at] = -new_values(reference, search.X)[at]
    if ((lies[off] >= _ON).any(axis=1)).mean() >= _MOST:
        worth = fits(search)
        worth[np.ix_(stepped, stepped)] += _SURE * (1.0 * (lies >= _ON) - (lies < _OFF))
        order = assigned(worth)
        known = np.isin(order[stepped], stepped)
        there = lies[known, np.searchsorted(stepped, order[stepped][known])]
        if len(there) and (there >= _ON).mean() >= _ON:
            yield moved_to(order, gain, 2.0, in_order(search.X, order))
    elif search.side.scaled and len(off) >= _MOST * len(stepped):
        yield from _scaled_otherwise(search, gain, at)


def _scaled_otherwise(search: Search, gain: Any, at: Any) -> Iterator[Hypothesis]:
    """Yield what scaler has given each column steps of its own: another one of training's, or the same, refitted."""
    Y, middle, slope = search.X.copy(), median(search.X), np.full(len(gain), np.nan)
    for j in at:
        offset, step, _ = search.fit.reference.profile.steps[:, j]
        points = np.unique(search.X[~np.isnan(search.X[:, j]), j])
        if not (own := common_step(points)) or not 1 / _FACTOR < own / step < _FACTOR:
            gain[j] = 0.0
            continue
        slope[j] = own / step
        # The value in the middle stays about where it is; the others as many steps from it as they are.
        from_middle = np.rint((search.X[:, j] - points[0]) / own) - np.rint((middle[j] - points[0]) / own)
        Y[:, j] = offset + step * (np.rint((middle[j] - offset) / step) + from_middle)
    if (gain[at] > 0).mean() <= _MOST:
        return
    for name, _, scale in search.side.scalers():
        off, usual = np.nanmedian(np.abs(np.log(slope * scale))), np.nanmedian(np.abs(np.log(slope)))
        if off < _CLOSE < usual - off:
            yield Hypothesis(search.side.fault_of(name), gain, 2.0, True, {"scaler": name}, undone=Y)
            return
    density = search.fit.density
    unlike = (search.clean < density.least(search.X)) | density.other_width(search.X)
    if unlike[at].mean() < _UNLIKE:  # more of them have moved, or are wider: other names say by how much
        yield Hypothesis("refit", gain, 2.0, True, undone=Y)
