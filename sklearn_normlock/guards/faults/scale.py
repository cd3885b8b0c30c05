"""Single columns on another scale: a unit, a factor, an offset, a sign, a logarithm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import exp10

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
_PRIORS = np.array([prior for _, prior, _ in KNOWN])
#: Each logarithm: its name, itself and its inverse.
LOGS = (("log", np.log, np.exp), ("log1p", np.log1p, np.expm1), ("log2", np.log2, np.exp2), ("log10", np.log10, exp10))


def estimated(density: Any, error: Any) -> Any:
    """Return the price of a number of this prior density that is known to a standard error, in nats.

    It is the part of the prior that the estimate leaves: Laplace's approximation, from which BIC is derived.
    """
    return np.maximum(0.0, -np.log(np.maximum(density * np.sqrt(2 * np.pi) * error, 1e-300)))


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
    slope, error = (was * now).sum(axis=0) / strength, case.error[columns] * np.sqrt(len(one) / strength)
    slope = np.where(np.isfinite(slope) & (slope > 0), slope, 1.0)  # a column of one value: whatever it was
    exact = np.array([exact_slope(case, *of) for of in zip(columns, slope, strict=True)])
    return np.where(exact > 0, exact, slope), np.where(exact > 0, C.error_of_steps, C.coarser * error)


def exact_slope(case: Case, j: int, near: float) -> float:
    """Return by what the steps, or the few values, of a column were multiplied, if it is near an estimate; or else 0.

    A column that is on other steps was not multiplied, or was rounded since: with the estimate undone, it is on none.
    """
    points, atoms = np.unique(case.X[~np.isnan(case.X[:, j]), j]), case.reference.atoms(j)
    if own := case.reference.profile.steps[1, j]:
        exact = common_step(points) / own
        return exact if near / 2 < exact < near * 2 else 0.0
    return np.ptp(points) / np.ptp(atoms) if case.reference.few[j] and len(points) == len(atoms) > 1 else 0.0


def moved(case: Case, j: Any, slope: float = 1.0, by: float = np.nan) -> float:
    """Return the constant that was added to a column: by quantiles, and then by its steps or its usual values."""
    if np.isnan(by):
        one, was, now = (of[:, j] for of in case.increments)
        by = float((one * (now - slope * was)).sum() / (one**2).sum())
    x, atoms, masses = case.X[~np.isnan(case.X[:, j]), j], case.reference.atoms(j), case.reference.masses(j)
    points, counts = np.unique(x, return_counts=True)
    if len(masses) and masses.max() > C.usual and masses.max() > 2 * np.sort(masses)[-2:-1].sum():
        usual = slope * atoms[masses.argmax()]
        near = counts * (np.abs(points - usual - by) <= slope * case.reference.std[j])
        if near.max(initial=0) > max(masses.max() / 2 * len(x), 1):
            return float(points[near.argmax()] - usual)
    made = (x[:1] - by) / slope
    by += float((slope * (made - case.reference.nearest_shared(j, made))).sum())
    # Lumps move quantiles by leaps. Where frequent values lie on frequent ones of training, it may fit better.
    lumps = [of[np.argsort(-n, kind="stable")[: C.usual_values]] for of, n in ((points, counts), (atoms, masses))]
    others = np.subtract.outer(lumps[0], slope * lumps[1]).ravel()
    near = np.append(others[np.abs(others - by) <= slope * case.reference.std[j]], by)
    return float(min(near, key=lambda offset: case.divergence(j, (x - offset) / slope)))


def factor_of(case: Case, columns: Any) -> tuple[float, dict[str, Any]]:
    """Return the price and the facts of one factor for some columns: a known one if that is the likeliest by far.

    There are no facts if it may be 1. Behind a scaler that is not known, a factor of the raw numbers of a column is a
    slope and an offset; if many columns have them, they are a scaler's.
    """
    if case.n < 3 or not len(columns) or (case.blind and case.many and len(case.columns) > 1):
        return 0.0, {}
    slope, errors = slopes(case, columns, through_zero=not case.blind)
    # Columns that go together are no independent estimates: their error is that of the surest.
    log, error = float(np.average(np.log(slope), weights=errors**-2.0)), float(errors.min())
    forgiven = C.forgiven * float((errors / case.error[columns]).min())
    wide = np.where(_PRIORS == C.power, np.hypot(error, forgiven), error)
    weight = _PRIORS * np.exp(-0.5 * ((_LOG_KNOWN - log) / wide) ** 2)
    best, price = int(weight.argmax()), float(estimated(C.any_factor, error))
    facts: dict[str, Any]
    if weight[best] > C.sure_of_unit * (weight.sum() + np.exp(-price)):
        factor, prior, words = KNOWN[best]
        price, facts = -float(np.log(prior)), {"factor": factor, "unit": f"×{factor:.6g}" + f" ({words})" * bool(words)}
    else:
        interval = np.exp(log + C.interval * error * np.array([-1, 1])).tolist()
        if interval[0] <= 1 <= interval[1]:
            return price, {}
        facts = {"factor": float(np.exp(log)), "interval": interval}
        if len(inside := np.flatnonzero(np.abs(_LOG_KNOWN - log) <= C.interval * wide)):
            facts["or"] = [{"factor": KNOWN[i][0], "unit": f"×{KNOWN[i][0]:.6g}"} for i in inside]
    facts["offset"] = 0.0
    if case.blind:
        facts["offset"] = moved(case, columns[0], facts["factor"])
        price += float(estimated(C.any_shift, C.error_of_middle * case.error[columns[0]]))
    return price, facts


class UnitChanged(ColumnFault):
    """A column in another unit that is known: its factor, if no other is likelier, or the line of a temperature."""

    name = "unit_changed"
    words = "{columns} in another unit: {unit}"
    remedy = "Convert back to the unit of training."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield one factor for the columns that alarm, and for all if many do; and each with a unit of its own."""
        for columns in () if case.blind else (case.columns, case.every)[: 1 + case.many]:
            price, facts = factor_of(case, columns)
            if facts:
                whole = case.many and len(columns) == len(case.every)
                details, each = (facts, {}) if whole else ({}, dict.fromkeys(columns.tolist(), facts))
                undone = replaced(case.X, columns, case.without(columns, facts["factor"]))
                fault = UnitChanged if "unit" in facts else Rescaled
                yield Candidate(fault.name, columns, undone, price, details, each, whole, free=fault is Rescaled)
        for candidate in super().propose(case):
            yield replace(candidate, free=case.blind)

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        price, facts = factor_of(case, [j])
        if "unit" in facts:
            yield case.without(j, facts["factor"], facts["offset"]), price, facts
        for (slope, offset), words in () if case.blind else units.TEMPERATURES.items():
            facts = {"factor": slope, "offset": offset, "unit": words}
            yield case.without(j, slope, offset), -float(np.log(C.unit)), facts

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:, columns] * C.injected_unit)


