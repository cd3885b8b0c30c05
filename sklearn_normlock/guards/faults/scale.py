"""Single columns on another scale: a unit, a factor, an offset, a sign, a logarithm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import units
from ..calibration import CALIBRATION as C
from ..profiles.sketch import common_step, residual
from ..profiles.statistics import median
from .base import Candidate, ColumnFault, Fault
from .case import Case, replaced
from .values import Ways

#: Factors with their prior and the units on both sides, and the inverse of each.
KNOWN = [(f, C.power, "") for f in units.POWERS]
KNOWN += [(f, C.unit, words) for f, words in units.FACTORS.items()]
KNOWN += [(f, C.close_unit, words) for f, words in units.CLOSE_FACTORS.items()]
KNOWN += [(1 / f, prior, words) for f, prior, words in KNOWN]
_LOG_KNOWN = np.log([f for f, _, _ in KNOWN])
_ROOT_2_PI = float(np.sqrt(2 * np.pi))
_PRIORS = np.array([prior for _, prior, _ in KNOWN])
#: Each logarithm: its name, itself and its inverse.
LOGS: tuple[tuple[str, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    ("log", np.log, np.exp),
    ("log1p", np.log1p, np.expm1),
    ("log10", np.log10, lambda x: np.power(10.0, x)),
    ("log2", np.log2, np.exp2),
)


def estimated(density: Any, error: Any) -> Any:
    """Return the price of a number of this prior density that is known to a standard error, in nats.

    It is the part of the prior that the estimate leaves (Laplace's approximation, from which BIC is derived). That is
    about half the logarithm of the number of rows, and how much the number might have been.
    """
    return np.maximum(0.0, -np.log(np.maximum(density * _ROOT_2_PI * error, 1e-300)))


def normal(x: Any, deviation: float) -> Any:
    """Return the density of a normal variable of mean 0."""
    return np.exp(-0.5 * (np.asarray(x) / deviation) ** 2) / (_ROOT_2_PI * deviation)


@dataclass(frozen=True)
class Factor:
    """A factor: the logarithm of its estimate, with a standard error, and the known one if it has earned its name."""

    log: float
    error: float
    known: int | None
    inside: tuple[int, ...]

    @classmethod
    def judged(cls, log: float, error: float, forgiven: float = 0.0) -> Factor:
        """Return a factor with the unit that it is: the most probable of all, by far."""
        wide = np.where(_PRIORS == C.power, np.hypot(error, forgiven), error)
        weight = _PRIORS * np.exp(-0.5 * ((_LOG_KNOWN - log) / wide) ** 2)
        every = weight.sum() + np.exp(-estimated(C.any_factor, error))
        best = int(weight.argmax())
        inside = tuple(np.flatnonzero(np.abs(_LOG_KNOWN - log) <= C.interval * wide).tolist())
        return cls(log, error, best if weight[best] > C.sure_of_unit * every else None, inside)

    @property
    def slope(self) -> float:
        """The factor itself."""
        return float(np.exp(self.log)) if self.known is None else KNOWN[self.known][0]

    @property
    def cost(self) -> float:
        """How much there is to say, in nats."""
        return float(estimated(C.any_factor, self.error) if self.known is None else -np.log(KNOWN[self.known][1]))

    def told(self) -> dict[str, Any]:
        """Return the details of the factor."""
        if self.known is not None:
            words = KNOWN[self.known][2]
            return {"factor": self.slope, "unit": f"×{self.slope:.6g}" + f" ({words})" * bool(words)}
        ends = [float(np.exp(self.log + side * C.interval * self.error)) for side in (-1, 1)]
        found: dict[str, Any] = {"factor": self.slope, "interval": ends}
        if self.inside:
            found["or"] = [{"factor": KNOWN[i][0], "unit": f"×{KNOWN[i][0]:.6g}"} for i in self.inside]
        return found


def multiplied(case: Case) -> Iterator[Candidate]:
    """Yield the factors that the columns that alarm may have been multiplied with: one for all, or one each."""
    columns = case.columns
    if not len(columns) or case.n < 3:
        return
    if case.blind:  # a factor of the raw numbers is a slope and an offset of the scaled ones
        if len(columns) < max(C.many * case.varied.sum(), 2):
            slope, offset, error = affine(case, columns)
            factors = [Factor.judged(float(np.log(a)), float(e)) for a, e in zip(slope, error, strict=True)]
            yield from _rescaled(
                case, columns, factors, [f.cost for f in factors] + price_of_shift(case, columns), offset
            )
        return
    of = columns
    if whole := len(columns) >= C.many * case.varied.sum():
        of = np.flatnonzero(case.varied)
    ratios = {j: ratio for j in map(int, of) if (ratio := _log_ratio(case, j)) is not None}
    usable = np.array([j for j in columns if j in ratios], np.int64)
    for at, all_of in ((usable, False), (np.array([*ratios]), True))[: 1 + whole] if len(usable) else ():
        log, error, spread = np.array([ratios[j] for j in at]).T
        # Columns that go together are no independent estimates: their error is that of the surest.
        pooled = float((log / error**2).sum() / (1 / error**2).sum())
        common = Factor.judged(pooled, error.min(), C.forgiven * spread.min())
        yield from _rescaled(case, at, [common] * len(at), common.cost, whole=all_of)
    each = [Factor.judged(log, error, C.forgiven * spread) for log, error, spread in (ratios[j] for j in usable)]
    known = np.array([factor.known is not None for factor in each], bool)
    # Units may be one fault, and the rest another.
    for some in (known, ~known, known | True) if len(each) > 1 else ():
        factors = [each[i] for i in np.flatnonzero(some)]
        if factors:
            yield from _rescaled(case, usable[some], factors, np.array([factor.cost for factor in factors]))


def _rescaled(
    case: Case, at: Any, factors: list[Factor], numbers: Any, offsets: Any = 0.0, whole: bool = False
) -> Iterator[Candidate]:
    """Yield the columns divided by their factors, as another unit if all are known; nothing if none is told from 1."""
    named = all(factor.known is not None for factor in factors)
    if not named and not any(abs(f.log) > C.interval * f.error for f in factors):
        return
    slope, offsets = np.array([factor.slope for factor in factors]), offsets + np.zeros(len(at))
    undone = replaced(case.X, at, case.from_raw((case.to_raw(case.X[:, at], at) - offsets) / slope, at))
    told = [{**factor.told(), "offset": float(offset)} for factor, offset in zip(factors, offsets, strict=True)]
    each, details = (dict(zip(map(int, at), told, strict=True)), {}) if not whole else ({}, told[0])
    fault, free = (UnitChanged if named else Rescaled).name, not named or bool(offsets.any())
    yield Candidate(fault, at, undone, numbers, details, each, whole, free)


def _log_ratio(case: Case, j: int) -> tuple[float, float, float] | None:
    """Return the logarithm of a column's factor, its standard error, and the deviation of the logarithms."""
    found = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for values in (case.reference.fine[:, j], case.X[:, j]):
            logs = np.log(np.abs(case.to_raw(values, j)))
            if len(logs := logs[np.isfinite(logs)]) < 3:
                return None
            low, high = np.quantile(logs, (0.25, 0.75))
            found.append((logs[(logs >= low) & (logs <= high)].mean(), high - low, len(logs)))
    (was, wide, _), (now, here, n) = found
    spread = max(wide, here, C.rounded) / C.between_quartiles
    error = max(C.error_of_middle * spread / np.sqrt(case.effective[j] * n / case.n), C.exact)
    log, sure = _by_steps(case, j, float(now - was), error)
    return log, sure, spread if sure == error else 0.0


def _by_steps(case: Case, j: int, log: float, error: float) -> tuple[float, float]:
    """Return the logarithm of the factor that the steps of a column have, which is exact, if it is near the estimate.

    A column that was multiplied has its steps multiplied too. One that is on other steps was not, or was rounded since:
    with the estimate undone, it will be on none.
    """
    own = case.reference.profile.steps[1, j]
    now = common_step(np.unique(case.X[~np.isnan(case.X[:, j]), j])) if own else 0.0
    exact = float(np.log(now / own)) if now else np.inf
    return (exact, C.error_of_steps) if abs(exact - log) < np.log(2) else (log, error)


def affine(case: Case, columns: Any) -> tuple[Any, Any, Any]:
    """Return slope and offset of columns against training, by quantiles and steps, and the error of the log slope.

    The best linear estimate from quantiles (Ogawa 1951): each over its sparsity, their differences are independent.
    """
    a, b, y = (of[:, columns] for of in case.increments)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        aa, ab, bb, ay, by = ((p * q).sum(axis=0) for p, q in ((a, a), (a, b), (b, b), (a, y), (b, y)))
        slope = (aa * by - ab * ay) / np.maximum(aa * bb - ab**2, C.smallest_step)
    slope = np.where(np.isfinite(slope) & (slope > 0), slope, 1.0)  # a column of one value: whatever it was
    return aligned(case, columns, slope, C.error_of_slope / np.sqrt(case.effective[columns]))


def aligned(case: Case, columns: Any, slope: Any, error: Any, offset: Any = None) -> tuple[Any, Any, Any]:
    """Return slope, offset and error, exact ones where steps or values tell them."""
    slope, error = slope.copy(), error + np.zeros(len(columns))
    offset = np.full(len(columns), np.nan) if offset is None else offset.copy()
    for i, j in enumerate(map(int, columns)):
        points, atoms = np.unique(case.X[~np.isnan(case.X[:, j]), j]), case.reference.atoms(j)
        if case.reference.profile.steps[1, j]:
            log, error[i] = _by_steps(case, j, float(np.log(slope[i])), error[i])
            slope[i] = np.exp(log)
        elif case.reference.few[j] and len(points) == len(atoms) > 1:
            slope[i] = np.ptp(points) / np.ptp(atoms)
        offset[i] = moved(case, j, slope[i], offset[i])
    return slope, offset, error


def moved(case: Case, j: int, slope: float = 1.0, by: float = np.nan) -> float:
    """Return the constant that was added to a column: by quantiles, and then by its usual value, or by its steps."""
    if np.isnan(by):
        one, was, now = (of[:, j] for of in case.increments)
        by = float((one * (now - slope * was)).sum() / (one**2).sum())
    x = case.X[~np.isnan(case.X[:, j]), j]
    atoms, masses = case.reference.atoms(j), case.reference.masses(j)
    if len(masses) and masses.max() > C.usual and masses.max() > 2 * np.sort(masses)[-2:-1].sum():
        usual = slope * atoms[masses.argmax()]
        points, counts = np.unique(x, return_counts=True)
        counts = counts * (np.abs(points - usual - by) <= slope * case.reference.std[j])
        if counts.max(initial=0) > max(masses.max() / 2 * len(x), 1):
            return float(points[counts.argmax()] - usual)
    made = (x[:1] - by) / slope
    by += float((slope * (made - case.possible(j, made))).sum())
    if not len(masses):
        return by
    # Lumps move quantiles by leaps. Where frequent values lie on frequent ones of training, it may fit better.
    points, counts = np.unique(x, return_counts=True)
    lumps = [of[np.argsort(-n, kind="stable")[: C.usual_values]] for of, n in ((points, counts), (atoms, masses))]
    others = np.subtract.outer(lumps[0], slope * lumps[1]).ravel()
    near = np.append(by, others[np.abs(others - by) <= slope * case.reference.std[j]])
    return float(min(near, key=lambda offset: case.divergence(j, (x - offset) / slope)))


def price_of_shift(case: Case, columns: Any) -> Any:
    """Return the price of a constant that was added to each column."""
    return estimated(C.any_shift, C.error_of_middle / np.sqrt(case.effective[columns]))


class UnitChanged(ColumnFault):
    """A column in another unit that is known: its factor lies in the interval, and no other is likelier.

    Temperatures have a factor and an offset that are known.
    """

    name = "unit_changed"
    words = "{columns} in another unit: {unit}"
    remedy = "Convert back to the unit of training."

    def propose(self, case: Case) -> Iterator[Candidate]:
        yield from multiplied(case)
        yield from super().propose(case)

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        for (slope, offset), words in () if case.blind else units.TEMPERATURES.items():
            undone = case.from_raw((case.to_raw(x, j) - offset) / slope, j)
            yield undone, -float(np.log(C.unit)), {"factor": slope, "offset": offset, "unit": words}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:, columns] * C.injected_unit)


