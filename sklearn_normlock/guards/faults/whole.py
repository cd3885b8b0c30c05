"""Whole tables: scaled otherwise than in training, rows of other lengths or that repeat, vectors of another model."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.sketch import share_below
from ..tests.exact import NORMS, standardised_by, unit_rows
from .base import Candidate, Case, Fault, estimated, normal, replaced
from .scale import affine, aligned, moved

_ONE_OF_FOUR = float(np.log(4))


def _whole(case: Case, fault: str, undone: Any, numbers: Any = 0.0, details: Any = None, **more: Any) -> Candidate:
    return Candidate(fault, np.flatnonzero(case.varied), undone, numbers, details or {}, whole=True, **more)


_scaled = partial(_whole, rounded=True)


def _scaled_back(case: Case, centre: Any, scale: Any) -> Any:
    """Return the batch before a scaler, whose numbers are known as well as the profile's sketches."""
    slope, offset, at = 1 / scale, -centre / scale, np.flatnonzero(case.varied)
    exact, by, _ = aligned(case, at, slope[at], np.ones(len(at)), offset[at])
    # (A scale of 1 is that of a column without a width.)
    near = at[(np.abs(exact * scale[at] - 1) < C.sketched) | (scale[at] == 1.0)]
    slope[near], offset[near] = exact[np.isin(at, near)], by[np.isin(at, near)]
    return (case.X - offset) / slope


class DoubleNormalised(Fault):
    """The scaler of training once too often."""

    name = "double_normalised"
    words = "the data is normalised already ({scaler}): the scaler would be applied once too often, or was"
    remedy = "Hand over the data as it was before the scaler, or leave out the second scaler."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the scalers that training's statistics make; behind a known scaler, that one."""
        if case.scaler is not None:
            yield _scaled(case, self.name, case.to_raw(case.X), 0.0, {"scaler": case.state.kind})
            return
        if case.state.scaled or case.state.unit:
            return
        for scaler, centre, scale in case.state.scalers():
            also = ("standardised_after",) if scaler == "standard" else ()
            yield _scaled(
                case, self.name, _scaled_back(case, centre, scale), _ONE_OF_FOUR, {"scaler": scaler}, also=also
            )

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Standardise by the profile's mean and deviation."""
        return (X - profile.mean) / np.where(profile.std > 0, profile.std, 1.0)


class OtherScaler(Fault):
    """Behind one scaler in training, behind another one now."""

    name = "other_scaler"
    words = "the data went through another scaler ({scaler}) than in training"
    remedy = "Use the scaler that the model was trained behind; see normlock verify."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the other scalers, which training's numbers tell exactly: they follow any slope and offset."""
        if not case.state.scaled:
            return
        for scaler, centre, scale in case.state.scalers():
            also = ("standardised_after",) if scaler in ("standard", "minmax", "maxabs", "robust") else ()
            yield _scaled(
                case, self.name, _scaled_back(case, centre, scale), _ONE_OF_FOUR, {"scaler": scaler}, also=also
            )

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Scale by the bounds of training."""
        low, high = profile.moments.low, profile.moments.high
        return (X - low) / np.where(high > low, high - low, 1.0)


class StandardisedAfter(Fault):
    """Vectors of unit length that were standardised afterwards."""

    name = "standardised_after"
    words = "the data was standardised after the last step of preprocessing"
    remedy = "Where a model was fitted on data without this scaler, remove the one that was put before it."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the standard scaler that training's statistics make."""
        if case.state.unit:
            scale = np.where(case.state.std > 0, case.state.std, 1.0)
            yield _scaled(case, self.name, case.X * scale + case.state.mean, 0.0, {"scaler": "standard"})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Standardise by the profile's mean and deviation."""
        return (X - profile.mean) / np.where(profile.std > 0, profile.std, 1.0)


class BatchStandardised(Fault):
    """A scaler that was fitted on the batch: its moments or bounds are exactly those that a scaler gives."""

    name = "batch_standardised"
    words = "each column of this batch is scaled exactly by its own values ({scaler}): a scaler was fitted on the batch"
    remedy = "Call transform of the scaler that was fitted in training, never fit_transform on what is served."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the scaler of which chance does not make the bounds or moments. Its own values are lost."""
        scaler, log_p = standardised_by(case.reference, case.X)
        if scaler and log_p < C.log_certain and not (scaler in ("minmax", "maxabs") and _cut_off(case)):
            alone = {"reason": "or a row of zeros is empty"} if case.n == 1 else {}
            undone = np.full_like(case.X, np.nan)
            yield _scaled(case, self.name, undone, 0.0, {"scaler": scaler, **alone})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Standardise by the batch's own mean and deviation."""
        std = X.std(axis=0)
        return (X - X.mean(axis=0)) / np.where(std > 0, std, 1.0)


