"""Which side of a scaler a profile is of, and what follows for the names of faults.

A profile of standardised data has mean 0 and deviation 1, one of min-max scaled data runs from 0 to 1, and so on: the
scaler need not be known for that. What the raw values were, the profile of scaled data does not know: there, the
scaler missing, the scaler applied twice and the scaler refitted are all "a slope and an offset for each column", told
apart by their sizes, by signs, and by how round the numbers are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .likelihood import Likelihood
from .profiles.statistics import median
from .tests.reference import Reference

_SHOULD_BE = 1e-3


def _about(values: Any, expected: float) -> bool:
    # The quantiles of a sketch are not quite those that the scaler took.
    off = np.abs(values - expected)
    return bool(np.all(off < 0.25) and np.median(off) < 0.05)


class Side:
    """``kind``: "standard", "minmax", "maxabs", "robust", "unit" or "raw"."""

    def __init__(self, reference: Reference) -> None:
        self.reference = reference
        profile = reference.profile
        d = reference.columns
        self.mean, self.std = reference.mean, reference.std
        self.low, self.high = reference.low[:d], reference.high[:d]
        self.middle = reference.middle[:d]
        self.width = reference.quantiles(0.75)[:d] - reference.quantiles(0.25)[:d]
        varied = self.std > 0
        self.unit = bool(profile.unit[1] >= 0.99) and d > 1
        self.kind = "raw"
        if varied.any():
            mean, std, low, high = self.mean[varied], self.std[varied], self.low[varied], self.high[varied]
            middle, width = self.middle[varied], self.width[varied]
            wide = width > 0
            if np.all(np.abs(mean) < _SHOULD_BE) and np.all(np.abs(std - 1) < _SHOULD_BE):
                self.kind = "standard"
            elif np.all(np.abs(low) < 1e-6) and np.all(np.abs(high - 1) < 1e-6):
                self.kind = "minmax"
            elif np.all(np.abs(np.maximum(np.abs(low), np.abs(high)) - 1) < 1e-6):
                self.kind = "maxabs"
            elif wide.mean() > 0.5 and _about(middle[wide], 0.0) and _about(width[wide], 1.0):
                self.kind = "robust"
            elif self.unit:
                self.kind = "unit"

    @property
    def scaled(self) -> bool:
        """Whether each column was scaled before the profile was taken."""
        return self.kind not in ("raw", "unit")

    def scalers(self) -> Iterator[tuple[str, Any, Any]]:
        """Yield name, centre and scale of the scalers that would change data like the profile's."""
        one = np.ones_like(self.std)
        found = {
            "standard": (self.mean, np.where(self.std > 0, self.std, one)),
            "minmax": (self.low, np.where(self.high > self.low, self.high - self.low, one)),
            "robust": (self.middle, np.where(self.width > 0, self.width, one)),
            "maxabs": (0 * one, np.where(self.std > 0, np.maximum(np.abs(self.low), np.abs(self.high)), one)),
        }
        for name, (centre, scale) in found.items():
            if name != self.kind and not (name == "maxabs" and self.kind == "minmax"):
                yield name, centre, scale

    def fault_of(self, scaler: str) -> str:
        """Return what a scaler of training's statistics, applied to data like the profile's, is called."""
        if self.kind == "raw":
            return "double_normalised"
        if self.kind == "unit" and scaler == "standard":
            return "standardised_after"
        return "other_scaler"

    def name_affine(self, slope: Any, offset: Any, X: Any, fit: Likelihood) -> tuple[str, dict[str, Any]]:
        """Return what a slope and an offset for each column are called."""
        if not self.scaled:
            return "unknown", {}
        varied = fit.varied
        if not varied.any():
            return "unknown", {}
        size = np.abs(np.log(slope[varied]))
        moved = np.abs(offset[varied]) / self.std[varied]
        # Where the extremes of training have gone: to 1 or -1, in every column, by one scaler alone.
        ends = np.abs(np.stack([slope * self.high + offset, slope * self.low + offset])).max(axis=0)[varied]
        ends = np.abs(np.log(np.maximum(ends, 1e-300)))
        if self.kind != "maxabs" and len(ends) > 1 and np.median(ends) < 0.15 and np.quantile(ends, 0.9) < 0.4:
            return "other_scaler", {"scaler": "maxabs"}
        stretch = np.log(slope[varied])
        apart = np.mean(moved > 0.1 + 3 * np.median(slope[varied]) / np.sqrt(len(X)))
        if len(size) > 2 and 0.3 < np.median(stretch) < 0.9 and stretch.std() < 0.25 and apart < 0.1:
            return "unknown", {}  # wider all over, about the same middle: noise
        shift = offset[varied] / fit.scale[varied]
        large = np.abs(shift) > 0.5
        one_sided = large.sum() >= 3 and abs(np.sign(shift[large]).sum()) >= 0.8 * large.sum() and large.mean() > 0.7
        raw = ((fit.coarse < -5) & varied).sum() >= 0.5 * varied.sum()
        # Another population has its own means and deviations, in both directions; that is not how raw values lie.
        # (Of many columns, all but four must have kept their size, more or less.)
        most = np.quantile(size, max(0.9, 1 - 4 / len(size)))
        near = np.median(size) < np.log(3.5) and np.median(moved) < 3.0 and most < np.log(8.0)
        close = np.median(size) < np.log(2.0) and np.median(moved) < 1.5 and most < np.log(5.0)
        if not raw and (close or (near and not one_sided)):
            return "refit", {}
        return self.name_values(X, fit, slope, offset)

    def name_values(self, X: Any, fit: Likelihood, slope: Any = None, offset: Any = None) -> tuple[str, dict[str, Any]]:
        """Return whether values that lie elsewhere are those before the scaler, or scaled twice."""
        if not self.scaled:
            return "unknown", {}
        varied = fit.varied
        # What 0 has become: the mean (standard), the least value (minmax) or the median (robust) of the raw values.
        centre = median(X[:, varied]) if offset is None else offset[varied]
        scale = fit.scale[varied] if slope is None else slope[varied] * fit.scale[varied]
        # What is measured is mostly positive: so are raw values; and scaled twice, x = -mean / scale is negative. Near
        # 0 it is the spread that tells: raw values mostly have more of it than scaled ones.
        aside = np.abs(centre) > 0.3 * scale
        votes = float(np.sign(centre[aside]).sum())
        if slope is not None:
            stretch = np.log(slope[varied])
            votes += float(np.clip(stretch, -1, 1)[~aside].sum()) + 0.25 * float(np.clip(stretch, -1, 1)[aside].sum())
        coarse = (fit.coarse < -5) & varied
        votes += 2.0 * float(coarse.sum())
        fault, other = ("not_normalised", "double_normalised")[:: 1 if votes >= 0 else -1]
        details: dict[str, Any] = {} if fault == "not_normalised" else {"scaler": self.kind}
        # Only numbers as round as no scaler leaves them are certainly those before it.
        certain = votes >= 0 and coarse.sum() >= 0.5 * varied.sum()
        return fault, details if certain else {**details, "also": [other]}
