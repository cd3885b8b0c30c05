"""The faults of the catalogue, injected by code that knows nothing of the detector.

A fault is planned on a scene (which columns, which factor: fixed), then applied to raw unseen rows, and yields what the
guard sees. It happens where the guard stands: a column fault on the scaled side is one in scaled values.

A plan is kept only if it matters. Where its size can be judged on distributions, a row must tell at least as much as a
row shifted by one standard deviation does (0.5 nat, `Scene.evidence`). Where repeated values tell (imputed, clipped,
stuck, quantised, rows repeated), the share and the step are stated with the fault.

The names that count besides a fault's own are in one table, `EQUIVALENT`, each with its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler

from guard.scenes import ENOUGH, Scene

EQUIVALENT: dict[str, tuple[tuple[str, str], ...]] = {
    "double_normalised": (
        ("other_scaler", "the profile doesn't hold which scaler follows: with another one these are its numbers"),
        ("standardised_after", "training data standardised once, seen where nothing was scaled"),
        ("refit", "behind a scaler: (z - m)/s of (x - m)/s is the output of one scaler with other parameters"),
    ),
    "not_normalised": (("scaler_omitted", "the same fault under its other name"),),
    "standardised_after": (("double_normalised", "the next scaler will standardise these numbers once more"),),
    "other_scaler": (
        ("double_normalised", "a scaler fitted on the same rows, applied after the right one, gives these numbers"),
        ("rescaled", "on centred data a division by the maximum is one factor for each column"),
    ),
    "unit_changed": (("rescaled", "the same fault without a unit's name; its interval must hold the factor"),),
    "rescaled": (("unit_changed", "only if the told factor is right: the name of a unit is then no claim"),),
    "recoded": (
        ("shifted", "codes that all moved by one are a shift by one"),
        ("sign_flipped", "codes 1 and -1 that changed places are negated"),
    ),
}
"""Names that count as right besides a fault's own, and why the numbers are the same.