class Rescaled(Fault):
    """A column times a factor that is no known unit's, or that can't be told from others; found with units."""

    name = "rescaled"
    words = "{columns} multiplied by about {factor} (between {interval})"
    remedy = "Look for a change of unit, currency or scale upstream."

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:, columns] * rng.uniform(*C.injected_factor))


class Shifted(ColumnFault):
    """A column plus a constant."""

    name = "shifted"
    words = "{columns} moved by a constant: {shift}"
    remedy = "Look for an offset, a baseline or a new source; retrain if it is real."
    free = True

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        by = moved(case, j)
        error = C.interval * C.error_of_middle * case.reference.std[j] / np.sqrt(case.effective[j])
        if abs(by) <= error and (step := case.reference.lattice[j]):
            by = float(residual(by, 0.0, step))  # whole steps may as well be none
        # A constant that may as well be 0 is told only if it takes values to those that training could have had.
        if not np.isfinite(by) or (
            abs(by) <= error and case.impossible(j, x - by).sum() >= case.impossible(j, x).sum()
        ):
            return
        yield x - by, price_of_shift(case, j), {"shift": by, "interval": [float(by - error), float(by + error)]}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:, columns] + np.nan_to_num(profile.std[columns]))


class SignFlipped(Fault):
    """Columns negated: those that alarm, those whose correlations turned round, or all."""

    name = "sign_flipped"
    words = "{columns} with the other sign"
    remedy = "Look for a changed convention (debit and credit, up and down), and negate."

    def propose(self, case: Case) -> Iterator[Candidate]:
        every = np.flatnonzero(case.varied)
        for columns in {tuple(map(int, some)): some for some in (case.columns, self._turned(case), every)}.values():
            if not len(columns):
                continue
            whole = 1 < len(columns) == len(every)
            undone = replaced(case.X, columns, case.from_raw(-case.to_raw(case.X[:, columns], columns), columns))
            yield Candidate(self.name, columns, undone, whole=whole)
            if case.blind:  # about a middle that is not known
                middle = case.reference.middle[columns] - median(-case.X[:, columns])
                undone = replaced(case.X, columns, middle - case.X[:, columns])
                numbers = price_of_shift(case, columns) + np.log(2)  # beside a shift, the sign
                yield Candidate(self.name, columns, undone, numbers, free=True, whole=whole)

    @staticmethod
    def _turned(case: Case) -> Any:
        """Return the columns that must be negated for the correlations to be those of training, one after the other."""
        if case.together is None:
            return case.columns[:0]
        products, signs = case.together.R * case.together.P, np.ones(case.d)
        for _ in range(2 * case.d):
            gain = -4.0 * case.together.worth * signs * (products @ signs) - signs * np.log(case.d)
            j = int(np.argmax(gain))
            if gain[j] <= 0:
                break
            signs[j] = -signs[j]
        return np.flatnonzero((signs < 0) & case.varied)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, -X[:, columns])


