"""What may have been done to single columns: each hypothesis undoes it, and is judged by how well the result fits.

A hypothesis about some columns pays a price for every column that it touches (what a Bayesian pays for a parameter);
one about the whole table pays once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .likelihood import Likelihood, deviation, median, quantiles
from .side import Side

#: Conversion factors: thousands, minutes, inches, miles, feet, pounds, ounces, gallons, calories, dozens, days.
FACTORS = (10.0, 12.0, 24.0, 60.0, 100.0, 1000.0, 3600.0, 1e6, 2.54, 25.4, 1.609344, 0.3048, 0.45359237, 453.59237,
           28.349523125, 3.785411784, 4.184, 3.6, 6.894757, 1.8)  # fmt: skip
#: Temperatures: x = factor * y + offset.
TEMPERATURES = (
    (1.8, 32.0, "°C to °F"),
    (1 / 1.8, -32 / 1.8, "°F to °C"),
    (1.0, 273.15, "°C to K"),
    (1.0, -273.15, "K to °C"),
)
_LOGS = (
    ("log", np.log, np.exp, lambda x: x),
    ("log1p", np.log1p, np.expm1, lambda x: x),
    ("log10", np.log10, lambda x: np.power(10.0, x), lambda x: x * np.log(10.0) + np.log(np.log(10.0))),
    ("log2", np.log2, np.exp2, lambda x: x * np.log(2.0) + np.log(np.log(2.0))),
)
#: Fewer rows can't tell where a column lies and how wide it is.
ENOUGH = 6


@dataclass
class Hypothesis:
    """``gain``: of each column, the log-likelihood over that of an unchanged column; ``price``: of touching it."""

    fault: str
    gain: Any
    price: float
    whole: bool = False
    details: dict[str, Any] = field(default_factory=dict)
    of_columns: dict[int, dict[str, Any]] = field(default_factory=dict)
    undone: Any = None
    touched: Any = None

    @property
    def columns(self) -> Any:
        """The columns that it explains."""
        if self.touched is not None:
            return self.touched
        return np.arange(len(self.gain)) if self.whole else np.flatnonzero(self.gain > self.price)

    @property
    def score(self) -> float:
        """The sum of the gains, less what it costs."""
        if self.whole:
            return float(self.gain.sum()) - self.price
        return float(np.maximum(self.gain - self.price, 0).sum()) - 2.0


class Search:
    """The hypotheses about the columns of one batch."""

    def __init__(self, likelihood: Likelihood, side: Side, flagged: Any) -> None:
        self.fit = likelihood
        self.side = side
        self.X = likelihood.X
        self.n = likelihood.n
        fits = likelihood.of(self.X)
        self.clean = fits - likelihood.charges(self.X)
        # Columns that fit as they are need no explanation: nothing is lost by not looking for one.
        usual = likelihood.usual() * self.n * likelihood.weight
        self.suspect = self.clean < usual - 3.0 * np.sqrt(self.n)
        self.suspect[flagged] = True
        #: Whether the dependence between columns can be weighed.
        self.has_company = (
            likelihood.reference.profile.dependence is not None and self.n >= 16 and likelihood.columns <= 2048
        )
        ordered = np.sort(self.X, axis=0)
        self.several = (ordered[1:] > ordered[:-1]).sum(axis=0) >= np.minimum(4, self.n - 1)
        # A free parameter is worth the width of its prior over that of its posterior.
        self.free = 3.0 + 0.5 * float(np.log(self.n))

    def affine(self, slope: Any, offset: Any, whole: bool = False) -> tuple[Any, Any]:
        """Return the gain of undoing x = slope * y + offset, and y; of suspect columns, unless it's about the whole."""
        slopes, offsets = np.broadcast_to(slope, self.clean.shape), np.broadcast_to(offset, self.clean.shape)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            Y = (self.X - offset) / slope
            found = self._of(Y, -np.log(np.abs(slopes)), whole)
        charge = self.fit.charges(Y, lambda run: (run.value - offsets[run.column]) / slopes[run.column])
        return np.where(self.suspect | whole, found - charge - self.clean, 0.0), Y

    def _of(self, Y: Any, log_slope: Any, whole: bool) -> Any:
        if whole or self.suspect.all():
            return self.fit.of(Y, log_slope)
        at = np.flatnonzero(self.suspect)
        out = np.zeros(len(self.suspect))
        out[at] = self.fit.of(Y[:, at], log_slope[..., at], at)
        return out

    def offset_of(self, slope: Any) -> Any:
        """Return where a column must have been moved for its median to be right."""
        return np.nan_to_num(median(self.X) - slope * self.fit.middle)

    def all(self) -> Iterator[Hypothesis]:
        """Yield every hypothesis that these rows can decide on."""
        # A logarithm of 0, a power that overflows, a column without values: each is an answer here.
        with np.errstate(all="ignore"):
            found = [*self.scalers(), *self.shifts(), *self.units(), *self.logs(), *self.free_scalers()]
        yield from found

    def scalers(self) -> Iterator[Hypothesis]:
        """Yield the scalers whose statistics the profile knows, applied to data like the profile's."""
        for name, centre, scale in self.side.scalers():
            gain, Y = self.affine(1 / scale, -centre / scale, whole=True)
            fault = self.side.fault_of(name)
            yield Hypothesis(fault, gain, 2.0, whole=True, details={"scaler": name}, undone=Y)

    def shifts(self) -> Iterator[Hypothesis]:
        """Yield that a constant was added to some columns, and that some were negated."""
        offset = self.offset_of(1.0)
        gain, Y = self.affine(1.0, offset)
        far = np.abs(offset) > self.fit.tolerance
        gain = np.where(far, gain, 0.0)
        if self.side.scaled and (gain > self.free).sum() > max(2, 0.6 * self.fit.varied.sum()):
            gain = gain - self.free  # all of them at once: likelier a scaler, which would have moved them so
        deviations = offset / np.where(self.fit.reference.std > 0, self.fit.reference.std, 1.0)
        facts = {
            int(j): {"shift": float(offset[j]), "deviations": float(deviations[j])}
            for j in np.flatnonzero(gain > self.free)
        }
        yield Hypothesis("shifted", gain, self.free, of_columns=facts, undone=Y)
        if self.has_company:
            return  # signs are told with the dependence between columns; see permutations
        flipped, Y = self.affine(-1.0, 0.0)
        if self.side.scaled and self.n >= ENOUGH:
            # Flipped before the scaler: about a middle that is not known here.
            moved, Z = self.affine(-1.0, self.offset_of(-1.0))
            flipped, Y = (
                np.where(moved - self.free > flipped, moved - self.free, flipped),
                np.where(moved - self.free > flipped, Z, Y),
            )
        yield Hypothesis("sign_flipped", flipped, 3.0, undone=Y)

    def units(self) -> Iterator[Hypothesis]:
        """Yield that some columns were multiplied by a known factor, or are temperatures on another scale."""
        prior = float(np.log(2 * len(FACTORS)))
        for factor in FACTORS:
            for slope in (factor, 1 / factor):
                yield self._unit(slope, 0.0, prior, f"×{slope:.6g}")
        for slope, offset, name in TEMPERATURES:
            if not self.side.scaled:
                yield self._unit(slope, offset, prior, name)

    def _unit(self, slope: float, offset: float, prior: float, name: str) -> Hypothesis:
        gain, Y = self.affine(slope, offset)
        price = 2.0
        far = not 0.4 < slope < 2.5
        if self.side.scaled and not far:
            gain = np.zeros_like(gain)  # such a stretch of scaled data is a scaler's
        if self.side.scaled and not self.side.unit and self.n >= ENOUGH and far:
            # A factor on the values before the scaler changes the offset too, by what isn't known here.
            moved, Z = self.affine(slope, self.offset_of(slope))
            better = moved - self.free > gain
            gain, Y = np.where(better, moved - self.free, gain), np.where(better, Z, Y)
        found = Hypothesis("unit_changed", gain, price, undone=Y)
        found.details = {"factor": slope, "offset": offset, "unit": name}
        touched, varied = len(found.columns), max(int(self.fit.varied.sum()), 1)
        # One unit for most of a table is likelier something else: a scaler, or noise.
        crowd = 0.0
        if touched > max(2, 0.6 * varied) and not self.side.unit:
            crowd = np.inf if self.side.scaled else 6.0 + 0.5 * self.free
        found.gain = np.where(self.several, gain, np.minimum(gain, 20.0)) - prior / max(touched, 1) - crowd
        return found

    def logs(self) -> Iterator[Hypothesis]:
        """Yield that some columns went through a logarithm, or lack one."""
        for name, log, exp, log_slope in _LOGS:
            yield self._curve("log_extra", name, exp(self.X), log_slope(self.X), exp)
            Y = log(self.X)
            slopes = {"log": -Y, "log1p": -Y, "log10": None, "log2": None}[name]
            if slopes is not None:
                yield self._curve("log_missing", name, np.where(np.isfinite(Y), Y, np.nan), slopes, log)

    def _curve(self, fault: str, name: str, Y: Any, log_slope: Any, undo: Any) -> Hypothesis:
        gain = self._of(Y, np.where(np.isfinite(log_slope), log_slope, 0.0), False)
        gain = gain - self.fit.charges(Y, lambda run: float(undo(np.float64(run.value)))) - self.clean
        gain = np.where(self.suspect, gain, 0.0)
        return Hypothesis(fault, gain, 3.5, details={"function": name}, undone=Y)

    def free_scalers(self) -> Iterator[Hypothesis]:
        """Each column has a slope and an offset of its own: what a scaler does whose statistics aren't known here."""
        if self.n < ENOUGH:
            yield from self._far_off()
            return
        width = np.subtract(*quantiles(self.X, (0.84, 0.16)))
        usual = self.fit._quantile(0.84) - self.fit._quantile(0.16)
        mine, theirs = deviation(self.X), self.fit.reference.std
        by_width = (width > 0) & (usual > 0)
        slope = np.where(by_width, width / np.where(usual > 0, usual, 1), mine / np.where(theirs > 0, theirs, 1))
        slope = np.where(slope > 0, slope, 1.0)
        offset = self.offset_of(slope)
        gain, Y = self.affine(slope, offset, whole=self.side.scaled)
        # A column of few values fits anything when it is stretched.
        gain = np.where(self.several, gain, np.minimum(gain, 0.0))
        fault, details = self.side.name_affine(slope, offset, self.X, self.fit)
        varied = int(self.fit.varied.sum())
        if fault == "refit":
            # Slopes near 1 and small offsets were to be expected: each column pays little for them.
            unusual = 0.2 * (offset / self.fit.scale) ** 2 + 0.7 * np.log(slope) ** 2
            kept = np.where(self.fit.varied, np.maximum(gain - 0.5 * self.free - unusual, 0.0), 0.0)
            # A scaler fitted on other data moves many columns; one or two are a matter of their own.
            if (kept[self.fit.varied] > 0).mean() >= 0.4:
                yield Hypothesis("refit", kept, 3.0, True, details, undone=Y)
            yield Hypothesis("unknown", gain, 2 * self.free + 8.0, undone=Y)
        elif fault == "unknown":
            yield Hypothesis("unknown", gain, 2 * self.free + 4.0, undone=Y)
        else:
            price = 2 * self.free * varied
            # Priced like some columns, named like the whole: what a column does not need, it need not pay.
            kept = np.where(self.fit.varied, np.maximum(gain, 0.0), 0.0)
            yield Hypothesis(fault, kept, min(price, 0.6 * float(kept.sum()) + 10), True, details, undone=Y)
            yield Hypothesis("unknown", gain, 2 * self.free + 8.0, undone=Y)

    def _far_off(self) -> Iterator[Hypothesis]:
        # So few rows can't tell a slope: only that the columns lie somewhere else altogether.
        u = (self.X - self.fit.middle) / self.fit.scale
        t = np.arcsinh(u)
        wide = -np.abs(t) / 3.0 - np.log(6.0) - 0.5 * np.log1p(u * u) - np.log(self.fit.scale)
        gain = np.where(self.fit.varied, np.nansum(wide, axis=0) * self.fit.weight - self.clean, 0.0)
        fault, details = self.side.name_values(self.X, self.fit)
        if fault != "unknown":
            kept = np.maximum(gain, 0.0)
            yield Hypothesis(fault, kept, 4.0, True, details)
        yield Hypothesis("unknown", gain, 4.0)
