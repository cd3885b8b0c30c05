"""Which side of a scaler a profile is of: standardised data has mean 0 and deviation 1, min-max scaled runs 0 to 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..tests.reference import Reference

_SHOULD_BE, _BOUND = 1e-3, 1e-6


class ScalingState:
    """``kind``: "standard", "minmax", "maxabs", "robust", "unit" (rows of length 1) or "raw"."""

    def __init__(self, reference: Reference) -> None:
        d = reference.columns
        self.mean, self.std = reference.mean, reference.std
        self.low, self.high, self.middle = reference.low[:d], reference.high[:d], reference.middle[:d]
        self.width = reference.quantiles(0.75)[:d] - reference.quantiles(0.25)[:d]
        self.unit = d > 1 and bool(reference.profile.unit[1] >= 0.99)
        self.kind = self._kind(self.std > 0)

    def _kind(self, varied: Any) -> str:
        mean, std, low, high = (of[varied] for of in (self.mean, self.std, self.low, self.high))
        if not varied.any():
            return "raw"
        if (np.abs(mean) < _SHOULD_BE).all() and (np.abs(std - 1) < _SHOULD_BE).all():
            return "standard"
        if (np.abs(low) < _BOUND).all() and (np.abs(high - 1) < _BOUND).all():
            return "minmax"
        if (np.abs(np.maximum(np.abs(low), np.abs(high)) - 1) < _BOUND).all():
            return "maxabs"
        middle, width = self.middle[varied], self.width[varied]
        wide = width > 0
        if wide.mean() > 0.5 and _about(middle[wide], 0.0) and _about(width[wide], 1.0):
            return "robust"
        return "unit" if self.unit else "raw"

    @property
    def scaled(self) -> bool:
        """Whether each column was scaled before the profile was taken."""
        return self.kind not in ("raw", "unit")

    def scalers(self) -> Iterator[tuple[str, Any, Any]]:
        """Yield name, centre and scale of the scalers that would change data like the profile's."""
        found = {
            "standard": (self.mean, self.std),
            "minmax": (self.low, self.high - self.low),
            "robust": (self.middle, self.width),
            "maxabs": (0 * self.mean, np.maximum(np.abs(self.low), np.abs(self.high))),
        }
        for name, (centre, scale) in found.items():
            if name != self.kind and not (name == "maxabs" and self.kind == "minmax"):
                yield name, centre, np.where((scale > 0) & (self.std > 0), scale, 1.0)


def _about(values: Any, expected: float) -> bool:
    # The quantiles of a sketch are not quite those that the scaler took.
    off = np.abs(values - expected)
    return bool((off < 0.25).all() and np.median(off) < 0.05)
