"""Where a batch lies against its profile: the slope and the offset of each column that lay it over the profile's."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from .likelihood import Likelihood
from .profiles.statistics import deviation, median, nearest, quantiles

#: A value that this share of the rows of training has fixes an offset.
_ANCHOR = 0.3
#: A column with no more different values than this is laid over the profile's value by value.
_FEW_VALUES = 24
#: So many of them must have moved alike.
_NEARLY_ALL = 0.9
#: Draws from a profile that show how far widths vary; and by how much (a logarithm) populations differ in them.
_DRAWS, _OTHER_POPULATION = 24, 0.4
#: What widths must tell (a log-likelihood) to count as changed.
_SURE = 3.0


class Alignment:
    """Of the columns of one batch; see the module."""

    def __init__(self, fit: Likelihood) -> None:
        self.fit = fit
        self.X = fit.X
        self.n = fit.n

    @cached_property
    def slopes(self) -> Any:
        """How much wider each column is than the profile's."""
        width = _width(self.X)
        usual = self.fit._quantile(0.84) - self.fit._quantile(0.16)
        mine, theirs = deviation(self.X), self.fit.reference.std
        # Quantiles of repeated values jump.
        by_width = (width > 0) & (usual > 0) & ~np.array(self.fit.reference.jumps[: self.fit.columns])
        slope = np.where(by_width, width / np.where(usual > 0, usual, 1), mine / np.where(theirs > 0, theirs, 1))
        return np.where(slope > 0, slope, 1.0)

    def aligned(self) -> tuple[Any, Any]:
        """Return the slopes and offsets that lay columns over the profile's, repeated values on repeated ones."""
        slope = self.slopes.copy()
        offset = self.offset_of(slope)
        reference = self.fit.reference
        for j in np.flatnonzero(self.fit.varied & np.array(reference.jumps[: self.fit.columns])):
            values, count = np.unique(self.X[~np.isnan(self.X[:, j]), j], return_counts=True)
            atoms = reference.atoms(j)
            if len(atoms) < 2 or not 2 <= len(values) <= _FEW_VALUES:
                continue
            a, b = slope[j], np.nanmean(self.X[:, j]) - slope[j] * reference.mean[j]
            for _ in range(4):
                at = nearest((values - b) / a, atoms)
                centre, middle = np.average(at, weights=count), np.average(values, weights=count)
                spread = np.average((at - centre) ** 2, weights=count)
                if spread <= 0:
                    break
                a = np.average((at - centre) * (values - middle), weights=count) / spread
                b = middle - a * centre
            else:
                if a > 0:
                    slope[j], offset[j] = a, b
        return slope, offset

    @cached_property
    def by_chance(self) -> Any:
        """How far the logarithm of a width is off in batches of so many rows; infinite where that can't be told."""
        fit = self.fit
        rows = np.random.default_rng(0).uniform(size=(self.n, _DRAWS))
        error = np.full(fit.columns, np.inf)
        for j in np.flatnonzero(fit.varied):
            values, shares = fit.reference.profile.sketches[j]
            drawn = np.interp(rows, shares, values)
            width = drawn.std(axis=0) if fit.reference.jumps[j] else _width(drawn)
            error[j] = np.log(width[width > 0]).std() if (width > 0).sum() > _DRAWS // 2 else np.inf
        return error

    @cached_property
    def stretched(self) -> bool:
        """Whether the columns are wider or narrower than batches of so many rows are by chance."""
        log_slope, error = np.log(self.slopes), self.by_chance
        known = np.isfinite(error)
        if not known.any():
            return True
        # What a scaler that was fitted on another population would stretch them by.
        chance, other = error[known] ** 2, error[known] ** 2 + _OTHER_POPULATION**2
        gain = 0.5 * log_slope[known] ** 2 * (1 / chance - 1 / other) - 0.5 * np.log(other / chance)
        return bool(gain.sum() > _SURE)

    def offset_of(self, slope: Any) -> Any:
        """Return where a column must have been moved for its median to be right."""
        offset = np.nan_to_num(median(self.X) - slope * self.fit.middle)
        usual, frequent = self.anchors
        return np.where(np.isnan(usual), offset, frequent - slope * np.nan_to_num(usual))

    def shifts(self) -> Any:
        """Return by how much a column has moved, if that is all: values that are few from one to another."""
        offset, reference = self.offset_of(1.0), self.fit.reference
        for j in self.fit.atoms:
            values, count = np.unique(self.X[~np.isnan(self.X[:, j]), j], return_counts=True)
            if not len(values):
                continue
            # The mean of a batch is nearer to that of training than its median is.
            by = np.average(values, weights=count) - reference.mean[j]
            apart = values - reference.nearest_shared(j, values - by)
            middle = np.median(apart)
            if np.mean(np.abs(apart - middle) < 1e-6 * self.fit.scale[j]) > _NEARLY_ALL:
                offset[j] = middle
        return offset

    @cached_property
    def anchors(self) -> tuple[Any, Any]:
        """The value that most rows of training have, of a column with one, and the one that most of the batch have."""
        usual, frequent = np.full((2, self.fit.columns), np.nan)
        for j in np.flatnonzero(self.fit.varied):
            atoms, mass = self.fit.reference.atoms(j), self.fit.reference.masses(j)
            if not len(atoms) or mass.max() < _ANCHOR:
                continue
            values, count = np.unique(self.X[~np.isnan(self.X[:, j]), j], return_counts=True)
            if len(values) > 1 and count.max() > 0.5 * mass.max() * self.n:
                usual[j], frequent[j] = atoms[mass.argmax()], values[count.argmax()]
        return usual, frequent


def _width(X: Any) -> Any:
    return np.subtract(*quantiles(X, (0.84, 0.16)))
