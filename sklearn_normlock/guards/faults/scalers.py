"""Whole tables that went through another scaler than in training, through none, or through one too many."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import expon, norm

from ..calibration import CALIBRATION as C
from ..tests.exact import standardised_by
from .base import Candidate, Fault, of_table
from .case import Case, replaced, scalers
from .scale import estimated, exact_slope, moved, slopes


class DoubleNormalised(Fault):
    """The scaler of training once too often: the known one, or one that training's statistics make."""

    name = "double_normalised"
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
            # A sketch tells quartiles roughly; the steps and the usual values of a column tell what they were.
            for j in case.every.tolist() if scaler == "robust" else ():
                slope = exact_slope(case, j, 1 / scale[j]) or 1 / scale[j]
                offset = moved(case, j, slope, -slope * centre[j])
                missed = abs(slope * scale[j] - 1), abs(offset / slope + centre[j]) / case.reference.std[j]
                if max(missed) < C.sketched:
                    undone[:, j] = (case.X[:, j] - offset) / slope
            fault = OtherScaler.name if case.scaled else self.name
            found = of_table(case, fault, undone, C.scaler_of_four, scaler=scaler)
            yield replace(found, also=(StandardisedAfter.name,)) if scaler == "standard" else found

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        return (X - profile.mean) / np.where(profile.std > 0, profile.std, 1.0)


class OtherScaler(Fault):
    """Behind one scaler in training, behind another one now; found with scalers that are applied twice."""

    name = "other_scaler"
    words = "the data went through another scaler ({scaler}) than in training"
    remedy = "Use the scaler that the model was trained behind; see normlock verify."

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
            undone = case.X * np.where(case.varied, case.reference.std, 1.0) + case.reference.mean
            yield of_table(case, self.name, undone, scaler="standard")


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
            alone: dict[str, Any] = {"reason": "or a row of zeros is empty"} if case.n == 1 else {}
            yield of_table(case, self.name, np.full_like(case.X, np.nan), scaler=scaler, **alone)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        std = X.std(axis=0)
        return (X - X.mean(axis=0)) / np.where(std > 0, std, 1.0)


class NotNormalised(Fault):
    """The values before the scaler, behind which the profile was learned; found as its opposite, or as a refit."""

    name = "not_normalised"
    words = "the data is not normalised: it looks like the values before the scaler"
    remedy = "Pass the data through the fitted scaler first."

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
        error, log, by = C.error_of_middle * case.error[columns], np.log(slope), offset / case.reference.std[columns]
        anywhere = norm.pdf(log, 0, C.stretch_of_units)
        of_offset = np.exp(-estimated(1.0, error))  # the part of a prior that its estimate leaves
        undone = replaced(case.X, columns, (case.X[:, columns] - offset) / slope)
        names: dict[str, tuple[Any, dict[str, Any]]] = {}
        names[self.name] = (norm.pdf(log, 0, C.stretch_of_population) * norm.pdf(by, 0, C.shift_of_population), {})
        if case.blind:
            names[NotNormalised.name] = anywhere * _of_raw(by / slope) / slope, {}
            names[DoubleNormalised.name] = anywhere * _of_raw(-by), {"scaler": case.kind}
            # A scaler by the greatest value of raw numbers: then that of training is 1, and tells the offset.
            ends = [slope * of[: case.d][columns] + offset for of in (case.reference.low, case.reference.high)]
            away = (np.abs(ends).max(axis=0) - 1) / error
            names[OtherScaler.name] = anywhere * np.exp(-0.5 * away**2) / of_offset, {"scaler": "maxabs"}
        for name, (prior, told) in names.items():
            numbers = estimated(prior * of_offset, error)
            yield of_table(case, name, undone, numbers, free=True, **told)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        d, std = X.shape[1], np.nan_to_num(profile.std)
        return X * rng.uniform(*C.injected_stretch, d) + std * rng.uniform(-1, 1, d)


def _of_raw(by: Any) -> Any:
    """Return the density of the mean of raw numbers, in their deviations: mostly above 0, and a few of them away."""
    return np.where(by > 0, C.above_zero, 1 - C.above_zero) * expon.pdf(np.abs(by), scale=C.mean_of_units)


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
        slope = float(np.median(slopes(case, case.every)[0]))
        # The column that varies least tells the offset best.
        offset = moved(case, int(case.every[case.reference.std[case.every].argmin()]), slope)
        error = C.error_of_middle * case.error[case.every].min()
        numbers = estimated(C.any_factor, error) + estimated(C.any_shift, error)
        yield of_table(case, self.name, (case.X - offset) / slope, numbers, free=True, low=0.0, high=most)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        low, high = float(np.nanmin(profile.moments.low)), float(np.nanmax(profile.moments.high))
        return np.clip((X - low) / (high - low), 0.0, 1.0)
