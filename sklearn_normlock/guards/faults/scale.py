"""Columns on another scale: a unit, a factor, an offset, a sign, a logarithm; and whole tables, by their scaler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import exp10
from scipy.stats import expon, norm

from ... import units
from ..calibration import CALIBRATION as C
from ..profiles.statistics import common_step, quantiles, residual
from ..tests.values import standardised_by
from .base import Candidate, ColumnFault, Fault, of_table
from .case import Case, replaced, scalers
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


class UnitChanged(ColumnFault, name="unit_changed"):
    """A column in another unit that is known: its factor, if no other is likelier, or the line of a temperature."""

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


class Rescaled(ColumnFault, name="rescaled"):
    """A column times a factor that is no known unit's, or that can't be told from others."""

    words = "{columns} multiplied by about {factor} (between {interval})"
    remedy = "Look for a change of unit, currency or scale upstream."
    free = True

    def ways(self, case: Case, j: int, x: Any) -> Ways:
        price, facts = factor_of(case, [j])
        if "interval" in facts:
            yield case.without(j, facts["factor"], facts["offset"]), price, facts

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, X[:, columns] * rng.uniform(*C.injected_factor))


class Shifted(ColumnFault, name="shifted"):
    """A column plus a constant."""

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


class SignFlipped(Fault, name="sign_flipped"):
    """Columns negated: those that alarm, those whose correlations turned round, or all."""

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
                numbers = estimated(C.any_shift, C.error_of_middle * case.error[columns]) + np.log(2)  # and the sign
                yield Candidate(self.name, columns, undone, numbers, free=True, whole=whole)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, -X[:, columns])


class LogExtra(ColumnFault, name="log_extra"):
    """A logarithm that training had not."""

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


class LogMissing(LogExtra, name="log_missing"):
    """A logarithm of training that is missing."""

    words = "{columns} without the logarithm ({function}) of training"
    remedy = "Apply the logarithm first."
    inverse = 0

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return replaced(X, columns, np.expm1(np.minimum(X[:, columns], C.largest_log)))


class MixedUnits(ColumnFault, name="mixed_units"):
    """Some rows of a column in another unit than the others: those that are likelier converted than as they are."""

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


class DoubleNormalised(Fault, name="double_normalised"):
    """The scaler of training once too often: the known one, or one that training's statistics make."""

    words = "the data is normalised already ({scaler}): the scaler would be applied once too often, or was"
    remedy = "Hand over the data as it was before the scaler, or leave out the second scaler."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the batch before the known scaler, or before each that training's statistics make."""
        if case.scaler is not None:
            yield of_table(case, self.name, case.to_raw(case.X), scaler=case.kind)
            yield of_table(case, NotNormalised.name, case.from_raw(case.X))
        if case.kind == "unit" or (case.scaler is not None and not case.scaled):
            return
        for scaler, (centre, scale) in scalers(case.reference).items():
            if scaler == case.kind or (scaler, case.kind) == ("maxabs", "minmax"):
                continue
            scale = np.where((scale > 0) & case.varied, scale, 1.0)
            undone = case.X * scale + centre
            # Other rows were scaled by nearly these numbers; the steps and usual values of a column tell them exactly.
            for j in case.every.tolist():
                slope = exact_slope(case, j, 1 / scale[j]) or 1 / scale[j]
                offset = moved(case, j, slope, by=-centre[j] / scale[j])
                off = abs(offset + centre[j] / scale[j]) / (slope * case.reference.std[j])
                if max(off, abs(slope * scale[j] - 1)) < C.sketched:
                    undone[:, j] = (case.X[:, j] - offset) / slope
            fault = OtherScaler.name if case.scaled else self.name
            found = of_table(case, fault, undone, C.scaler_of_four, scaler=scaler)
            yield replace(found, also=(StandardisedAfter.name,)) if scaler == "standard" else found

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return (X - profile.mean) / np.where(profile.std > 0, profile.std, 1.0)


class OtherScaler(Fault, name="other_scaler"):
    """Behind one scaler in training, behind another one now; found with scalers that are applied twice."""

    words = "the data went through another scaler ({scaler}) than in training"
    remedy = "Use the scaler that the model was trained behind; see normlock verify."

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        low, high = profile.moments.low, profile.moments.high
        return (X - low) / np.where(high > low, high - low, 1.0)


class StandardisedAfter(DoubleNormalised, name="standardised_after"):
    """Vectors of unit length that were standardised afterwards, by training's mean and deviation."""

    words = "the data was standardised after the last step of preprocessing"
    remedy = "Where a model was fitted on data without this scaler, remove the one that was put before it."

    def propose(self, case: Case) -> Iterator[Candidate]:
        if case.kind == "unit":
            undone = case.X * np.where(case.varied, case.reference.std, 1.0) + case.reference.mean
            yield of_table(case, self.name, undone, scaler="standard")