class Rescaled(ColumnFault):
    """A column times a factor that is no known unit's, or that can't be told from others."""

    name = "rescaled"
    words = "{columns} multiplied by about {factor} (between {interval})"
    remedy = "Look for a change of unit, currency or scale upstream."
    free = True

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        price, facts = factor_of(case, [j])
        if "interval" in facts:
            yield case.without(j, facts["factor"], facts["offset"]), price, facts

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
        error = C.error_of_middle * case.error[j]
        away = C.interval * error * case.reference.std[j]
        if abs(by) <= away and (step := case.reference.lattice[j]):
            by = float(residual(by, 0.0, step))  # whole steps may as well be none
        # A constant that may as well be 0 is told only if it takes values to those that training could have had.
        told = abs(by) > away or case.impossible(j, x - by).sum() < case.impossible(j, x).sum()
        if told and np.isfinite(by):
            facts = {"shift": by, "interval": [float(by - away), float(by + away)]}
            yield x - by, float(estimated(C.any_shift, error)), facts

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
            yield Candidate(self.name, columns, replaced(case.X, columns, case.without(columns, -1.0)), whole=whole)
            if case.blind:  # about a middle that is not known
                offset = case.reference.middle[columns] - quantiles(-case.X[:, columns], 0.5)
                undone = replaced(case.X, columns, case.without(columns, -1.0, offset))
                # Beside a shift, the sign is told.
                numbers = estimated(C.any_shift, C.error_of_middle * case.error[columns]) + np.log(2)
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
            made = case.without(j, factor)
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
