"""Whole tables that went through another scaler than in training, through none, or through one too many."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.stats import norm

from ..calibration import CALIBRATION as C
from ..tests.exact import standardised_by
from .base import Candidate, Fault
from .case import Case, replaced, scalers
from .scale import by_values, estimated, moved, slopes


def _scaled(case: Case, fault: str, undone: Any, numbers: Any = 0.0, details: Any = None, **more: Any) -> Candidate:
    return Candidate(fault, case.every, undone, numbers, details or {}, whole=True, **more)


def _undone_scalers(case: Case, fault: str) -> Iterator[Candidate]:
    """Yield the batch before each scaler that training's statistics make: known as well as the profile's sketches."""
    at = case.every
    for scaler, (centre, scale) in scalers(case.reference).items():
        if scaler == case.kind or (scaler, case.kind) == ("maxabs", "minmax"):
            continue
        scale = np.where((scale > 0) & case.varied, scale, 1.0)
        slope, offset = 1 / scale, -centre / scale
        exact, _ = by_values(case, at, slope[at], np.ones(len(at)))
        by = np.array([moved(case, *of) for of in zip(at, exact, offset[at], strict=True)])
        # (A scale of 1 is that of a column without a width.)
        near = (np.abs(exact * scale[at] - 1) < C.sketched) | (scale[at] == 1.0)
        near &= np.abs(by - offset[at]) <= C.sketched * exact * case.reference.std[at]
        slope[at[near]], offset[at[near]] = exact[near], by[near]
        also = (StandardisedAfter.name,) if scaler == "standard" else ()
        yield _scaled(case, fault, (case.X - offset) / slope, C.scaler_of_four, {"scaler": scaler}, also=also)


class DoubleNormalised(Fault):
    """The scaler of training once too often: the known one, or one that training's statistics make."""

    name = "double_normalised"
    words = "the data is normalised already ({scaler}): the scaler would be applied once too often, or was"
    remedy = "Hand over the data as it was before the scaler, or leave out the second scaler."

    def propose(self, case: Case) -> Iterator[Candidate]:
        if case.scaler is not None:
            yield _scaled(case, self.name, case.to_raw(case.X), 0.0, {"scaler": case.kind})
        elif case.kind == "raw":
            yield from _undone_scalers(case, self.name)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return (X - profile.mean) / np.where(profile.std > 0, profile.std, 1.0)


class OtherScaler(Fault):
    """Behind one scaler in training, behind another one now: they follow any slope and offset."""

    name = "other_scaler"
    words = "the data went through another scaler ({scaler}) than in training"
    remedy = "Use the scaler that the model was trained behind; see normlock verify."

    def propose(self, case: Case) -> Iterator[Candidate]:
        if case.scaled:
            yield from _undone_scalers(case, self.name)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        low, high = profile.moments.low, profile.moments.high
        return (X - low) / np.where(high > low, high - low, 1.0)


class StandardisedAfter(DoubleNormalised):
    """Vectors of unit length that were standardised afterwards, by training's mean and deviation."""

    name = "standardised_after"
    words = "the data was standardised after the last step of preprocessing"
    remedy = "Where a model was fitted on data without this scaler, remove the one that was put before it."

    def propose(self, case: Case) -> Iterator[Candidate]:
        if case.kind == "unit":
            scale = np.where(case.varied, case.reference.std, 1.0)
            yield _scaled(case, self.name, case.X * scale + case.reference.mean, 0.0, {"scaler": "standard"})


class BatchStandardised(Fault):
    """A scaler that was fitted on the batch: its moments or bounds are those that a scaler gives, and not by chance.

    The batch's own values are lost.
    """

    name = "batch_standardised"
    words = "each column of this batch is scaled exactly by its own values ({scaler}): a scaler was fitted on the batch"
    remedy = "Call transform of the scaler that was fitted in training, never fit_transform on what is served."

    def propose(self, case: Case) -> Iterator[Candidate]:
        scaler, log_p = standardised_by(case.reference, case.X)
        # Where most columns have more rows at an end than training, they were cut off there, not scaled.
        ends = [case.runs[j][0] for j in case.every.tolist() if j in case.runs]
        cut_off = sum(run.lowest or run.highest for run in ends) > 0.5 * len(case.every)
        if scaler and log_p < C.log_certain and (scaler == "standard" or not cut_off):
            alone = {"reason": "or a row of zeros is empty"} if case.n == 1 else {}
            yield _scaled(case, self.name, np.full_like(case.X, np.nan), 0.0, {"scaler": scaler, **alone})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        std = X.std(axis=0)
        return (X - X.mean(axis=0)) / np.where(std > 0, std, 1.0)


