"""The density of each column of a profile: its sketch, smoothed by about the tolerated drift.

It is a table over t = asinh((x - median) / scale): near the middle that is a shifted and scaled x, far out its
logarithm, so that a factor of 1000 is as easy to weigh as a shift. A little of a wide density keeps any value possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .profiles.sketch import share_below
from .profiles.statistics import median

if TYPE_CHECKING:
    from .tests.reference import Reference

_REACH, _STEP = 16.0, 0.05
_EDGES = np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
_CENTRES = (_EDGES[1:] + _EDGES[:-1]) / 2
#: The smoothing, and the share and the width of the density that is everywhere.
_SMOOTH, _WIDE, _WIDTH = 0.15, 0.02, 2.5
#: A column fits as it is if its log-likelihood is no more than so many times the root of the rows below the usual one.
BELOW = 2.5
#: And leans towards something else if it is below it by so many.
LEANS = 0.5
#: Of a width, how many standard errors more than chance makes of many columns are worth a look.
_OTHER_WIDTH = 2.0
#: Rows that are enough to see whether columns fit as they are.
_GLANCE = 64


class Density:
    """Of the columns of one profile: ``middle`` and ``scale``, whether they are ``varied``, and ``usual``.

    The last is the log-likelihood that a value has on average.
    """

    def __init__(self, reference: Reference) -> None:
        d = reference.columns
        self.sketches = reference.profile.sketches[:d]
        self.rows, self.tolerance = reference.rows[:d], reference.tolerance[:d]
        self.middle = reference.middle[:d]
        inner = np.subtract(*reference.quantiles([0.75, 0.25]))[:d] / 1.349
        std = reference.std
        self.scale = np.where((inner > 0) & (inner < std), inner, std)
        self.varied = self.scale > 1e-12 * np.maximum(np.abs(self.middle), 1e-300)
        self.scale = np.where(self.varied, self.scale, 1.0)
        smooth = self._smoothed()
        wide = np.exp(-np.abs(_CENTRES) / _WIDTH) / (2 * _WIDTH)
        self.tables = np.log((1 - _WIDE) * smooth + _WIDE * wide)
        of_each = self.tables - np.log(np.cosh(_CENTRES))  # the density of x is that of t over the root of 1 + u²
        self._width = _widths(smooth * _STEP)
        self.usual = (smooth * _STEP * of_each).sum(axis=1) - np.log(self.scale)

    def _smoothed(self) -> Any:
        mass = np.zeros((len(self.sketches), len(_CENTRES)))
        for j, (values, shares) in enumerate(self.sketches):
            if len(values):
                at = self.middle[j] + self.scale[j] * np.sinh(_EDGES)
                mass[j] = np.diff(np.mean(share_below(values, shares, at), axis=0))
        half = int(4 * _SMOOTH / _STEP)
        kernel = np.exp(-0.5 * (np.arange(-half, half + 1) * _STEP / _SMOOTH) ** 2)
        kernel /= kernel.sum()
        size = 2 ** int(np.ceil(np.log2(len(_CENTRES) + len(kernel))))
        smooth = np.fft.irfft(np.fft.rfft(mass, size) * np.fft.rfft(kernel, size), size)
        return np.maximum(smooth[:, half : half + len(_CENTRES)], 0) / _STEP

    def of(self, Y: Any, at: Any) -> Any:
        """Return the log of the density of values at the columns `at`; NaN for NaN."""
        with np.errstate(invalid="ignore", over="ignore"):
            u = (Y - self.middle[at]) / self.scale[at]
            place = np.clip((np.arcsinh(u) + _REACH) / _STEP, 0, len(_CENTRES) - 1)
            index = np.nan_to_num(place).astype(np.int64)
            return self.tables[at, index] - 0.5 * np.log1p(u * u) - np.log(self.scale[at])

    def weight(self, n: int) -> Any:
        """Return what the likelihood of n rows counts: a profile of m rows is known to about as many."""
        return 1 / (1 + n / self.rows)

    def least(self, X: Any, below: float = BELOW) -> Any:
        """Return the log-likelihood of a batch, weighed, below which a column does not fit as it is."""
        known = (~np.isnan(X)).sum(axis=0)
        return self.usual * known * self.weight(len(X)) - below * np.sqrt(known)

    def other_width(self, X: Any) -> Any:
        """Return which columns of a batch are narrower or wider than they were, wherever they are."""
        with np.errstate(over="ignore", invalid="ignore"):
            t = np.clip(np.arcsinh((X - self.middle) / self.scale), -_REACH, _REACH)
        off = np.abs(t - median(t))
        mean, deviation = self._width
        known = np.maximum((~np.isnan(off)).sum(axis=0), 1)
        error = deviation / np.sqrt(known)
        by_chance = _OTHER_WIDTH + np.sqrt(2 * np.log(len(mean)))  # the greatest of so many
        return self.varied & (np.abs(np.nan_to_num(off).sum(axis=0) / known - mean) > by_chance * error)

    def suspects(self, X: Any) -> Any:
        """Return which columns of a batch do not seem to fit as they are, the tolerated drift included."""
        X = X[:: max(1, len(X) // _GLANCE)][:_GLANCE]
        every = np.arange(X.shape[1])
        found = np.nansum(self.of(X, every), axis=0) * self.weight(len(X))
        low = np.flatnonzero(self.varied & (found < self.least(X)))
        if len(low):
            tolerance = self.tolerance[low]
            moved = np.nan_to_num(np.clip(self.middle[low] - median(X[:, low]), -tolerance, tolerance))
            again = np.nansum(self.of(X[:, low] + moved, low), axis=0) * self.weight(len(X))[low]
            found[low] = np.maximum(found[low], again)
        return (self.varied & (found < self.least(X))) | self.other_width(X)


def _widths(mass: Any) -> tuple[Any, Any]:
    """Return of each column the mean distance from its median, and the deviation of the distance, in its table."""
    total = np.maximum(mass.sum(axis=1), 1e-300)
    mass = mass / total[:, None]
    middle = _CENTRES[np.argmax(np.cumsum(mass, axis=1) >= 0.5, axis=1)]
    off = np.abs(_CENTRES - middle[:, None])
    mean = (mass * off).sum(axis=1)
    return mean, np.sqrt(np.maximum((mass * off**2).sum(axis=1) - mean**2, 1e-12))