class BatchStandardised(Fault, name="batch_standardised"):
    """A scaler that was fitted on the batch, as its moments or bounds tell; the batch's own values are lost."""

    words = "each column of this batch is scaled exactly by its own values ({scaler}): a scaler was fitted on the batch"
    remedy = "Call transform of the scaler that was fitted in training, never fit_transform on what is served."

    def propose(self, case: Case) -> Iterator[Candidate]:
        scaler, log_p = standardised_by(case.reference, case.X)
        # Where most columns have more rows at an end than training, they were cut off there, not scaled.
        ends = [case.runs[j][0] for j in case.every.tolist() if j in case.runs]
        cut_off = sum(run.lowest or run.highest for run in ends) > 0.5 * len(case.every)
        if scaler and log_p < C.log_certain and (scaler == "standard" or not cut_off):
            alone: dict[str, Any] = {"reason": "or a row of zeros is empty"} if case.n == 1 else {}
            yield of_table(case, self.name, np.full_like(case.X, np.nan), scaler=scaler, **alone)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        std = X.std(axis=0)
        return (X - X.mean(axis=0)) / np.where(std > 0, std, 1.0)


class NotNormalised(Fault, name="not_normalised"):
    """The values before the scaler, behind which the profile was learned; found as its opposite, or as a refit."""

    words = "the data is not normalised: it looks like the values before the scaler"
    remedy = "Pass the data through the fitted scaler first."

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X * rng.uniform(*C.injected_factor, X.shape[1]) + rng.uniform(*C.injected_means, X.shape[1])


class Refit(Fault, name="refit"):
    """A scaler fitted on other data: a slope and an offset of its own for each column, by the names they may have.

    These differ in what such numbers are likely to be. Another population has a mean and a deviation near those of
    training. Raw numbers lie anywhere, mostly above 0; scaled twice, they lie as far below.
    """

    words = "{columns} moved and stretched, each by its own factor: a scaler that was fitted on other data"
    remedy = "Load the scaler that was fitted in training; see normlock verify."

    def propose(self, case: Case) -> Iterator[Candidate]:
        columns = case.every
        # A column that moved a little need not alarm by itself.
        leaning = (case.evidence.by_column() < C.log_not_odd).sum()
        if not case.scaled or case.n < C.few / 2 or leaning < min(C.many * len(columns), C.few):
            return
        slope, _ = slopes(case, columns)
        offset = np.array([moved(case, *of) for of in zip(columns, slope, strict=True)])
        error, log, by = C.error_of_middle * case.error[columns], np.log(slope), offset / case.reference.std[columns]
        anywhere = norm.pdf(log, 0, C.stretch_of_units)
        of_offset = np.exp(-estimated(1.0, error))  # the part of a prior that its estimate leaves
        undone = replaced(case.X, columns, (case.X[:, columns] - offset) / slope)
        priors = {self.name: norm.pdf(log, 0, C.stretch_of_population) * norm.pdf(by, 0, C.shift_of_population)}
        if case.blind:
            priors[NotNormalised.name] = anywhere * _of_raw(by / slope) / slope
            priors[DoubleNormalised.name] = anywhere * _of_raw(-by)
            # A scaler by the greatest value of raw numbers: then that of training is 1, and tells the offset.
            ends = [slope * of[: case.d][columns] + offset for of in (case.reference.low, case.reference.high)]
            away = (np.abs(ends).max(axis=0) - 1) / error
            priors[OtherScaler.name] = anywhere * np.exp(-0.5 * away**2) / of_offset
        for name, prior in priors.items():
            scaler = "maxabs" if name == OtherScaler.name else case.kind
            yield of_table(case, name, undone, estimated(prior * of_offset, error), free=True, scaler=scaler)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        d, std = X.shape[1], np.nan_to_num(profile.std)
        return X * rng.uniform(*C.injected_stretch, d) + std * rng.uniform(-1, 1, d)


def _of_raw(by: Any) -> Any:
    """Return the density of the mean of raw numbers, in their deviations: mostly above 0, and a few of them away."""
    return np.where(by > 0, C.above_zero, 1 - C.above_zero) * expon.pdf(np.abs(by), scale=C.mean_of_units)


class ScalerOmitted(Fault, name="scaler_omitted"):
    """Constants of a preprocessor, the same for all columns, that were left out: pixels as they are stored."""

    words = "the constants of preprocessing were left out: the values are those from {low} to {high}"
    remedy = "Divide by the range and normalise by the constants of training, as its preprocessor does."

    def propose(self, case: Case) -> Iterator[Candidate]:
        low, high = np.nanmin(case.X, initial=np.inf), np.nanmax(case.X, initial=-np.inf)
        most = next((top for top in (1.0, 255.0) if 0 <= low and 0.5 * top < high <= top), None)
        own_low, own_high = (of[: case.d] for of in (case.reference.low, case.reference.high))
        if most is None or case.d < 3 or (0 <= own_low.min() and own_high.max() <= most) or not len(case.every):
            return
        # The surest columns tell the slope, as those of whole numbers; the one that varies least tells the offset.
        each, errors = slopes(case, case.every)
        slope = float(np.median(each[errors <= errors.min()]))
        offset = moved(case, int(case.every[case.reference.std[case.every].argmin()]), slope)
        error = C.error_of_middle * case.error[case.every].min()
        numbers = estimated(C.any_factor, error) + estimated(C.any_shift, error)
        yield of_table(case, self.name, (case.X - offset) / slope, numbers, free=True, low=0.0, high=most)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        low, high = float(np.nanmin(profile.moments.low)), float(np.nanmax(profile.moments.high))
        return np.clip((X - low) / (high - low), 0.0, 1.0)