def _cut_off(case: Case) -> bool:
    """Tell whether most columns have more rows at their ends than training: they were cut off there, not scaled."""
    at_ends = ((case.X == np.nanmin(case.X, axis=0)) | (case.X == np.nanmax(case.X, axis=0))).mean(axis=0)
    usual = np.zeros(case.d)
    for j, (values, shares) in enumerate(case.reference.profile.sketches[: case.d]):
        if len(values):
            usual[j] = (
                share_below(values, shares, values[:1])[1][0] + 1 - share_below(values, shares, values[-1:])[0][0]
            )
    return bool(np.median((at_ends - 2 * usual)[case.varied]) * case.n > 2 * C.least_run)


class NotNormalised(Fault):
    """The values before the scaler, behind which the profile was learned."""

    name = "not_normalised"
    words = "the data is not normalised: it looks like the values before the scaler"
    remedy = "Pass the data through the fitted scaler first."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the known scaler. Behind an unknown one, `Refit` proposes it."""
        if case.scaler is not None:
            yield _scaled(case, self.name, case.from_raw(case.X))

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Undo a scaler of some mean and deviation."""
        return X * rng.uniform(3, 30, X.shape[1]) + rng.uniform(20, 100, X.shape[1])


class Refit(Fault):
    """A scaler fitted on other data: a slope and an offset of its own for each column."""

    name = "refit"
    words = "{columns} moved and stretched, each by its own factor: a scaler that was fitted on other data"
    remedy = "Load the scaler that was fitted in training; see normlock verify."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield a slope and an offset for each column, by the three names that they may have.

        They differ in what such numbers are likely to be. Another population has a mean and a deviation near those of
        training. Raw numbers lie anywhere, mostly above 0; scaled twice, they lie as far below.
        """
        columns = np.flatnonzero(case.varied)
        # A column that moved a little need not alarm by itself.
        odd = case.evidence.by_column() < C.log_leaning
        if not case.state.scaled or case.n < C.few / 2 or odd.sum() < C.many * len(columns):
            return
        slope, offset, _ = affine(case, columns)
        std, root = case.reference.std[columns], np.sqrt(case.effective[columns])
        log, by = np.log(slope), offset / std
        anywhere = normal(log, C.stretch_of_units)
        of_offset = np.exp(-estimated(1.0, C.error_of_middle / root))  # the part of a prior that its estimate leaves
        undone = replaced(case.X, columns, (case.X[:, columns] - offset) / slope)
        priors = {self.name: normal(log, C.stretch_of_population) * normal(by, C.shift_of_population)}
        if case.scaler is None:
            priors["not_normalised"] = anywhere * _of_raw(by / slope) / slope
            priors["double_normalised"] = anywhere * _of_raw(-by)
            # A scaler by the greatest value of raw numbers: then that of training is 1, and tells the offset.
            ends = np.stack(
                [slope * of[: case.d][columns] + offset for of in (case.reference.low, case.reference.high)]
            )
            away = (np.abs(ends).max(axis=0) - 1) * root / C.error_of_slope
            priors["other_scaler"] = anywhere * np.exp(-0.5 * away**2) / of_offset
        for name, prior in priors.items():
            numbers = estimated(prior * of_offset, C.error_of_slope / root)
            scaler = {"double_normalised": case.state.kind, "other_scaler": "maxabs"}
            details = {"scaler": scaler[name]} if name in scaler else {}
            yield _scaled(case, name, undone, numbers, details, free=True)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Stretch each column by up to a half, and move it by up to a deviation."""
        d, std = X.shape[1], np.nan_to_num(profile.std)
        return X * rng.uniform(0.67, 1.5, d) + std * rng.uniform(-1, 1, d)