`double_normalised` and `not_normalised` are the same numbers behind a scaler, too (each is a slope and an offset for
each column). Their remedies are opposites, so either counts for the other only if the diagnosis tells both (`also`).
"""

OPPOSITES = {"double_normalised": "not_normalised", "not_normalised": "double_normalised"}


@dataclass(frozen=True)
class Plan:
    """One fault on one scene: `apply(rng, raw rows)` is what the guard sees.

    `columns` are those it touches (None: the whole table), `factors` what they are multiplied by, `more` names that
    count on this very data, `severity` is for the tables.
    """

    apply: Callable[[Generator, np.ndarray], np.ndarray]
    severity: str = ""
    columns: tuple[int, ...] | None = None
    factors: dict[int, float] = field(default_factory=dict)
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """A kind of fault: where it can happen, how few rows can show it, whether its size is judged on distributions."""

    name: str
    sides: tuple[str, ...]
    rows: int
    judged: bool
    make: Callable[[Generator, Scene], Plan | None]

    def plan(self, rng: Generator, scene: Scene, tries: int = 4) -> Plan | None:
        """Return a plan that matters on this scene, None if there is none."""
        for _ in range(tries):
            plan = self.make(rng, scene)
            if plan is None:
                continue
            if not self.judged or scene.evidence(plan.apply(rng, scene.reference)) >= ENOUGH:
                return plan
        return None


FAULTS: list[Fault] = []


def fault(name: str, sides: tuple[str, ...], rows: int = 1, judged: bool = True):
    """Register what makes a plan."""

    def register(make):
        FAULTS.append(Fault(name, sides, rows, judged, make))
        return make

    return register


def some(rng: Generator, scene: Scene, among: np.ndarray, every: bool = True) -> np.ndarray | None:
    """Return one column, a quarter or all of those in `among` (vectors: a sixteenth, a quarter, all)."""
    if not len(among):
        return None
    d = len(among)
    sizes = [max(1, d // 16) if scene.wide else 1, max(1, d // 4)] + ([d] if every else [])
    return rng.choice(among, rng.choice(sizes), replace=False)


def on_columns(scene: Scene, columns: np.ndarray, change: Callable[[np.ndarray], np.ndarray]):
    """Return an `apply` that changes some columns of what the guard sees."""

    def apply(rng: Generator, raw: np.ndarray) -> np.ndarray:
        X = scene.seen(raw).copy()
        X[:, columns] = change(X[:, columns])
        return X

    return apply


def touched(columns) -> tuple[int, ...]:
    return tuple(int(j) for j in columns)


EVERYWHERE = ("raw", "standard", "log", "l2")
COLUMNWISE = ("raw", "standard", "log")


# -- scalers -----------------------------------------------------------------------------------------------------------


@fault("double_normalised", ("raw",))
def already_scaled(rng: Generator, scene: Scene) -> Plan:
    """Scale values before they arrive; the pipeline will scale them again."""
    kind = rng.choice([StandardScaler, StandardScaler, MinMaxScaler, RobustScaler])
    scaler = kind().fit(scene.raw)
    return Plan(lambda rng, raw: scaler.transform(raw), kind.__name__)


@fault("double_normalised", ("standard",))
def scaled_twice(rng: Generator, scene: Scene) -> Plan:
    """The fitted scaler was applied to its own output."""
    return Plan(lambda rng, raw: scene.transformer.transform(scene.seen(raw)))


@fault("not_normalised", ("standard",))
def not_scaled(rng: Generator, scene: Scene) -> Plan:
    """The scaler was left out. Where raw units are close to scaled ones, a refitted scaler yields the same."""
    factor, offset = scene.transformer.scale_, scene.transformer.mean_
    mild = bool(np.all((np.abs(np.log(factor)) < np.log(4)) & (np.abs(offset) < 4)))
    return Plan(lambda rng, raw: raw, more=("refit", "other_scaler") if mild else ())


@fault("batch_standardised", EVERYWHERE, rows=2, judged=False)
def standardised_per_request(rng: Generator, scene: Scene) -> Plan:
    """A StandardScaler was fitted on each request."""
    return Plan(lambda rng, raw: StandardScaler().fit_transform(scene.seen(raw)))


@fault("standardised_after", ("log", "l2"))
def standardised_afterwards(rng: Generator, scene: Scene) -> Plan:
    """A StandardScaler, fitted on the output in training, was applied after the transformer that belongs there."""
    after = StandardScaler().fit(scene.train)
    return Plan(lambda rng, raw: after.transform(scene.seen(raw)))


@fault("refit", ("standard",))
def refit(rng: Generator, scene: Scene) -> Plan:
    """The scaler was refitted on another population: means one to three deviations away, spreads halved to doubled."""
    d = scene.raw.shape[1]
    away = rng.uniform(1, 3, d) * rng.choice([-1, 1], d) * scene.before.deviation
    middle = scene.raw.mean(0)
    population = middle + away + (scene.raw - middle) * np.exp(rng.uniform(-np.log(2), np.log(2), d))
    scaler = StandardScaler().fit(population)
    return Plan(lambda rng, raw: scaler.transform(raw))


@fault("other_scaler", ("standard",))
def other_scaler(rng: Generator, scene: Scene) -> Plan:
    """A scaler of another class, fitted on the same training rows, stands in the place of the right one."""
    kind = rng.choice([MinMaxScaler, RobustScaler, MaxAbsScaler])
    scaler = kind().fit(scene.raw)
    return Plan(lambda rng, raw: scaler.transform(raw), kind.__name__)


# -- order -------------------------------------------------------------------------------------------------------------


@fault("columns_swapped", EVERYWHERE)
def swapped(rng: Generator, scene: Scene) -> Plan | None:
    """Two columns in each other's place."""
    if len(scene.here.varies) < 2:
        return None
    i, j = rng.choice(scene.here.varies, 2, replace=False)
    order = np.arange(scene.raw.shape[1])
    order[[i, j]] = j, i
    return Plan(lambda rng, raw: scene.seen(raw)[:, order], columns=touched([i, j]))


@fault("columns_reordered", EVERYWHERE)
def reordered(rng: Generator, scene: Scene) -> Plan | None:
    """Columns reversed, rotated by a few places, one moved elsewhere, or in any order."""
    d = scene.raw.shape[1]
    kind = str(rng.choice(["reversed", "rotated", "one moved", "any order"]))
    order = np.arange(d)
    if kind == "reversed":
        order = order[::-1]
    elif kind == "rotated":
        order = np.roll(order, rng.integers(1, min(d, 6)))
    elif kind == "one moved":
        start, end = rng.choice(d, 2, replace=False)
        order = np.insert(np.delete(order, start), end, start)
    else:
        order = rng.permutation(d)
    moved = np.flatnonzero(order != np.arange(d))
    if len(moved) < 3:
        return None
    return Plan(lambda rng, raw: scene.seen(raw)[:, order], kind, touched(moved))


# -- scale -------------------------------------------------------------------------------------------------------------