class LogExtra(ColumnFault):
    """A logarithm that training had not."""

    name = "log_extra"
    words = "{columns} went through a logarithm ({function}) that there was none of in training"
    remedy = "Leave out the logarithm."
    inverse = 1

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        low, high = (case.to_raw(of[j], j) for of in (case.reference.low, case.reference.high))
        for function, *both in () if case.blind else LOGS:
            with np.errstate(all="ignore"):
                made = both[self.inverse](case.to_raw(x, j))
            some = made[np.isfinite(made)]
            # The values that it makes must lie about where training did.
            near = len(some) and some.max() < high + 2 * (high - low) and some.min() > low - 2 * (high - low)
            if near and len(some) == np.isfinite(x).sum():
                yield case.from_raw(made, j), float(np.log(len(LOGS))), {"function": function}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, np.log1p(np.maximum(X[:, columns], 0)))


class LogMissing(LogExtra):
    """A logarithm of training that is missing."""

    name = "log_missing"
    words = "{columns} without the logarithm ({function}) of training"
    remedy = "Apply the logarithm first."
    inverse = 0

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, np.expm1(np.minimum(X[:, columns], C.largest_log)))


class MixedUnits(ColumnFault):
    """Some rows of a column in another unit than the others: those that are likelier converted than as they are."""

    name = "mixed_units"
    words = "{columns} in two units: {share} of the rows are multiplied by {factor}"
    remedy = "Find the source that writes the other unit, and convert its rows."
    free = True

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        usual = case.density(j, x)
        for factor, prior, _ in () if case.blind else KNOWN:
            made = case.from_raw(case.to_raw(x, j) / factor, j)
            nearer = case.density(j, made) / factor > usual
            share = float(nearer.mean())
            if abs(np.log(factor)) >= np.log(C.apart) and C.jump < share < 1 - C.jump:
                told = {"factor": factor, "share": f"{share:.0%}", "fraction": share}
                yield np.where(nearer, made, x), float(np.log(case.n) - np.log(prior)), told

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        rows = rng.random(len(X)) < 1 / 3
        return replaced(X, columns, np.where(rows[:, None], X[:, columns] * 1000.0, X[:, columns]))