class ScalerOmitted(Fault):
    """Constants of a preprocessor, the same for all columns, that were left out: pixels as they are stored."""

    name = "scaler_omitted"
    words = "the constants of preprocessing were left out: the values are those from {low} to {high}"
    remedy = "Divide by the range and normalise by the constants of training, as its preprocessor does."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield a slope and an offset for all columns, if the batch is one of stored pixels and training was not."""
        low, high = np.nanmin(case.X, initial=np.inf), np.nanmax(case.X, initial=-np.inf)
        most = next((top for top in (1.0, 255.0) if 0 <= low and 0.5 * top < high <= top), None)
        own_low, own_high = case.state.low.min(initial=0.0), case.state.high.max(initial=0.0)
        varied = np.flatnonzero(case.varied)
        if most is None or case.d < 3 or (0 <= own_low and own_high <= most) or not len(varied):
            return
        slopes, _, errors = affine(case, varied)
        slope = float(np.median(slopes[errors <= errors.min()]))
        # The column that varies least tells the offset best.
        offset = moved(case, int(varied[case.reference.std[varied].argmin()]), slope)
        root = np.sqrt(case.effective[varied].max())
        numbers = estimated(C.any_factor, C.error_of_slope / root) + estimated(C.any_shift, C.error_of_middle / root)
        undone = (case.X - offset) / slope
        yield _scaled(case, self.name, undone, numbers, {"low": 0.0, "high": most}, free=True)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Bring all values into the range from 0 to 1 by one slope and offset."""
        low, high = float(np.nanmin(profile.moments.low)), float(np.nanmax(profile.moments.high))
        return np.clip((X - low) / (high - low), 0.0, 1.0)


def _of_raw(by: Any) -> Any:
    """Return the density of the mean of raw numbers, in their deviations: mostly above 0, and a few of them away."""
    side = np.where(by > 0, C.above_zero, 1 - C.above_zero)
    return side * np.exp(-np.abs(by) / C.mean_of_units) / C.mean_of_units


def _divided(case: Case) -> tuple[int, Any, Any, Any] | None:
    """Return the norm that the rows of training have, those of the batch, which are 1, and the rows divided by it."""
    usual = case.reference.usual_norms if case.d > 1 else np.zeros(0)
    if not len(usual) or np.isnan(case.X).any():
        return None
    expected = 1 if 1 in usual else int(usual[0])
    norms, unit, _ = unit_rows(case.X)
    if unit[:, expected].all():
        return None
    length = norms[:, expected]
    return expected, norms, unit, case.X / np.where(length > 0, length, 1.0)[:, None]


class L2Missing(Fault):
    """Rows that had unit length in training and have none now."""

    name = "l2_missing"
    words = "the rows do not have unit length, as they had in training ({norm})"
    remedy = "Normalise each row first."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the rows divided by their norm, if no two lengths are told apart by less."""
        if (found := _divided(case)) is None:
            return
        expected, norms, unit, divided = found
        inside = unit[:, expected].mean()
        off = np.abs(norms[:, expected] - 1) > C.off_norm
        if off.any() and not 0 < inside < 1:
            # (No more is told than that each row has a length of its own.)
            yield _whole(case, self.name, divided, C.usual_value, {"norm": NORMS[expected]})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Give each row another length."""
        return X * rng.lognormal(1.0, 0.4, len(X))[:, None]