class NotNormalised(Fault):
    """The values before the scaler, behind which the profile was learned. `Refit` proposes it behind an unknown one."""

    name = "not_normalised"
    words = "the data is not normalised: it looks like the values before the scaler"
    remedy = "Pass the data through the fitted scaler first."

    def propose(self, case: Case) -> Iterator[Candidate]:
        if case.scaler is not None:
            yield _scaled(case, self.name, case.from_raw(case.X))

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return X * rng.uniform(*C.injected_scales, X.shape[1]) + rng.uniform(*C.injected_means, X.shape[1])


class Refit(Fault):
    """A scaler fitted on other data: a slope and an offset of its own for each column, by the names they may have.

    These differ in what such numbers are likely to be. Another population has a mean and a deviation near those of
    training. Raw numbers lie anywhere, mostly above 0; scaled twice, they lie as far below.
    """

    name = "refit"
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
        std, root = case.reference.std[columns], np.sqrt(case.effective[columns])
        log, by = np.log(slope), offset / std
        anywhere = norm.pdf(log, 0, C.stretch_of_units)
        of_offset = np.exp(-estimated(1.0, C.error_of_middle / root))  # the part of a prior that its estimate leaves
        undone = replaced(case.X, columns, (case.X[:, columns] - offset) / slope)
        names = {self.name: (norm.pdf(log, 0, C.stretch_of_population) * norm.pdf(by, 0, C.shift_of_population), "")}
        if case.blind:
            names[NotNormalised.name] = anywhere * _of_raw(by / slope) / slope, ""
            names[DoubleNormalised.name] = anywhere * _of_raw(-by), case.kind
            # A scaler by the greatest value of raw numbers: then that of training is 1, and tells the offset.
            ends = [slope * of[: case.d][columns] + offset for of in (case.reference.low, case.reference.high)]
            away = (np.abs(ends).max(axis=0) - 1) * root / C.error_of_middle
            names[OtherScaler.name] = anywhere * np.exp(-0.5 * away**2) / of_offset, "maxabs"
        for name, (prior, scaler) in names.items():
            numbers = estimated(prior * of_offset, C.error_of_middle / root)
            yield _scaled(case, name, undone, numbers, {"scaler": scaler} if scaler else {}, free=True)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        d, std = X.shape[1], np.nan_to_num(profile.std)
        return X * rng.uniform(*C.injected_stretch, d) + std * rng.uniform(-1, 1, d)


def _of_raw(by: Any) -> Any:
    """Return the density of the mean of raw numbers, in their deviations: mostly above 0, and a few of them away."""
    side = np.where(by > 0, C.above_zero, 1 - C.above_zero)
    return side * np.exp(-np.abs(by) / C.mean_of_units) / C.mean_of_units


class ScalerOmitted(Fault):
    """Constants of a preprocessor, the same for all columns, that were left out: pixels as they are stored."""

    name = "scaler_omitted"
    words = "the constants of preprocessing were left out: the values are those from {low} to {high}"
    remedy = "Divide by the range and normalise by the constants of training, as its preprocessor does."

    def propose(self, case: Case) -> Iterator[Candidate]:
        low, high = np.nanmin(case.X, initial=np.inf), np.nanmax(case.X, initial=-np.inf)
        most = next((top for top in (1.0, 255.0) if 0 <= low and 0.5 * top < high <= top), None)
        own_low, own_high = (of[: case.d] for of in (case.reference.low, case.reference.high))
        if most is None or case.d < 3 or (0 <= own_low.min() and own_high.max() <= most) or not len(case.every):
            return
        each, errors = slopes(case, case.every)
        slope = float(np.median(each[errors <= errors.min()]))
        # The column that varies least tells the offset best.
        offset = moved(case, int(case.every[case.reference.std[case.every].argmin()]), slope)
        root = np.sqrt(case.effective[case.every].max())
        numbers = estimated(C.any_factor, C.error_of_middle / root) + estimated(C.any_shift, C.error_of_middle / root)
        yield _scaled(case, self.name, (case.X - offset) / slope, numbers, {"low": 0.0, "high": most}, free=True)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        low, high = float(np.nanmin(profile.moments.low)), float(np.nanmax(profile.moments.high))
        return np.clip((X - low) / (high - low), 0.0, 1.0)
