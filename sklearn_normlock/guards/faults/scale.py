"""Single columns on another scale: a unit, a factor, an offset, a sign, a logarithm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ... import units
from ..calibration import CALIBRATION as C
from ..profiles.statistics import common_step, quantiles, residual
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

    It is the part of the prior that the estimate leaves: Laplace's approximation, from which BIC is derived.
    """
    return np.maximum(0.0, -np.log(np.maximum(density * _ROOT_2_PI * error, 1e-300)))


# -- estimates ---------------------------------------------------------------------------------------------------------


def slopes(case: Case, columns: Any, through_zero: bool = False) -> tuple[Any, Any]:
    """Return by what columns were multiplied, besides a constant that was added, and the error of its logarithm.

    If lines go ``through_zero``, nothing was added, and it is the raw numbers that were multiplied. The best linear
    estimate from quantiles (Ogawa 1951): each over its sparsity, their differences are independent.
    """
    one, was, now = (of[:, columns] for of in case.increments)
    zero = (-case.line[0] / case.line[1])[columns]
    was, now = (
        of - one * (zero if through_zero else (one * of).sum(axis=0) / (one**2).sum(axis=0)) for of in (was, now)
    )
    strength = np.maximum((was**2).sum(axis=0), C.smallest_step)
    slope, error = (was * now).sum(axis=0) / strength, np.sqrt(len(one) / case.effective[columns] / strength)
    slope = np.where(np.isfinite(slope) & (slope > 0), slope, 1.0)  # a column of one value: whatever it was
    return by_values(case, columns, slope, C.coarser * error)


def by_values(case: Case, columns: Any, slope: Any, error: Any) -> tuple[Any, Any]:
    """Return slopes and errors, exact ones where the steps or the few values of a column tell, near the estimate.

    A column that was multiplied has its steps multiplied too. One that is on other steps was not, or was rounded since:
    with the estimate undone, it will be on none.
    """
    slope, error = slope.copy(), error.copy()
    for i, j in enumerate(columns):
        points, atoms = np.unique(case.X[~np.isnan(case.X[:, j]), j]), case.reference.atoms(j)
        if own := case.reference.profile.steps[1, j]:
            exact = common_step(points) / own
            exact = exact if slope[i] / 2 < exact < slope[i] * 2 else 0.0
        else:
            exact = np.ptp(points) / np.ptp(atoms) if case.reference.few[j] and len(points) == len(atoms) > 1 else 0.0
        if exact:
            slope[i], error[i] = exact, C.error_of_steps
    return slope, error


def moved(case: Case, j: Any, slope: float = 1.0, by: float = np.nan) -> float:
    """Return the constant that was added to a column: by quantiles, and then by its steps or its usual values."""
    if np.isnan(by):
        one, was, now = (of[:, j] for of in case.increments)
        by = float((one * (now - slope * was)).sum() / (one**2).sum())
    x, atoms, masses = case.X[~np.isnan(case.X[:, j]), j], case.reference.atoms(j), case.reference.masses(j)
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
    near = np.append(others[np.abs(others - by) <= slope * case.reference.std[j]], by)
    return float(min(near, key=lambda offset: case.divergence(j, (x - offset) / slope)))


def price_of_shift(case: Case, columns: Any) -> Any:
    """Return the price of a constant that was added to each column."""
    return estimated(C.any_shift, C.error_of_middle / np.sqrt(case.effective[columns]))


# -- factors -----------------------------------------------------------------------------------------------------------

#: A factor, its price, and what is told of it: its unit, or else its interval.
Judged = tuple[float, float, dict[str, Any]]


def judged(slope: float, error: float, forgiven: float = 0.0) -> Judged:
    """Return a factor as the known one that it is if that is the most probable of all, by far; or as its estimate."""
    log, any_price = float(np.log(slope)), float(estimated(C.any_factor, error))
    wide = np.where(_PRIORS == C.power, np.hypot(error, forgiven), error)
    weight = _PRIORS * np.exp(-0.5 * ((_LOG_KNOWN - log) / wide) ** 2)
    best = int(weight.argmax())
    if weight[best] > C.sure_of_unit * (weight.sum() + np.exp(-any_price)):
        factor, prior, words = KNOWN[best]
        return factor, -float(np.log(prior)), {"factor": factor, "unit": f"×{factor:.6g}" + f" ({words})" * bool(words)}
    told = {"factor": slope, "interval": [float(np.exp(log + side * C.interval * error)) for side in (-1, 1)]}
    if len(inside := np.flatnonzero(np.abs(_LOG_KNOWN - log) <= C.interval * wide)):
        told["or"] = [{"factor": KNOWN[i][0], "unit": f"×{KNOWN[i][0]:.6g}"} for i in inside]
    return slope, any_price, told