class OneFactor(Fault):
    """Rows of one length that is not 1: the table times a factor."""

    name = "unit_changed"
    words = "{columns} in another unit: {unit}"
    remedy = "Convert back to the unit of training."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the one length that all rows have."""
        if (found := _divided(case)) is None or case.n < 2:
            return
        expected, norms, _, divided = found
        length = norms[norms[:, expected] > 0, expected]
        if len(length) and np.ptp(length) < C.same_length * length.mean() and abs(length.mean() - 1) > C.off_norm:
            factor = float(length.mean())
            yield _whole(case, self.name, divided, 0.0, {"factor": factor, "offset": 0.0, "unit": f"×{factor:.6g}"})


class OtherNorm(Fault):
    """Rows that have unit length by another norm."""

    name = "other_norm"
    words = "the rows are normalised by another norm ({norm}) than in training ({expected})"
    remedy = "Use the norm of training."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the norm that is 1 in every row."""
        if (found := _divided(case)) is None:
            return
        expected, _, unit, divided = found
        for k in range(len(NORMS)):
            if k != expected and unit[:, k].all():
                details = {"norm": NORMS[k], "expected": NORMS[expected]}
                yield _whole(case, self.name, divided, 0.0, details)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Divide by the sum of absolute values."""
        return X / np.maximum(np.abs(X).sum(axis=1), 1e-300)[:, None]


class MixedNorms(Fault):
    """Some rows of unit length among others."""

    name = "mixed_norms"
    words = "{share} of the rows have unit length and the others have not: rows from two sources"
    remedy = "Normalise all rows in the same way; rebuild an index that holds both kinds."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the rows divided by their norm; or, where training had other lengths, the rows that have them."""
        if case.d < 2 or case.n < 2 or np.isnan(case.X).any():
            return
        if (found := _divided(case)) is not None:
            expected, norms, unit, divided = found
            inside = float(unit[:, expected].mean())
            if 0 < inside < 1 and (np.abs(norms[:, expected] - 1) > C.off_norm).any():
                yield _whole(case, self.name, divided, 0.0, {"share": f"{inside:.0%}", "fraction": inside})
            return
        norms, unit, _ = unit_rows(case.X)
        one = unit[:, 1] & (norms[:, 1] > 0)
        share = float(one.mean())
        if case.n >= 8 and case.reference.profile.unit[1] < 1 - C.usual_norm and 3 <= one.sum() < case.n:
            undone = np.where(one[:, None], np.nan, case.X)
            yield _whole(case, self.name, undone, 0.0, {"share": f"{share:.0%}", "fraction": share})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Normalise half of the rows."""
        out = X.copy()
        out[::2] /= np.maximum(np.linalg.norm(out[::2], axis=1), 1e-300)[:, None]
        return out


class L2Extra(Fault):
    """Rows of unit length, which those of training had not."""

    name = "l2_extra"
    words = "every row has unit length ({norm}), which it had not in training"
    remedy = "Leave out the Normalizer."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the norm that is 1 in every row. The lengths are lost, so that nothing is left to test."""
        if case.d < 2 or np.isnan(case.X).any() or len(case.reference.usual_norms):
            return
        _, unit, by_chance = unit_rows(case.X)
        for k in (1, 0, 2):
            certain = unit[:, k].mean() > 0.5 and (unit | by_chance)[:, k].all()
            if certain and case.reference.profile.unit[k] < 0.5 and case.X.any(axis=1).all():
                yield _whole(case, self.name, np.full_like(case.X, np.nan), 0.0, {"norm": NORMS[k]})
                return

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Normalise each row."""
        return X / np.maximum(np.linalg.norm(X, axis=1), 1e-300)[:, None]


class RowsRepeated(Fault):
    """Rows that are there several times."""

    name = "rows_repeated"
    words = "{share} of the rows repeat another row to the last digit"
    remedy = "Look for a join that multiplies rows, or a request that is sent twice."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield each different row once."""
        if case.n < 4:
            return
        _, first = np.unique(case.X, axis=0, return_index=True)
        share = 1 - len(first) / case.n
        if share > 0 and len(first) > 1:
            undone = case.X[np.sort(first)]
            yield _whole(case, self.name, undone, 0.0, {"share": f"{share:.0%}", "fraction": share})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Give a tenth of the rows ten times."""
        return np.repeat(X[: max(1, len(X) // 10)], 10, axis=0)[: len(X)]


class OtherModel(Fault):
    """Vectors of another model: the same width and length, but directions that have nothing to do with training's.

    No inverse is known. It is told of unit vectors only, if no order undoes it, nearly all columns differ, the mean
    points elsewhere, and columns no longer go together as they did.
    """

    name = "other_model"
    words = "vectors of the same width and length, whose directions are not those of training: another model"
    remedy = "Embed with the model of training; rebuild an index that holds vectors of both."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield it if directions are unrelated; nothing is left to test."""
        if not case.state.unit or case.together is None or case.d < 8:
            return
        mean, was = np.nanmean(case.X, axis=0), case.reference.mean
        length = np.linalg.norm(mean) * np.linalg.norm(was)
        elsewhere = np.linalg.norm(was) > C.unrelated and length > 0 and abs(mean @ was) / length < C.elsewhere
        unrelated = case.together.tells and abs(case.together.agreement()) < C.unrelated
        if unit_rows(case.X)[1][:, 1].all() and len(case.odd) > C.many * case.d and unrelated and elsewhere:
            yield _whole(case, self.name, np.full_like(case.X, np.nan), case.untold, {})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Turn the space at random."""
        return X @ np.linalg.qr(rng.normal(size=(X.shape[1], X.shape[1])))[0]