UNITS = {
    **{f"x{f:g}": (f, 0.0) for f in (1e3, 1e-3, 1e2, 1e-2, 1e6, 60.0, 3600.0, 1 / 60, 24.0, 12.0)},
    **{"inch to cm": (2.54, 0.0), "cm to inch": (1 / 2.54, 0.0), "lb to kg": (0.45359237, 0.0)},
    **{"kg to lb": (1 / 0.45359237, 0.0), "foot to m": (0.3048, 0.0), "m to foot": (1 / 0.3048, 0.0)},
    **{"mile to km": (1.609344, 0.0), "kcal to kJ": (4.184, 0.0), "gallon to l": (3.785411784, 0.0)},
    **{"C to F": (1.8, 32.0), "F to C": (5 / 9, -160 / 9)},
}

KNOWN = (10, 100, 1000, 1e6, 12, 24, 60, 3600, 86400, 2.54, 25.4, 0.3048, 1.609344, 3.6, 0.45359237, 453.59237)
KNOWN += (28.349523125, 3.785411784, 4.184, 6.894757293168, 1.8, 7, 0.9144, 1.852, 57.29578, 2.302585, 1024, 255, 127)


def odd_factor(rng: Generator) -> float:
    """Return a factor of 1.4 to 60, or its inverse, that is 8 % and more away from each known one."""
    while True:
        factor = float(np.exp(rng.uniform(np.log(1.4), np.log(60)) * rng.choice([-1, 1])))
        if all(abs(abs(np.log(factor)) - abs(np.log(known))) > 0.08 for known in KNOWN):
            return factor


@fault("unit_changed", ("raw",))
def unit_changed(rng: Generator, scene: Scene) -> Plan:
    """A column (or a quarter of them) in another unit; vectors: all components times 100, 127, 255 or divided."""
    if scene.wide:
        f = float(rng.choice([100, 127, 255])) ** rng.choice([-1, 1])
        return Plan(lambda rng, raw: raw * f, f"x{f:.3g}", factors=dict.fromkeys(range(scene.raw.shape[1]), f))
    kind = str(rng.choice(list(UNITS)))
    factor, offset = UNITS[kind]
    columns = some(rng, scene, scene.here.varies, every=False)
    factors = dict.fromkeys(touched(columns), factor)
    return Plan(on_columns(scene, columns, lambda x: factor * x + offset), kind, touched(columns), factors)


@fault("rescaled", ("raw",))
def rescaled(rng: Generator, scene: Scene) -> Plan | None:
    """A column, or a quarter of them, times a factor of no known unit."""
    if scene.wide:
        return None
    columns, factor = some(rng, scene, scene.here.varies, every=False), odd_factor(rng)
    factors = dict.fromkeys(touched(columns), factor)
    return Plan(on_columns(scene, columns, lambda x: factor * x), f"x{factor:.3g}", touched(columns), factors)


@fault("mixed_units", ("raw",), rows=16)
def mixed_units(rng: Generator, scene: Scene) -> Plan | None:
    """Three to six rows in ten have one column, or a quarter of them, in another unit."""
    if scene.wide:
        return None
    kind = str(rng.choice([name for name, (_, offset) in UNITS.items() if not offset]))
    columns, share = some(rng, scene, scene.here.varies, every=False), rng.choice([0.3, 0.45, 0.6])

    def apply(rng: Generator, raw: np.ndarray) -> np.ndarray:
        X = scene.seen(raw).copy()
        rows = rng.permutation(len(X))[: round(share * len(X))]
        X[np.ix_(rows, columns)] *= UNITS[kind][0]
        return X

    return Plan(apply, f"{kind}, {share:.0%}", touched(columns))


@fault("shifted", COLUMNWISE)
def shifted(rng: Generator, scene: Scene) -> Plan:
    """Columns up or down by 1 to 5 deviations, to the next step of the grid that they are read on."""
    columns = some(rng, scene, scene.here.varies)
    size = rng.choice([1.0, 1.5, 2.0, 3.0, 5.0])
    up, grid = size * scene.here.deviation[columns], scene.here.grid[columns]
    up = np.where(grid > 0, np.ceil(up / np.where(grid > 0, grid, 1) - 1e-9) * grid, up)
    up = up * rng.choice([-1, 1], len(columns))
    return Plan(on_columns(scene, columns, lambda x: x + up), f"{size:g} sd", touched(columns))


@fault("sign_flipped", EVERYWHERE)
def sign_flipped(rng: Generator, scene: Scene) -> Plan:
    """Columns times -1."""
    columns = some(rng, scene, scene.here.varies)
    return Plan(on_columns(scene, columns, np.negative), columns=touched(columns))


