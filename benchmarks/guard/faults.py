"""Faults, injected by code that knows nothing of the detector.

A fault is planned on a scene (which columns, which factor: fixed), then applied to raw unseen rows and yields what the
guard sees. It happens between the place where the training data was seen and the guard: a column fault on the scaled
side is one in scaled values. The names that count as right (`accepted`) are decided here, by how the fault was made;
more than one only where another fault yields the same numbers on that data, for the reason that stands beside it.

A plan is kept only if it matters: where its size can be judged on distributions, a row must tell at least as much as a
row shifted by one standard deviation does (0.5 nat, `Scene.evidence`); where repeated values tell (imputed, clipped,
stuck, quantised), the share and the step are stated with the fault.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler

from guard.plans import FAULTS as FAULTS
from guard.plans import Plan, fault, names, on_columns, some
from guard.scenes import Scene

SCALED = ("standard", "minmax", "robust")
COLUMNWISE = ("raw", *SCALED, "log")


# -- scalers ---------------------------------------------------------------------------------------------------------


def one_factor(scene: Scene) -> bool:
    """Tell whether standardising is the same division of every column, which is a change of unit."""
    deviation = scene.before.deviation[scene.before.varies]
    off = np.abs(scene.raw.mean(0)[scene.before.varies]) / deviation
    return np.ptp(deviation) < 0.01 * deviation.max() and bool(np.all(off < 0.01))


def with_unit(scene: Scene, *accepted: str) -> frozenset[str]:
    return names(*accepted, *(["unit_changed"] if one_factor(scene) else []))


@fault("double_normalised", ("raw",))
def already_scaled(rng: Generator, scene: Scene) -> Plan:
    """What arrives went through the scaler already; the pipeline will apply it again.

    Also `other_scaler`: the profile does not hold which scaler follows, and with another one these are its numbers.
    """
    kind = rng.choice([StandardScaler, StandardScaler, MinMaxScaler, RobustScaler])
    scaler = kind().fit(scene.raw)
    accepted = with_unit(scene, "double_normalised", "other_scaler")
    return Plan(lambda rng, raw: scaler.transform(raw), accepted, kind.__name__)


@fault("double_normalised", SCALED)
def scaled_twice(rng: Generator, scene: Scene) -> Plan:
    """The fitted scaler was applied to its own output.

    (z - m)/s of (x - m)/s is (x - (m + m s))/s²: to the digit another fitted scaler of the same class, so `refit` and
    `other_scaler` (which the profile, not knowing m and s, can't tell from it) count too; and `not_normalised`, see
    there.
    """
    accepted = with_unit(scene, "double_normalised", "not_normalised", "other_scaler", "refit")
    return Plan(lambda rng, raw: scene.transformer.transform(scene.seen(raw)), accepted)


@fault("not_normalised", SCALED)
def not_scaled(rng: Generator, scene: Scene) -> Plan:
    """The scaler was left out.

    A profile of scaled data does not hold the scaler, and s z + m is also (z - m')/s' with m' = -m/s and s' = 1/s: the
    output of *that* scaler applied twice, so `double_normalised` counts. Where raw units are so close to scaled ones
    that a refit scaler (see there) yields the same, its names count.
    """
    one = np.ones((1, scene.raw.shape[1]))
    offset = scene.transformer.inverse_transform(0 * one)
    factor = scene.transformer.inverse_transform(one) - offset
    mild = np.all((np.abs(np.log(factor)) < np.log(4)) & (np.abs(offset) < 4))
    accepted = with_unit(scene, "not_normalised", "double_normalised", *(["refit", "other_scaler"] if mild else []))
    return Plan(lambda rng, raw: raw, accepted)


@fault("batch_standardised", (*COLUMNWISE, "l2"), judged=False)
def standardised_per_request(rng: Generator, scene: Scene) -> Plan:
    """A StandardScaler was fitted on each request.

    A request of one row becomes zeros, the same as columns stuck at or filled with zero: at one row those count.
    """
    one = names("stuck", "imputed")
    return Plan(lambda rng, raw: StandardScaler().fit_transform(scene.seen(raw)), names("batch_standardised"), "", one)


@fault("standardised_after", ("minmax", "robust", "log", "l2"))
def standardised_afterwards(rng: Generator, scene: Scene) -> Plan:
    """A StandardScaler, fitted on the output in training, was applied after the transformer that belongs there.

    After an affine scaler these are the numbers of a StandardScaler in its place (`other_scaler`); and, as everywhere
    that the profile's own data arrives standardised, those of normalising once more (`double_normalised`).
    """
    after = StandardScaler().fit(scene.train)
    accepted = names("standardised_after", "double_normalised", *(["other_scaler"] if scene.side in SCALED else []))
    return Plan(lambda rng, raw: after.transform(scene.seen(raw)), accepted)


@fault("refit", ("standard", "robust"))
def refit(rng: Generator, scene: Scene) -> Plan:
    """The scaler was refitted on another population: means one to three deviations away, spreads halved to doubled.

    A scaler with other parameters is what `other_scaler` says, but that is for one of another class: `refit` only.
    """
    d = scene.raw.shape[1]
    away = rng.uniform(1, 3, d) * rng.choice([-1, 1], d) * scene.before.deviation
    middle = scene.raw.mean(0)
    population = middle + away + (scene.raw - middle) * np.exp(rng.uniform(-np.log(2), np.log(2), d))
    scaler = type(scene.transformer)().fit(population)
    return Plan(lambda rng, raw: scaler.transform(raw), names("refit"))


@fault("other_scaler", SCALED)
def other_scaler(rng: Generator, scene: Scene) -> Plan:
    """A scaler of another class, fitted on the same training rows, stands in the place of the right one.

    Its numbers are those of that scaler applied after the right one (`double_normalised`), and, for a StandardScaler,
    of standardising afterwards.
    """
    kinds = [StandardScaler, MinMaxScaler, RobustScaler, MaxAbsScaler]
    kind = rng.choice([k for k in kinds if k is not type(scene.transformer)])
    scaler = kind().fit(scene.raw)
    same = {StandardScaler: ("double_normalised", "standardised_after"), MaxAbsScaler: ()}
    accepted = names("other_scaler", *same.get(kind, ("double_normalised",)))
    return Plan(lambda rng, raw: scaler.transform(raw), accepted, kind.__name__)


# -- columns ---------------------------------------------------------------------------------------------------------


@fault("columns_swapped", (*COLUMNWISE, "l2"))
def swapped(rng: Generator, scene: Scene) -> Plan | None:
    """Two columns in each other's place."""
    if len(scene.here.varies) < 2:
        return None
    i, j = rng.choice(scene.here.varies, 2, replace=False)
    order = np.arange(scene.raw.shape[1])
    order[[i, j]] = j, i
    return Plan(lambda rng, raw: scene.seen(raw)[:, order], names("columns_swapped"))


@fault("columns_reordered", (*COLUMNWISE, "l2"))
def reordered(rng: Generator, scene: Scene) -> Plan | None:
    """Columns reversed, rotated by a few places, or in any order."""
    d = scene.raw.shape[1]
    kind = rng.choice(["reversed", "rotated", "any order"])
    order = {"reversed": np.arange(d)[::-1], "rotated": np.roll(np.arange(d), rng.integers(1, min(d, 6)))}.get(kind)
    order = rng.permutation(d) if order is None else order
    if np.sum(order != np.arange(d)) < 3:
        return None
    return Plan(lambda rng, raw: scene.seen(raw)[:, order], names("columns_reordered"), str(kind))


UNITS = {
    **{f"x{f:g}": (f, 0.0) for f in (1e3, 1e-3, 1e2, 1e-2, 1e6, 60.0, 3600.0, 1 / 60)},
    **{"inch to cm": (2.54, 0.0), "cm to inch": (1 / 2.54, 0.0), "lb to kg": (0.45359237, 0.0)},
    **{"kg to lb": (1 / 0.45359237, 0.0), "foot to m": (0.3048, 0.0), "m to foot": (1 / 0.3048, 0.0)},
    **{"mile to km": (1.609344, 0.0), "kcal to kJ": (4.184, 0.0), "C to F": (1.8, 32.0), "F to C": (5 / 9, -160 / 9)},
}


@fault("unit_changed", ("raw",))
def unit_changed(rng: Generator, scene: Scene) -> Plan:
    """A column (or a quarter of them) in another unit; vectors: all components times 100, 127, 255 or divided."""
    if scene.wide:
        f = float(rng.choice([100, 127, 255])) ** rng.choice([-1, 1])
        return Plan(lambda rng, raw: raw * f, names("unit_changed"), f"x{f:.3g}")
    kind = rng.choice(list(UNITS))
    factor, offset = UNITS[kind]
    columns = some(rng, scene, scene.here.varies, every=False)
    return Plan(on_columns(scene, columns, lambda x: factor * x + offset), names("unit_changed"), str(kind))


@fault("shifted", COLUMNWISE)
def shifted(rng: Generator, scene: Scene) -> Plan:
    """Columns up or down by 1 to 5 deviations, to the next step of the grid that they are read on."""
    columns = some(rng, scene, scene.here.varies)
    size = rng.choice([1.0, 1.5, 2.0, 3.0, 5.0])
    up, grid = size * scene.here.deviation[columns], scene.here.grid[columns]
    up = np.where(grid > 0, np.ceil(up / np.where(grid > 0, grid, 1) - 1e-9) * grid, up)
    up = up * rng.choice([-1, 1], len(columns))
    return Plan(on_columns(scene, columns, lambda x: x + up), names("shifted"), f"{size:g} σ")


@fault("sign_flipped", (*COLUMNWISE, "l2"))
def sign_flipped(rng: Generator, scene: Scene) -> Plan:
    """Columns times -1."""
    columns = some(rng, scene, scene.here.varies)
    return Plan(on_columns(scene, columns, np.negative), names("sign_flipped"))


@fault("log_extra", ("raw", "log"))
def log_extra(rng: Generator, scene: Scene) -> Plan | None:
    """A logarithm (log, log10 or log1p) that training had not, or once more; of columns that span a factor of two."""
    if scene.wide:
        return None
    kind = rng.choice(["log", "log1p", "log10"] if scene.side == "raw" else ["log1p"])
    low, high = np.quantile(scene.train, [0.05, 0.95], axis=0)
    least = np.minimum(scene.train.min(0), scene.seen(scene.pool).min(0))
    fits = (least >= 0) if kind == "log1p" else (least > 0)
    columns = some(rng, scene, np.flatnonzero(fits & (high >= 2 * low) & (high > 0)))
    if columns is None:
        return None
    return Plan(on_columns(scene, columns, getattr(np, kind)), names("log_extra"), str(kind))


@fault("log_missing", ("log",))
def log_missing(rng: Generator, scene: Scene) -> Plan | None:
    """A logarithm (log1p) that training had is left out, of one, some or all of its columns."""
    logged = np.flatnonzero(np.all(scene.raw >= 0, axis=0))
    columns = some(rng, scene, np.intersect1d(logged, scene.here.varies))
    return None if columns is None else Plan(on_columns(scene, columns, np.expm1), names("log_missing"))


# -- values ----------------------------------------------------------------------------------------------------------


@fault("imputed", COLUMNWISE, rows=16, judged=False)
def imputed(rng: Generator, scene: Scene) -> Plan | None:
    """Two fifths to four fifths of a column's entries filled with 0, -1, -999, the training mean or the median.

    Columns in which that value is rarer than one in twenty and no value makes up half.
    """
    columns = some(rng, scene, scene.here.varies[scene.here.atom[scene.here.varies] < 0.5])
    if columns is None:
        return None
    kind = rng.choice(["0", "-1", "-999", "mean", "median"])
    by = {"mean": np.mean, "median": np.median}.get(str(kind))
    value = by(scene.train[:, columns], axis=0) if by else np.full(len(columns), float(kind))
    if np.any(np.mean(scene.train[:, columns] == value, axis=0) > 0.05):
        return None
    share = rng.choice([0.4, 0.6, 0.8])

    def apply(rng: Generator, raw: np.ndarray) -> np.ndarray:
        X = scene.seen(raw).copy()
        lost = rng.permuted(np.arange(len(X))[:, None] + np.zeros(len(columns)), axis=0) < round(share * len(X))
        X[:, columns] = np.where(lost, value, X[:, columns])
        return X

    return Plan(apply, names("imputed"), f"{kind}, {share:.0%}", whole=True)


def fine(scene: Scene) -> np.ndarray:
    """Return the columns with at least twenty values, none of which makes up a fifth."""
    return np.flatnonzero((scene.here.distinct >= 20) & (scene.here.atom < 0.2))


@fault("clipped", COLUMNWISE, rows=16, judged=False)
def clipped(rng: Generator, scene: Scene) -> Plan | None:
    """Columns cut above the 0.7, below the 0.3 or outside the 0.15 and 0.85 quantile of training."""
    columns = some(rng, scene, fine(scene))
    if columns is None:
        return None
    kind, low, high = [("above", 0, 0.7), ("below", 0.3, 1), ("both", 0.15, 0.85)][rng.integers(3)]
    x = scene.train[:, columns]
    low = np.quantile(x, low, axis=0) if low > 0 else np.full(len(columns), -np.inf)
    high = np.quantile(x, high, axis=0) if high < 1 else np.full(len(columns), np.inf)
    if np.any(np.mean((x == low) | (x == high), axis=0) > 0.05):
        return None
    return Plan(on_columns(scene, columns, lambda x: np.clip(x, low, high)), names("clipped"), kind)


@fault("stuck", COLUMNWISE, rows=16, judged=False)
def stuck(rng: Generator, scene: Scene) -> Plan | None:
    """A column, or a quarter of them, repeats the value of the batch's first row; no value makes up half of it."""
    columns = some(rng, scene, scene.here.varies[scene.here.atom[scene.here.varies] < 0.5], every=False)
    return None if columns is None else Plan(on_columns(scene, columns, lambda x: x[:1]), names("stuck"), whole=True)


@fault("quantised", (*COLUMNWISE, "l2"), rows=16, judged=False)
def quantised(rng: Generator, scene: Scene) -> Plan | None:
    """Columns rounded to about a half, one or two deviations (1, 2 or 5 times a power of ten); vectors also to int8."""
    d = scene.here.deviation
    columns = some(rng, scene, fine(scene))
    if columns is None:
        return None
    share = float(rng.choice([0.5, 1.0, 2.0]))
    size = f"{share} σ"
    if scene.wide and rng.uniform() < 0.5:
        step, size, columns = np.full(len(d), np.abs(scene.train).max() / 127), "int8", np.arange(len(d))
    else:
        round_steps = np.outer(10.0 ** np.arange(-9, 9), [1, 2, 5]).ravel()
        step = round_steps[np.argmin(np.abs(np.log(round_steps[:, None] / (share * d[columns]))), axis=0)]
    x = scene.train[:, columns]
    values = np.array([len(np.unique(v)) for v in np.round(x / step).T])
    if np.any(values < 3) or np.any(values > 60) or np.any(step < 8 * scene.here.grid[columns]):
        return None
    return Plan(on_columns(scene, columns, lambda x: np.round(x / step) * step), names("quantised"), size)


# -- rows ------------------------------------------------------------------------------------------------------------


def lengths_tell(scene: Scene) -> bool:
    """Tell whether raw rows are far from unit length: by a fifth in the middle, or varying by a twentieth."""
    norm = np.linalg.norm(scene.raw, axis=1)
    return bool(abs(np.log(np.median(norm) or 1e-300)) > 0.2 or norm.std() > 0.05)


@fault("l2_missing", ("l2",), judged=False)
def l2_missing(rng: Generator, scene: Scene) -> Plan | None:
    """Vectors that should have unit length come as they are."""
    return Plan(lambda rng, raw: raw, names("l2_missing")) if lengths_tell(scene) else None


@fault("l2_extra", ("raw",), judged=False)
def l2_extra(rng: Generator, scene: Scene) -> Plan | None:
    """Rows are normalised to unit length that were not in training."""
    return Plan(lambda rng, raw: Normalizer().transform(raw), names("l2_extra")) if lengths_tell(scene) else None


@fault("other_norm", ("l2",), judged=False)
def other_norm(rng: Generator, scene: Scene) -> Plan:
    """Vectors are normalised by their sum of magnitudes or their largest component."""
    norm = str(rng.choice(["l1", "max"]))
    return Plan(lambda rng, raw: Normalizer(norm=norm).transform(raw), names("other_norm"), norm)


@fault("mixed_norms", ("raw", "l2"), rows=16, judged=False)
def mixed_norms(rng: Generator, scene: Scene) -> Plan | None:
    """Three to seven rows in ten have unit length and the others do not."""
    if not lengths_tell(scene):
        return None
    share = rng.choice([0.3, 0.5, 0.7])

    def apply(rng: Generator, raw: np.ndarray) -> np.ndarray:
        some = rng.permutation(len(raw))[: round(share * len(raw))]
        X = raw.copy()
        X[some] = Normalizer().transform(raw[some])
        return X

    return Plan(apply, names("mixed_norms"), f"{share:.0%}", whole=True)


@fault("unknown", ("raw", "standard"), rows=16)
def garbled(rng: Generator, scene: Scene) -> Plan:
    """What has no name: half of a column's entries, in any rows, times factors from a fifth to five and any sign."""
    columns = some(rng, scene, scene.here.varies)

    def apply(rng: Generator, raw: np.ndarray) -> np.ndarray:
        X = scene.seen(raw).copy()
        size = (len(X), len(columns))
        wild = np.exp(rng.uniform(-np.log(5), np.log(5), size)) * rng.choice([-1, 1], size)
        X[:, columns] *= np.where(rng.uniform(size=size) < 0.5, wild, 1.0)
        return X

    return Plan(apply, names("unknown"))