def multiplied(case: Case) -> Iterator[Candidate]:
    """Yield the factors that the columns that alarm may have been multiplied with: one for all, or one each."""
    whole = len(case.columns) >= max(C.many * len(case.every), 2 if case.blind else 1)
    columns = case.every if whole else case.columns
    if case.n < 3 or not len(columns) or (case.blind and whole):
        return
    # Behind a scaler that is not known, a factor of the raw numbers is a slope and an offset.
    slope, error = slopes(case, columns, through_zero=not case.blind)
    offset = np.array([moved(case, j, a) if case.blind else 0.0 for j, a in zip(columns, slope, strict=True)])
    forgiven = C.forgiven * error * np.sqrt(case.effective[columns])
    each = [judged(*of) for of in zip(slope.tolist(), error.tolist(), forgiven.tolist(), strict=True)]
    odd, known = np.isin(columns, case.columns), np.array(["unit" in told for _, _, told in each], bool)
    for some in {tuple(of): of for of in (odd, odd & known, odd & ~known)}.values():  # units may be one fault of two
        yield from _divided(case, columns[some], [each[i] for i in np.flatnonzero(some)], offset[some])
    for some in () if case.blind else (odd, odd | True)[: 1 + whole]:
        if some.any():
            # Columns that go together are no independent estimates: their error is that of the surest.
            pooled = np.average(np.log(slope[some]), weights=error[some] ** -2.0)
            one = judged(float(np.exp(pooled)), error[some].min(), forgiven[some].min())
            yield from _divided(case, columns[some], [one], offset[some], bool(whole and some.all()))


def _divided(case: Case, at: Any, by: list[Judged], offset: Any, whole: bool = False) -> Iterator[Candidate]:
    """Yield the columns divided by their factors, as another unit if all are known; nothing if none is told from 1."""
    slope, prices, told = map(list, zip(*by, strict=True)) if by else ([], [], [])
    named = all("unit" in facts for facts in told)
    if not any("unit" in facts or not facts["interval"][0] <= 1 <= facts["interval"][1] for facts in told):
        return
    undone = replaced(case.X, at, case.from_raw((case.to_raw(case.X[:, at], at) - offset) / slope, at))
    numbers = prices[0] if len(by) < len(at) else np.array(prices) + (price_of_shift(case, at) if case.blind else 0.0)
    facts = [{**each, "offset": float(b)} for each, b in np.broadcast(np.resize(told, len(at)), offset)]
    each, details = ({}, facts[0]) if whole else (dict(zip(map(int, at), facts, strict=True)), {})
    name, free = (UnitChanged if named else Rescaled).name, not named or case.blind
    yield Candidate(name, at, undone, numbers, details, each, whole, free)


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
        told = abs(by) > error or case.impossible(j, x - by).sum() < case.impossible(j, x).sum()
        if told and np.isfinite(by):
            yield x - by, price_of_shift(case, j), {"shift": by, "interval": [float(by - error), float(by + error)]}

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:, columns] + np.nan_to_num(profile.std[columns]))


class SignFlipped(Fault):
    """Columns negated: those that alarm, those whose correlations turned round, or all."""

    name = "sign_flipped"
    words = "{columns} with the other sign"
    remedy = "Look for a changed convention (debit and credit, up and down), and negate."

    def propose(self, case: Case) -> Iterator[Candidate]:
        together, every = case.together, case.every
        turned = every if together is None else every[(together.R * together.P).sum(axis=0)[every] < 0]
        for columns in [some for some in (case.columns, turned, every) if len(some)]:
            whole = 1 < len(columns) == len(every)
            undone = replaced(case.X, columns, case.from_raw(-case.to_raw(case.X[:, columns], columns), columns))
            yield Candidate(self.name, columns, undone, whole=whole)
            if case.blind:  # about a middle that is not known
                middle = case.reference.middle[columns] - quantiles(-case.X[:, columns], 0.5)
                undone = replaced(case.X, columns, middle - case.X[:, columns])
                numbers = price_of_shift(case, columns) + np.log(2)  # beside a shift, the sign
                yield Candidate(self.name, columns, undone, numbers, free=True, whole=whole)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, -X[:, columns])


class LogExtra(ColumnFault):
    """A logarithm that training had not."""

    name = "log_extra"
    words = "{columns} went through a logarithm ({function}) that there was none of in training"
    remedy = "Leave out the logarithm."
    inverse = 1

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        for function, *both in () if case.blind else LOGS:
            made = both[self.inverse](case.to_raw(x, j))
            some = made[np.isfinite(made)]
            if len(some) == np.isfinite(x).sum() and len(np.unique(some)) > 1:
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
            # A smaller factor is told by the steps that it leads off, if there are any.
            told_apart = case.reference.lattice[j] or abs(np.log(factor)) >= np.log(C.apart)
            if told_apart and C.jump < share < 1 - C.jump:
                told = {"factor": factor, "share": f"{share:.0%}", "fraction": share}
                yield np.where(nearer, made, x), float(np.log(case.n) - np.log(prior)), told

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        rows = rng.random(len(X)) < 1 / 3
        return replaced(X, columns, np.where(rows[:, None], X[:, columns] * 1000.0, X[:, columns]))
