"""What may have been done to single columns: each hypothesis undoes it, and is judged by how well the result fits.

A hypothesis about some columns pays a price for every column that it touches (what a Bayesian pays for a parameter);
one about the whole table pays once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .alignment import Alignment
from .company import Company
from .conversions import FACTORS, LOGS, TEMPERATURES
from .density import BELOW, LEANS
from .likelihood import Likelihood
from .profiles.statistics import median
from .side import Side

#: What is less of a factor than this may be a scaler's; of few rows, a constant that was added.
_LEAST_FACTOR, _LEAST_OF_FEW = 2.5, 6.0
#: How near (a logarithm) a known factor is to a fitted one, which must fit so much better (a log-likelihood).
_OTHER_FACTOR, _FAR_BETTER = 0.7, 10.0
#: Fewer rows can't tell where a column lies and how wide it is.
ENOUGH = 6
#: Rows that correlations are weighed from, and columns that they are weighed of.
_ENOUGH_COMPANY, _MOST_COMPANY = 16, 2048
#: How far (a logarithm) the width of a batch may be from that of its distribution, beside chance, and with it.
_WIDER, _WIDER_OR_SO = 0.4, 1.1
#: What values that were divided by the greatest one of training hardly exceed.
_ABOUT_ONE = 1.25
#: Deviations that a constant is expected to move a column by at most; the share of the columns that a scaler moves.
_FAR, _MANY = 10.0, 0.4
#: What a column's likelihood must gain before the precision of its numbers counts.
_LEAST = 3.0


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
    #: What the tests still find odd once it is undone (a log-likelihood).
    left: float = 0.0
    #: Or each column is one of them or not, as likely as not, if that explains more: of many, each pays less.
    any_number: bool = False

    @property
    def columns(self) -> Any:
        """The columns that it explains."""
        if self.touched is not None:
            return self.touched
        return np.arange(len(self.gain)) if self.whole else np.flatnonzero(self.gain > self.price)

    def restored(self, X: Any) -> Any:
        """Return the batch with what was done to the columns undone."""
        if self.undone is None:
            return X
        Y = X.copy()
        columns = np.arange(X.shape[1]) if self.whole and self.touched is None else self.columns
        Y[:, columns] = self.undone[:, columns]
        return Y

    @property
    def score(self) -> float:
        """The sum of the gains, less what it costs."""
        if self.whole:
            return float(self.gain.sum()) - self.price - self.left
        score = float(np.maximum(self.gain - self.price, 0).sum()) - 2.0
        if self.any_number:
            either = np.logaddexp(0, np.clip(self.gain, -50, 200)) - np.log(2.0)
            score = max(score, float(either.sum()) - 2.0)
        return score - self.left


class Search:
    """The hypotheses about the columns of one batch, against that it is as it was, or ``drifted`` as suits it best."""

    def __init__(
        self, likelihood: Likelihood, side: Side, flagged: Any, moved: Any, displaced: Any, drifted: bool = False
    ) -> None:
        self.fit = likelihood
        self.laid = Alignment(likelihood)
        #: Columns whose values lie elsewhere, or are wider or narrower, than the profile's; those that lie far off.
        self.moved = moved
        self.displaced = displaced
        self.side = side
        self.X = likelihood.X
        self.n = likelihood.n
        self.fits = likelihood.drifted() if drifted else likelihood.of(self.X)
        self.repeated, self.coarse = likelihood.charges(self.X)
        self.clean = self.fits - self.repeated - self.coarse
        # Columns that fit as they are need no explanation: nothing is lost by not looking for one.
        density = likelihood.density
        self.suspect = (self.clean < density.least(self.X, LEANS if drifted else BELOW)) | density.other_width(self.X)
        self.suspect[flagged] = True
        ordered = np.sort(self.X, axis=0)
        self.several = (ordered[1:] > ordered[:-1]).sum(axis=0) >= np.minimum(4, self.n - 1)
        # A free parameter is worth the width of its prior over that of its posterior.
        self.free = 3.0 + 0.5 * float(np.log(self.n))

    @cached_property
    def company(self) -> Company | None:
        """The correlations of the batch, where they can be weighed against what was learned."""
        learned = self.fit.reference.profile.dependence
        if learned is None or self.n < _ENOUGH_COMPANY or self.fit.columns > _MOST_COMPANY:
            return None
        return Company(learned, self.X)

    @cached_property
    def wrong_sign(self) -> Any:
        """The columns with values of a sign that those of training do not have: no factor makes them so."""
        d = self.fit.columns
        low, high = self.fit.reference.low[:d], self.fit.reference.high[:d]
        return ((low >= 0) & (self.X < 0).any(axis=0)) | ((high <= 0) & (self.X > 0).any(axis=0))

    def affine(self, slope: Any, offset: Any, whole: bool = False) -> tuple[Any, Any]:
        """Return the gain of undoing x = slope * y + offset, and y; of suspect columns, unless it's about the whole."""
        slopes, offsets = np.broadcast_to(slope, self.clean.shape), np.broadcast_to(offset, self.clean.shape)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            Y = (self.X - offset) / slope
            found = self._of(Y, -np.log(np.abs(slopes)), whole)
        gain = self._gain(found, Y, lambda run: (run.value - offsets[run.column]) / slopes[run.column])
        return np.where(self.suspect | whole, gain, 0.0), Y

    def _gain(self, found: Any, Y: Any, undo: Any) -> Any:
        """Return what is gained by a likelihood, and by what repeated and coarse values no longer cost."""
        repeated, coarse = self.fit.charges(Y, undo)
        gain = found - self.fits + self.repeated - repeated
        # Nearly anything that is done to coarse values makes them fine: that alone doesn't speak for it.
        credit = (gain > _LEAST) & (self.moved | (self.moved.mean() > 0.5))
        return gain + np.where(credit, self.coarse - coarse, np.minimum(self.coarse - coarse, 0.0))

    def _of(self, Y: Any, log_slope: Any, whole: bool) -> Any:
        if whole or self.suspect.all():
            return self.fit.of(Y, log_slope)
        at = np.flatnonzero(self.suspect)
        out = np.zeros(len(self.suspect))
        out[at] = self.fit.of(Y[:, at], log_slope[..., at], at)
        return out

    def all(self) -> Iterator[Hypothesis]:
        """Yield every hypothesis that these rows can decide on."""
        # A logarithm of 0, a power that overflows, a column without values: each is an answer here.
        with np.errstate(all="ignore"):
            found = [*self.scalers(), *self.largest_is_one(), *self.free_scalers()]
            found += [*self.shifts(), *self.units(), *self.one_factor(), *self.logs(), self.replaced()]
        yield from found

    def scalers(self) -> Iterator[Hypothesis]:
        """Yield the scalers whose statistics the profile knows, applied to data like the profile's."""
        for name, centre, scale in self.side.scalers():
            gain, Y = self.affine(1 / scale, -centre / scale, whole=True)
            fault = self.side.fault_of(name)
            yield Hypothesis(fault, gain, 2.0, whole=True, details={"scaler": name}, undone=Y)

    def largest_is_one(self) -> Iterator[Hypothesis]:
        """Yield that raw values were divided by their greatest one, where the profile's were scaled otherwise.

        Where the extreme of training has gone is known, 1 or -1; one number for each column is not.
        """
        if self.side.kind not in ("standard", "minmax", "robust") or self.n < ENOUGH:
            return
        fit, middle = self.fit, median(self.X)
        bounded = np.fmax.reduce(np.abs(self.X), axis=0) <= _ABOUT_ONE
        if bounded[fit.varied].sum() < 0.9 * fit.varied.sum():
            return
        best, undone = np.full(fit.columns, -np.inf), self.X.copy()
        for end, extreme in ((1.0, self.side.high), (-1.0, self.side.low)):
            part = fit.middle / np.where(extreme != 0, extreme, 1.0)
            offset = (middle - end * part) / np.where(part != 1, 1 - part, 1.0)
            slope = (end - offset) / np.where(extreme != 0, extreme, 1.0)
            fits = (slope > 0) & (extreme != 0) & (part < 1)
            gain, Y = self.affine(np.where(fits, slope, 1.0), np.where(fits, offset, 0.0))
            better = fits & (gain > best)
            best, undone = np.where(better, gain, best), np.where(better, Y, undone)
        found = Hypothesis("other_scaler", best, 0.7 * self.free, details={"scaler": "maxabs"}, undone=undone)
        if len(found.columns) > max(1, 0.25 * fit.varied.sum()):
            yield found

    def shifts(self) -> Iterator[Hypothesis]:
        """Yield that a constant was added to some columns."""
        offset = self.laid.shifts()
        gain, Y = self.affine(1.0, offset)
        far = np.abs(offset) > self.fit.tolerance
        gain = np.where(far, gain, 0.0)
        if self.side.scaled and self.laid.stretched and (gain > self.free).sum() > max(2, 0.6 * self.fit.varied.sum()):
            gain = gain - self.free  # all of them at once: likelier a scaler, which would have moved them so
        deviations = offset / np.where(self.fit.reference.std > 0, self.fit.reference.std, 1.0)
        # So far off, there are many places to be moved to: of several that explain as much, the nearest.
        gain = gain - np.log(np.maximum(np.abs(deviations) / _FAR, 1.0))
        facts = {
            int(j): {"shift": float(offset[j]), "deviations": float(deviations[j])}
            for j in np.flatnonzero(gain > self.free)
        }
        yield Hypothesis("shifted", gain, self.free, of_columns=facts, undone=Y)

    def negated(self, whole: bool = False) -> tuple[Any, Any]:
        """Return what :meth:`affine` does, of columns that were negated."""
        gain, Y = self.affine(-1.0, 0.0, whole)
        if self.side.scaled and self.n >= ENOUGH:
            # Negated before the scaler: about a middle that is not known here.
            moved, Z = self.affine(-1.0, self.laid.offset_of(-1.0), whole)
            better = moved - self.free > gain
            gain, Y = np.where(better, moved - self.free, gain), np.where(better, Z, Y)
        return gain, Y

    def units(self) -> Iterator[Hypothesis]:
        """Yield that some columns were multiplied by a known factor, or are temperatures on another scale."""
        prior = float(np.log(2 * len(FACTORS)))
        found = [(slope, 0.0, f"×{slope:.6g}") for factor in FACTORS for slope in (factor, 1 / factor)]
        for slope, offset, name in found if self.side.scaled else (*found, *TEMPERATURES):
            # So many times wider a column must be, as far as these rows tell.
            wide = self.fit.varied
            if self.n >= ENOUGH:
                off = np.minimum(_WIDER + 4 * self.laid.by_chance, _WIDER_OR_SO)
                wide = np.abs(np.log(self.laid.slopes / slope)) < off
            if wide.any():
                yield self._unit(slope, offset, prior, name, wide)

    def _unit(self, slope: float, offset: float, prior: float, name: str, wide: Any) -> Hypothesis:
        gain, Y = self.affine(slope, offset)
        impossible = ~wide if self.side.scaled or offset else ~wide | self.wrong_sign
        gain = np.where(impossible, np.minimum(gain, 0.0), gain)
        far = not 1 / _LEAST_FACTOR < slope < _LEAST_FACTOR
        if self.side.scaled and not far:
            gain = np.zeros_like(gain)  # such a stretch of scaled data is a scaler's
        if self.side.scaled and not self.side.unit and self.n >= ENOUGH and far:
            # A factor on the values before the scaler changes the offset too, by what isn't known here.
            moved, Z = self.affine(slope, self.laid.offset_of(slope))
            better = wide & (moved - self.free > gain)
            gain, Y = np.where(better, moved - self.free, gain), np.where(better, Z, Y)
        details = {"factor": slope, "offset": offset, "unit": name}
        found = Hypothesis("unit_changed", gain, 2.0, details=details, undone=Y)
        touched, varied = len(found.columns), max(int(self.fit.varied.sum()), 1)
        # One unit for most of a table is likelier something else: a scaler, or noise.
        crowded = touched > max(2, 0.6 * varied) and not self.side.unit
        crowd = (np.inf if self.side.scaled else 6.0 + 0.5 * self.free) if crowded else 0.0
        sure = self.several | self.fit.all_on_values(Y, ~self.several & (gain > 20.0))
        found.gain = np.where(sure, gain, np.minimum(gain, 20.0)) - prior / max(touched, 1) - crowd
        return found

    def one_factor(self) -> Iterator[Hypothesis]:
        """Yield that the whole table was multiplied by one factor: a known one, unless another fits far better."""
        varied = self.fit.varied
        if self.side.scaled or self.side.unit or varied.sum() < 2 or self.wrong_sign[varied].any():
            return
        # How much wider the columns are, or of so few rows that don't tell, how much larger.
        larger = np.abs(median(self.X) / np.where(self.fit.middle != 0, self.fit.middle, np.nan))
        larger = (self.laid.slopes if self.n >= ENOUGH else larger)[varied]
        larger = larger[np.isfinite(larger) & (larger > 0)]
        if not len(larger):
            return
        fitted = float(np.exp(np.median(np.log(larger))))
        least = _LEAST_FACTOR if self.n >= ENOUGH else _LEAST_OF_FEW
        if 1 / least < fitted < least:
            return  # wider or narrower, as noise and clipping make them too; larger or smaller, as constants do
        slopes = [s for factor in FACTORS for s in (factor, 1 / factor) if abs(np.log(s / fitted)) < _OTHER_FACTOR]
        found = [self._by_one_factor(slope, float(np.log(2 * len(FACTORS))) + 2.0) for slope in slopes]
        found.sort(key=lambda h: -h.score)
        other = self._by_one_factor(fitted, self.free + 2.0)
        yield other if not found or other.score > found[0].score + _FAR_BETTER else found[0]

    def _by_one_factor(self, slope: float, price: float) -> Hypothesis:
        gain, Y = self.affine(slope, 0.0, whole=True)
        details = {"factor": slope, "offset": 0.0, "unit": f"×{slope:.6g}"}
        return Hypothesis("unit_changed", np.where(self.fit.varied, gain, 0.0), price, True, details, undone=Y)

    def logs(self) -> Iterator[Hypothesis]:
        """Yield that some columns went through a logarithm, or lack one."""
        for name, log, exp, log_slope in LOGS:
            yield self._curve("log_extra", name, exp(self.X), log_slope(self.X), exp)
            Y = log(self.X)
            slopes = {"log": -Y, "log1p": -Y, "log10": None, "log2": None}[name]
            if slopes is not None:
                yield self._curve("log_missing", name, np.where(np.isfinite(Y), Y, np.nan), slopes, log)

    def _curve(self, fault: str, name: str, Y: Any, log_slope: Any, undo: Any) -> Hypothesis:
        gain = self._of(Y, np.where(np.isfinite(log_slope), log_slope, 0.0), False)
        gain = np.where(self.suspect, self._gain(gain, Y, lambda run: float(undo(np.float64(run.value)))), 0.0)
        return Hypothesis(fault, gain, 3.5, details={"function": name}, undone=Y)

    def replaced(self) -> Hypothesis:
        """Return that many values of some columns are no longer theirs, but lie anywhere around: noise."""
        fit = self.fit
        u = (self.X - fit.middle) / fit.scale
        anywhere = -np.abs(np.arcsinh(u)) - np.log(2.0) - 0.5 * np.log1p(u * u) - np.log(fit.scale)
        either = np.logaddexp(fit.density.of(self.X, np.arange(fit.columns)), anywhere) - np.log(2.0)
        gain = np.nansum(either, axis=0) * fit.weight - self.fits
        gain = np.where(np.array(fit.reference.jumps[: fit.columns]) | (self.repeated > 0), 0.0, gain)
        return Hypothesis("unknown", gain, 3.0, undone=np.full_like(self.X, np.nan))

    def free_scalers(self) -> Iterator[Hypothesis]:
        """Each column has a slope and an offset of its own: what a scaler does whose statistics aren't known here."""
        if self.n < ENOUGH:
            yield from self._far_off()
            return
        slope, offset = self.laid.aligned()
        gain, Y = self.affine(slope, offset, whole=self.side.scaled)
        # A column of few values fits anything when it is stretched: it says little by itself, and goes with the others.
        all_gain = gain - np.where(self.several, 0.0, self.free)
        gain = np.where(self.several, gain, np.minimum(gain, 0.0))
        fault, details = self.side.name_affine(slope, offset, self.X, self.fit)
        varied = int(self.fit.varied.sum())
        if fault == "refit" and not self.laid.stretched:
            yield Hypothesis("unknown", gain, 2 * self.free + 8.0, undone=Y)
        elif fault == "refit":
            # Slopes near 1 and small offsets were to be expected: each column pays little for them.
            unusual = 0.2 * (offset / self.fit.scale) ** 2 + 0.7 * np.log(slope) ** 2
            kept = np.where(self.fit.varied, np.maximum(all_gain - 0.5 * self.free - unusual, 0.0), 0.0)
            if self._of_many(kept):
                yield Hypothesis("refit", kept, 3.0, True, details, undone=Y)
            yield Hypothesis("unknown", gain, 2 * self.free + 8.0, undone=Y)
        elif fault == "unknown":
            yield Hypothesis("unknown", gain, 2 * self.free + 4.0, undone=Y)
        else:
            price = (0.6 if self.laid.stretched else 2) * self.free * varied
            # Priced like some columns, named like the whole: what a column does not need, it need not pay.
            kept = np.where(self.fit.varied, np.maximum(all_gain, 0.0), 0.0)
            if self._of_many(kept - self.free):
                yield Hypothesis(fault, kept, min(price, 0.6 * float(kept.sum()) + 10), True, details, undone=Y)
            yield Hypothesis("unknown", gain, 2 * self.free + 8.0, undone=Y)

    def _of_many(self, gain: Any) -> bool:
        """Return whether many columns gain, as by another scaler; one or two are a matter of their own."""
        told = gain[self.fit.varied & self.several] > 0
        return bool(told.sum() >= max(_MANY * len(told), 1))

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
