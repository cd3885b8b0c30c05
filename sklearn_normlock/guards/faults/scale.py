"""Single columns on another scale: a unit, a factor, an offset, a sign, a logarithm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import units
from ..calibration import CALIBRATION as C
from ..profiles.sketch import common_step
from ..profiles.statistics import median
from .base import Candidate, Case, Fault, estimated, replaced

#: Factors with their prior and the units on both sides, and the inverse of each.
KNOWN = [(f, C.power, "") for f in units.POWERS]
KNOWN += [(f, C.unit, words) for f, words in units.FACTORS.items()]
KNOWN += [(f, C.close_unit, words) for f, words in units.CLOSE_FACTORS.items()]
KNOWN += [(1 / f, prior, words) for f, prior, words in KNOWN]
_LOG_KNOWN = np.log([f for f, _, _ in KNOWN])
_PRIORS = np.array([prior for _, prior, _ in KNOWN])
#: Each logarithm: its name, itself and its inverse.
LOGS: tuple[tuple[str, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    ("log", np.log, np.exp),
    ("log1p", np.log1p, np.expm1),
    ("log10", np.log10, lambda x: np.power(10.0, x)),
    ("log2", np.log2, np.exp2),
)


@dataclass(frozen=True)
class Factor:
    """A factor: the logarithm of its estimate with a standard error, and the known one if it has earned its name."""

    log: float
    error: float
    known: int | None
    inside: tuple[int, ...]

    @classmethod
    def judged(cls, log: float, error: float, forgiven: float = 0.0) -> Factor:
        """Return a factor with the unit that it is: the most probable of all, by far."""
        wide = np.where(_PRIORS == C.power, np.hypot(error, forgiven), error)
        likelihood = np.exp(-0.5 * ((_LOG_KNOWN - log) / wide) ** 2)
        weight = _PRIORS * likelihood
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
        details: dict[str, Any] = {"factor": self.slope}
        if self.known is not None:
            words = KNOWN[self.known][2]
            return {**details, "unit": f"×{self.slope:.6g}" + f" ({words})" * bool(words)}
        low, high = np.exp(self.log - C.interval * self.error), np.exp(self.log + C.interval * self.error)
        details |= {"interval": [float(low), float(high)]}
        if self.inside:
            details["or"] = [{"factor": KNOWN[i][0], "unit": f"×{KNOWN[i][0]:.6g}"} for i in self.inside]
        return details


@dataclass(frozen=True)
class Change:
    """A factor for each of some columns, and perhaps an offset."""

    columns: Any
    factors: list[Factor]
    offsets: Any
    numbers: Any
    whole: bool = False

    @property
    def named(self) -> bool:
        """Whether each factor is that of a known unit."""
        return all(factor.known is not None for factor in self.factors)

    def candidate(self, case: Case, fault: str) -> Candidate:
        """Return the change as a candidate."""
        slope, at = np.array([factor.slope for factor in self.factors]), self.columns
        undone = replaced(case.X, at, case.from_raw((case.to_raw(case.X[:, at], at) - self.offsets) / slope, at))
        each = {
            int(j): {**factor.told(), "offset": float(offset)}
            for j, factor, offset in zip(at, self.factors, self.offsets, strict=True)
        }
        free = not self.named or bool(np.any(self.offsets))
        details = {} if len(each) > 1 and len({f.log for f in self.factors}) > 1 else next(iter(each.values()))
        return Candidate(fault, at, undone, self.numbers, details, {} if self.whole else each, self.whole, free)


def changes(case: Case) -> Iterator[Change]:
    """Yield the factors that the columns that alarm may have been multiplied with: one for all, or one each."""
    columns = case.odd[case.varied[case.odd]]
    if not len(columns) or case.n < 3:
        return
    if case.state.scaled and case.scaler is None:
        # A factor of the raw numbers is a slope and an offset of the scaled ones.
        slope, offset, error = affine(case, columns)
        if len(columns) < max(C.many * case.varied.sum(), 2):
            factors = [Factor.judged(float(np.log(a)), float(e)) for a, e in zip(slope, error, strict=True)]
            numbers = [factor.cost for factor in factors] + price_of_shift(case, columns)
            yield Change(columns, factors, offset, numbers)
        return
    varied = np.flatnonzero(case.varied)
    log, error, spread = (dict(zip(varied, of, strict=True)) for of in _log_ratios(case, varied))
    usable = np.array([j for j in columns if np.isfinite(log[j])], np.int64)
    if not len(usable):
        return
    groups = [(usable, False)]
    if len(columns) >= C.many * case.varied.sum():
        groups.append((np.array([j for j in log if np.isfinite(log[j])], np.int64), True))
    for of, whole in groups:
        weight = np.array([1 / error[j] ** 2 for j in of])
        pooled = float((weight * [log[j] for j in of]).sum() / weight.sum())
        # Columns that go together are no independent estimates: their error is that of the surest.
        common = Factor.judged(pooled, min(error[j] for j in of), C.forgiven * min(spread[j] for j in of))
        yield Change(of, [common] * len(of), np.zeros(len(of)), common.cost, whole)
    each = [Factor.judged(log[j], error[j], C.forgiven * spread[j]) for j in usable]
    known = np.array([factor.known is not None for factor in each])
    # Units may be one fault, and the rest another.
    for some in (known, ~known, known | True) if len(each) > 1 else ():
        if some.any():
            at, factors = usable[some], [each[i] for i in np.flatnonzero(some)]
            yield Change(at, factors, np.zeros(len(at)), np.array([factor.cost for factor in factors]))


def _log_ratios(case: Case, columns: Any) -> tuple[Any, Any, Any]:
    """Return the logarithm of each column's factor, its standard error, and the deviation of the logarithms."""
    out = np.full((3, len(columns)), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        was = np.log(np.abs(case.to_raw(case.reference.fine[:, columns], columns)))
        now = np.log(np.abs(case.to_raw(case.X[:, columns], columns)))
    for i, j in enumerate(columns):
        a, b = was[np.isfinite(was[:, i]), i], now[np.isfinite(now[:, i]), i]
        if len(a) < 3 or len(b) < 3:
            continue
        (a_low, a_high), (b_low, b_high) = np.quantile(a, (0.25, 0.75)), np.quantile(b, (0.25, 0.75))
        middle = b[(b >= b_low) & (b <= b_high)].mean() - a[(a >= a_low) & (a <= a_high)].mean()
        spread = max(a_high - a_low, b_high - b_low, C.rounded) / C.between_quartiles
        error = max(C.error_of_middle * spread / np.sqrt(case.effective[j] * len(b) / case.n), C.exact)
        log, sure = _by_steps(case, int(j), float(middle), error)
        out[:, i] = log, sure, spread if sure == error else 0.0
    return out[0], out[1], out[2]


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
    masses = case.reference.masses(j)
    if len(masses) and masses.max() > C.usual and masses.max() > 2 * np.sort(masses)[-2:-1].sum():
        usual = slope * case.reference.atoms(j)[masses.argmax()]
        points, counts = np.unique(x, return_counts=True)
        near = np.abs(points - usual - by) <= slope * case.reference.std[j]
        if (counts * near).max(initial=0) > max(masses.max() / 2 * len(x), 1):
            return float(points[(counts * near).argmax()] - usual)
    made = (x[:1] - by) / slope
    return by + float((slope * (made - case.possible(j, made))).sum())


def price_of_shift(case: Case, columns: Any) -> Any:
    """Return the price of a constant that was added to each column."""
    return estimated(C.any_shift, C.error_of_middle / np.sqrt(case.effective[columns]))


class UnitChanged(Fault):
    """A column in another unit that is known: its factor lies in the interval, and no other is likelier."""

    name = "unit_changed"
    words = "{columns} in another unit: {unit}"
    remedy = "Convert back to the unit of training."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield known factors, for all columns that alarm or for each; and other scales of temperature."""
        for change in changes(case):
            if change.named:
                yield change.candidate(case, self.name)
        columns = case.odd[case.varied[case.odd]]
        if not len(columns) or (case.state.scaled and case.scaler is None):
            return
        raw = case.to_raw(case.X[:, columns], columns)
        for (slope, offset), words in units.TEMPERATURES.items():
            undone = replaced(case.X, columns, case.from_raw((raw - offset) / slope, columns))
            told = {"factor": slope, "offset": offset, "unit": words}
            yield Candidate(self.name, columns, undone, -float(np.log(C.unit)), told, {int(j): told for j in columns})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Multiply by 2.54."""
        return replaced(X, columns, X[:, columns] * 2.54)


class Rescaled(Fault):
    """A column times a factor that is no known unit's, or that can't be told from others."""

    name = "rescaled"
    words = "{columns} multiplied by about {factor} (between {interval})"
    remedy = "Look for a change of unit, currency or scale upstream."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield estimated factors."""
        for change in changes(case):
            if not change.named and any(abs(f.log) > C.interval * f.error for f in change.factors):
                yield change.candidate(case, self.name)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Multiply by a factor from 3 to 9."""
        return replaced(X, columns, X[:, columns] * rng.uniform(3, 9))


class Shifted(Fault):
    """A column plus a constant."""

    name = "shifted"
    words = "{columns} moved by a constant: {shift}"
    remedy = "Look for an offset, a baseline or a new source; retrain if it is real."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the constants by which the columns that alarm have moved."""
        columns = case.odd[case.varied[case.odd]]
        if not len(columns):
            return
        shift = np.array([moved(case, int(j)) for j in columns])
        error = C.interval * case.reference.std[columns] * C.error_of_middle / np.sqrt(case.effective[columns])
        undone = replaced(case.X, columns, case.X[:, columns] - shift)
        each = {
            int(j): {"shift": float(by), "interval": [float(by - e), float(by + e)]}
            for j, by, e in zip(columns, shift, error, strict=True)
        }
        yield Candidate(self.name, columns, undone, price_of_shift(case, columns), {}, each, free=True)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Move by one deviation."""
        return replaced(X, columns, X[:, columns] + np.nan_to_num(profile.std[columns]))


class SignFlipped(Fault):
    """Columns negated: by their own distributions, or by the correlations that turned round."""

    name = "sign_flipped"
    words = "{columns} with the other sign"
    remedy = "Look for a changed convention (debit and credit, up and down), and negate."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the columns that alarm, those whose correlations turned round, and all."""
        every = np.flatnonzero(case.varied)
        sets = [case.odd[case.varied[case.odd]], self._turned(case), every]
        told = set[tuple[int, ...]]()
        for columns in sets:
            key = tuple(map(int, columns))
            if not len(columns) or key in told:
                continue
            told.add(key)
            whole = 1 < len(columns) == len(every)
            undone = replaced(case.X, columns, case.from_raw(-case.to_raw(case.X[:, columns], columns), columns))
            yield Candidate(self.name, columns, undone, whole=whole)
            if case.state.scaled and case.scaler is None:  # about a middle that is not known
                middle = case.reference.middle[columns] - median(-case.X[:, columns])
                undone = replaced(case.X, columns, middle - case.X[:, columns])
                numbers = price_of_shift(case, columns) + np.log(2)  # beside a shift, the sign
                yield Candidate(self.name, columns, undone, numbers, free=True, whole=whole)

    @staticmethod
    def _turned(case: Case) -> Any:
        """Return the columns that must be negated for the correlations to be those of training, one after the other."""
        if case.together is None:
            return case.odd[:0]
        products, signs = case.together.R * case.together.P, np.ones(case.d)
        for _ in range(2 * case.d):
            gain = -4.0 * case.together.worth * signs * (products @ signs) - signs * np.log(case.d)
            j = int(np.argmax(gain))
            if gain[j] <= 0:
                break
            signs[j] = -signs[j]
        return np.flatnonzero((signs < 0) & case.varied)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Negate."""
        return replaced(X, columns, -X[:, columns])


class _Logarithm(Fault):
    undo_index: int

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield each logarithm, of the columns that alarm."""
        columns = case.odd[case.varied[case.odd]]
        if not len(columns) or (case.state.scaled and case.scaler is None):
            return
        raw = case.to_raw(case.X[:, columns], columns)
        low, high = (case.to_raw(of[: case.d][columns], columns) for of in (case.reference.low, case.reference.high))
        for function, *both in LOGS:
            with np.errstate(all="ignore"):
                made = both[self.undo_index](raw)
                there = np.isfinite(made).sum(axis=0) == np.isfinite(raw).sum(axis=0)
                # The values that it makes must lie about where training did.
                reach = 2 * (high - low) + 1e-300
                there &= (np.nanmax(made, axis=0, initial=-np.inf) < high + reach) & (
                    np.nanmin(made, axis=0, initial=np.inf) > low - reach
                )
            if there.any():
                at = columns[there]
                undone = replaced(case.X, at, case.from_raw(made[:, there], at))
                each = {int(j): {"function": function} for j in at}
                yield Candidate(self.name, at, undone, float(np.log(len(LOGS))), {"function": function}, each)


class LogExtra(_Logarithm):
    """A logarithm that training had not."""

    name = "log_extra"
    words = "{columns} went through a logarithm ({function}) that there was none of in training"
    remedy = "Leave out the logarithm."
    undo_index = 1

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Take log1p."""
        return replaced(X, columns, np.log1p(np.maximum(X[:, columns], 0)))


class LogMissing(_Logarithm):
    """A logarithm of training that is missing."""

    name = "log_missing"
    words = "{columns} without the logarithm ({function}) of training"
    remedy = "Apply the logarithm first."
    undo_index = 0

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Take expm1."""
        return replaced(X, columns, np.expm1(np.minimum(X[:, columns], 300.0)))


class MixedUnits(Fault):
    """Some rows of a column in another unit than the others."""

    name = "mixed_units"
    words = "{columns} in two units: {share} of the rows are multiplied by {factor}"
    remedy = "Find the source that writes the other unit, and convert its rows."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield for each column that alarms the factor that explains the rows far outside of training."""
        reference, tolerance = case.reference, case.reference.tolerance
        if case.state.scaled and case.scaler is None:
            return
        undone, each, numbers = case.X.copy(), {}, []
        for j in map(int, case.odd[case.varied[case.odd]]):
            x = case.X[:, j]
            low, high = reference.low[j] - tolerance[j], reference.high[j] + tolerance[j]
            outside = (x < low) | (x > high)
            if not C.jump < outside.mean() < 1 - C.jump:
                continue
            least = np.inf
            for factor, prior, _ in KNOWN:
                if abs(np.log(factor)) < np.log(C.apart):
                    continue
                made = case.from_raw(case.to_raw(x[:, None], [j]) / factor, [j])[:, 0]
                nearer = outside & (made >= low) & (made <= high)
                if nearer.sum() < C.nearly_all * outside.sum():  # a few may be outside by themselves
                    continue
                # Rows that fit as they are and would fit converted stay as they are, unless none of these do.
                tried = np.where(nearer, made, x)
                score = case.misfit(replaced(case.X, [j], tried[:, None]), [j]) - float(np.log(prior))
                if score < least:
                    least, undone[:, j], price, share = score, tried, -np.log(prior), float(nearer.mean())
                    each[j] = {"factor": factor, "share": f"{share:.0%}", "fraction": share}
            if j in each:
                numbers.append(price + C.usual_value)
        if each:
            yield Candidate(self.name, np.array([*each]), undone, np.array(numbers), {}, each)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Multiply a third of the rows by 1000."""
        rows = rng.random(len(X)) < 1 / 3
        return replaced(X, columns, np.where(rows[:, None], X[:, columns] * 1000.0, X[:, columns]))