@fault("log_extra", ("raw", "log"))
def log_extra(rng: Generator, scene: Scene) -> Plan | None:
    """A logarithm (log, log10 or log1p) that training had not, or once more; of columns that span a factor of two."""
    if scene.wide:
        return None
    kind = str(rng.choice(["log", "log1p", "log10"] if scene.side == "raw" else ["log1p"]))
    low, high = np.quantile(scene.train, [0.05, 0.95], axis=0)
    least = np.minimum(scene.train.min(0), scene.seen(scene.pool).min(0))
    fits = (least >= 0) if kind == "log1p" else (least > 0)
    columns = some(rng, scene, np.flatnonzero(fits & (high >= 2 * low) & (high > 0)))
    if columns is None:
        return None
    return Plan(on_columns(scene, columns, getattr(np, kind)), kind, touched(columns))


@fault("log_missing", ("log",))
def log_missing(rng: Generator, scene: Scene) -> Plan | None:
    """A logarithm (log1p) that training had is left out, of one, some or all of its columns."""
    logged = np.flatnonzero(np.all(scene.raw >= 0, axis=0))
    columns = some(rng, scene, np.intersect1d(logged, scene.here.varies))
    return None if columns is None else Plan(on_columns(scene, columns, np.expm1), columns=touched(columns))


# -- values ------------------------------------------------------------------------------------------------------------


@fault("imputed", COLUMNWISE, rows=16, judged=False)
def imputed(rng: Generator, scene: Scene) -> Plan | None:
    """Two fifths to four fifths of a column's entries filled with 0, -1, -999, the training mean or the median.

    Columns in which that value is rarer than one in twenty and no value makes up half.
    """
    columns = some(rng, scene, scene.here.varies[scene.here.atom[scene.here.varies] < 0.5])
    if columns is None:
        return None
    kind = str(rng.choice(["0", "-1", "-999", "mean", "median"]))
    by = {"mean": np.mean, "median": np.median}.get(kind)
    value = by(scene.train[:, columns], axis=0) if by else np.full(len(columns), float(kind))
    if np.any(np.mean(scene.train[:, columns] == value, axis=0) > 0.05):
        return None
    share = rng.choice([0.4, 0.6, 0.8])

    def apply(rng: Generator, raw: np.ndarray) -> np.ndarray:
        X = scene.seen(raw).copy()
        lost = rng.permuted(np.arange(len(X))[:, None] + np.zeros(len(columns)), axis=0) < round(share * len(X))
        X[:, columns] = np.where(lost, value, X[:, columns])
        return X

    return Plan(apply, f"{kind}, {share:.0%}", touched(columns))


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
    return Plan(on_columns(scene, columns, lambda x: np.clip(x, low, high)), kind, touched(columns))


@fault("stuck", COLUMNWISE, rows=16, judged=False)
def stuck(rng: Generator, scene: Scene) -> Plan | None:
    """A column, or a quarter of them, repeats the value of the batch's first row; no value makes up half of it."""
    columns = some(rng, scene, scene.here.varies[scene.here.atom[scene.here.varies] < 0.5], every=False)
    return None if columns is None else Plan(on_columns(scene, columns, lambda x: x[:1]), columns=touched(columns))


@fault("quantised", EVERYWHERE, rows=16, judged=False)
def quantised(rng: Generator, scene: Scene) -> Plan | None:
    """Columns rounded to about a half, one or two deviations (1, 2 or 5 times a power of ten); vectors also to int8."""
    d = scene.here.deviation
    columns = some(rng, scene, fine(scene))
    if columns is None:
        return None
    share = float(rng.choice([0.5, 1.0, 2.0]))
    size = f"{share} sd"
    if scene.wide and rng.uniform() < 0.5:
        step, size, columns = np.full(len(d), np.abs(scene.train).max() / 127), "int8", np.arange(len(d))
    else:
        round_steps = np.outer(10.0 ** np.arange(-9, 9), [1, 2, 5]).ravel()
        step = round_steps[np.argmin(np.abs(np.log(round_steps[:, None] / (share * d[columns]))), axis=0)]
    values = np.array([len(np.unique(v)) for v in np.round(scene.train[:, columns] / step).T])
    if np.any(values < 3) or np.any(values > 60) or np.any(step < 8 * scene.here.grid[columns]):
        return None
    return Plan(on_columns(scene, columns, lambda x: np.round(x / step) * step), size, touched(columns))


def codes(scene: Scene) -> np.ndarray:
    """Return the columns that hold two to twelve whole numbers without gaps."""
    few = np.flatnonzero((scene.here.distinct >= 2) & (scene.here.distinct <= 12) & (scene.here.grid == 1))
    spans = np.ptp(scene.train[:, few], axis=0) + 1
    return few[spans == scene.here.distinct[few]]


