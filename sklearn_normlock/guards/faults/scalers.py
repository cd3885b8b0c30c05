"""A whole table scaled otherwise than in training: once too often, not at all, by another scaler, by its own values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..tests.exact import standardised_by
from .base import Candidate, Fault
from .case import Case
from .scale import affine


def _whole(case: Case, fault: str, undone: Any, cost: float, details: Any, **more: Any) -> Candidate:
    return Candidate(fault, np.flatnonzero(case.varied), undone, cost, details, whole=True, rounded=True, **more)


class DoubleNormalised(Fault):
    """The scaler of training once too often."""

    name = "double_normalised"
    words = "the data is normalised already ({scaler}): the scaler would be applied once too often, or was"
    remedy = "Hand over the data as it was before the scaler, or leave out the second scaler."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the scalers that training's statistics make; behind a known scaler, that one."""
        if case.scaler is not None:
            yield _whole(case, self.name, case.to_raw(case.X), C.kind, {"scaler": case.state.kind})
            return
        if case.state.scaled or case.state.unit:
            return
        for scaler, centre, scale in case.state.scalers():
            also = ("standardised_after",) if scaler == "standard" else ()
            yield _whole(case, self.name, case.X * scale + centre, C.kind, {"scaler": scaler}, also=also)

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
            yield _whole(case, self.name, case.X * scale + centre, C.kind, {"scaler": scaler}, also=also)

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
            yield _whole(case, self.name, case.X * scale + case.state.mean, C.kind, {"scaler": "standard"})

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
        if scaler and log_p < C.log_certain:
            alone = {"reason": "or a row of zeros is empty"} if case.n == 1 else {}
            undone = np.full_like(case.X, np.nan)
            yield _whole(case, self.name, undone, 0.0, {"scaler": scaler, **alone})

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Standardise by the batch's own mean and deviation."""
        std = X.std(axis=0)
        return (X - X.mean(axis=0)) / np.where(std > 0, std, 1.0)


class NotNormalised(Fault):
    """The values before the scaler, behind which the profile was learned."""

    name = "not_normalised"
    words = "the data is not normalised: it looks like the values before the scaler"
    remedy = "Pass the data through the fitted scaler first."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield the known scaler; or, behind an unknown one, a slope and an offset for each column."""
        if case.scaler is not None:
            yield _whole(case, self.name, case.from_raw(case.X), C.kind, {})
        elif case.state.scaled and (found := _each_its_own(case)) is not None and not found.near:
            if found.raw:
                yield _whole(case, self.name, found.undone, found.cost, {}, free=True)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Undo a scaler of some mean and deviation."""
        return X * rng.uniform(3, 30, X.shape[1]) + rng.uniform(20, 100, X.shape[1])


class Refit(Fault):
    """A scaler fitted on other data: a slope and an offset of its own for each column."""

    name = "refit"
    words = "{columns} moved and stretched, each by its own factor: a scaler that was fitted on other data"
    remedy = "Load the scaler that was fitted in training; see normlock verify."

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield a slope and an offset for each column; far from those of training, the scaler was applied twice."""
        if not case.state.scaled or (found := _each_its_own(case)) is None:
            return
        if found.near:
            yield _whole(case, self.name, found.undone, found.cost, {}, free=True)
        elif case.scaler is None and not found.raw:
            details = {"scaler": case.state.kind}
            yield _whole(
                case, "double_normalised", found.undone, found.cost, details, free=True, also=("not_normalised",)
            )

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
        was, now = (of[:, varied] for of in case.quantiles)
        slope = float(
            ((was - was.mean()) * (now - now.mean())).sum() / max(float(((now - now.mean()) ** 2).sum()), 1e-12)
        )
        if slope > 0:
            undone = case.X * slope + (was.mean() - slope * now.mean())
            yield _whole(case, self.name, undone, 3 * C.kind, {"low": 0.0, "high": most}, free=True)

    def inject(self, profile: Any, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Bring all values into the range from 0 to 1 by one slope and offset."""
        low, high = float(np.nanmin(profile.moments.low)), float(np.nanmax(profile.moments.high))
        return np.clip((X - low) / (high - low), 0.0, 1.0)


class _Each:
    """A slope and an offset for each column: the batch without them, and what they say of the scaler."""

    def __init__(self, case: Case, columns: Any, slope: Any, offset: Any) -> None:
        self.undone = case.X.copy()
        self.undone[:, columns] = (case.X[:, columns] - offset) / slope
        stretch, std = np.log(slope), case.reference.std[columns]
        moved = np.abs(offset) / std
        #: Another population has its own means and deviations, in both directions; raw values lie elsewhere.
        one_sided = abs(float(np.sign(offset[moved > 0.5]).sum())) >= 0.8 * max((moved > 0.5).sum(), 3)
        close = np.median(np.abs(stretch)) < np.log(2.0) and np.median(moved) < 1.5
        near = np.median(np.abs(stretch)) < np.log(3.5) and np.median(moved) < 3.0 and not one_sided
        self.near = bool(close or near)
        #: Measured values are mostly positive and spread wider than scaled ones; scaled twice, they are the reverse.
        aside = np.abs(offset) > 0.3 * slope * std
        votes = np.sign(offset[aside]).sum() + np.clip(stretch, -1, 1).sum()
        self.raw = bool(votes >= 0)
        # Two numbers for each column are a scaler's, and nobody chooses them: they cost what two columns' would.
        self.cost = 4 * C.kind + float(np.log(case.d))


def _each_its_own(case: Case) -> _Each | None:
    columns = np.flatnonzero(case.varied)
    # A column that moved a little need not alarm by itself.
    odd = case.evidence.by_column() < C.log_leaning
    if case.n < 8 or odd.sum() < C.many * len(columns):
        return None
    slope, offset, _ = affine(case, columns)
    good = np.isfinite(slope) & np.isfinite(offset) & (slope > 1e-9)
    return _Each(case, columns[good], slope[good], offset[good]) if good.any() else None