@fault("recoded", ("raw",))
def recoded(rng: Generator, scene: Scene) -> Plan | None:
    """The codes of a column start at another number, or stand for other categories."""
    columns = codes(scene)
    if not len(columns):
        return None
    column = rng.choice(columns)
    low, high = scene.train[:, column].min(), scene.train[:, column].max()
    size = int(high - low + 1)
    if rng.uniform() < 0.5:
        up = rng.choice([-1, 1])
        return Plan(on_columns(scene, [column], lambda x: x + up), "moved by one", touched([column]))
    other = rng.permutation(size)

    def change(x: np.ndarray) -> np.ndarray:
        return low + other[np.clip(x - low, 0, size - 1).astype(int)]

    return Plan(on_columns(scene, [column], change), "permuted", touched([column]))


@fault("wrapped", ("raw",))
def wrapped(rng: Generator, scene: Scene) -> Plan | None:
    """Whole numbers overflow an integer type: one row in twenty to nineteen in twenty are beyond its bound."""
    whole = np.flatnonzero((scene.here.grid == 1) & (scene.here.distinct >= 12))
    choices = []
    for bits, signed in ((8, True), (8, False), (16, True), (16, False)):
        low, span = (-(2 ** (bits - 1)) if signed else 0), 2**bits
        beyond = np.mean((scene.train < low) | (scene.train >= low + span), axis=0)
        choices += [(int(j), low, span) for j in whole if 0.05 <= beyond[j] <= 0.95]
    if not choices:
        return None
    column, low, span = choices[rng.integers(len(choices))]
    change = on_columns(scene, [column], lambda x: (x - low) % span + low)
    return Plan(change, f"{'u' * (low == 0)}int{int(np.log2(span))}", touched([column]))


# -- rows --------------------------------------------------------------------------------------------------------------


@fault("rows_repeated", ("raw", "standard"), rows=16, judged=False)
def rows_repeated(rng: Generator, scene: Scene) -> Plan | None:
    """A join repeats each row two, three or five times; tables whose rows are nearly all different."""
    if len(np.unique(scene.train, axis=0)) < 0.98 * len(scene.train):
        return None
    times = int(rng.choice([2, 3, 5]))

    def apply(rng: Generator, raw: np.ndarray) -> np.ndarray:
        rows = np.repeat(np.arange(-(-len(raw) // times)), times)[: len(raw)]
        return scene.seen(raw)[rows if rng.uniform() < 0.5 else rng.permutation(rows)]

    return Plan(apply, f"x{times}")


# -- vectors -----------------------------------------------------------------------------------------------------------


def lengths_tell(scene: Scene) -> bool:
    """Tell whether raw rows are far from unit length: by a fifth in the middle, or varying by a twentieth."""
    norm = np.linalg.norm(scene.raw, axis=1)
    return bool(abs(np.log(np.median(norm) or 1e-300)) > 0.2 or norm.std() > 0.05)


@fault("l2_missing", ("l2",), judged=False)
def l2_missing(rng: Generator, scene: Scene) -> Plan | None:
    """Vectors that should have unit length come as they are."""
    return Plan(lambda rng, raw: raw) if lengths_tell(scene) else None


@fault("l2_extra", ("raw",), judged=False)
def l2_extra(rng: Generator, scene: Scene) -> Plan | None:
    """Rows are normalised to unit length that were not in training."""
    return Plan(lambda rng, raw: Normalizer().transform(raw)) if lengths_tell(scene) else None


@fault("other_norm", ("l2",), judged=False)
def other_norm(rng: Generator, scene: Scene) -> Plan:
    """Vectors are normalised by their sum of magnitudes or their largest component."""
    norm = str(rng.choice(["l1", "max"]))
    return Plan(lambda rng, raw: Normalizer(norm=norm).transform(raw), norm)


@fault("mixed_norms", ("raw", "l2"), rows=16, judged=False)
def mixed_norms(rng: Generator, scene: Scene) -> Plan | None:
    """Three to seven rows in ten have unit length and the others do not."""
    if not lengths_tell(scene):
        return None
    share = rng.choice([0.3, 0.5, 0.7])

    def apply(rng: Generator, raw: np.ndarray) -> np.ndarray:
        X = raw.copy()
        rows = rng.permutation(len(raw))[: round(share * len(raw))]
        X[rows] = Normalizer().transform(raw[rows])
        return X

    return Plan(apply, f"{share:.0%}")
