"""Changes that are *not* in the catalogue: the world's, another model's, another camera's; `unknown` is right.

Each kind makes training rows and a sampler of changed rows from a seed. `allowed` names say what was done, where
the catalogue has one (`other_model`, `rescaled`); every other name but `unknown` is wrong. The real data ships with
scikit-learn; real series are in series.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from guard.families import THEMES, Encoder, family, topics
from guard.faults import odd_factor

Batches = Callable[[Generator, int], np.ndarray]

TABLES = tuple(theme for theme in THEMES if theme != "vectors")
NUMBERS = ("correlated", "low-rank", "skewed", "heavy", "amounts", "mixture")


@dataclass(frozen=True)
class Change:
    """Training rows and what is served; `factors` where columns were multiplied."""

    train: np.ndarray
    serve: Batches
    factors: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """A kind of change, and the names that say it."""

    name: str
    allowed: tuple[str, ...]
    make: Callable[[Generator], Change]


KINDS: list[Kind] = []


def kind(name: str, *allowed: str):
    """Register what makes a change."""

    def register(make):
        KINDS.append(Kind(name, allowed, make))
        return make

    return register


def rows_of(pool: np.ndarray, change: Callable[[Generator, np.ndarray], np.ndarray] | None = None) -> Batches:
    """Return batches drawn from a pool without replacement, changed."""

    def serve(rng: Generator, n: int) -> np.ndarray:
        rows = pool[rng.choice(len(pool), min(n, len(pool)), replace=False)]
        return rows if change is None else change(rng, rows.copy())

    return serve


def drawn(rng: Generator, themes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return training rows and unseen ones of a random family."""
    return family(rng, str(rng.choice(themes))).part(rng)


def varying(train: np.ndarray, least: int = 12) -> np.ndarray:
    """Return the columns of at least so many values, none of which makes up half of the rows."""
    counts = [np.unique(column, return_counts=True)[1] for column in train.T]
    return np.array([j for j, c in enumerate(counts) if len(c) >= least and c.max() < len(train) / 2], dtype=int)


# -- vectors -----------------------------------------------------------------------------------------------------------


def models(rng: Generator) -> tuple[Batches, np.ndarray, Encoder, int]:
    """Return what texts are about, training vectors, the model, and how many meanings there are."""
    dimensions, meanings = int(rng.integers(48, 257)), int(rng.integers(24, 65))
    encoder, about = Encoder.draw(rng, meanings, dimensions), topics(rng, meanings)
    return about, encoder(rng, about(rng, int(rng.integers(1000, 2500)))), encoder, meanings


def unit(X: np.ndarray) -> np.ndarray:
    return X / np.linalg.norm(X, axis=1, keepdims=True)


@kind("another embedding model", "other_model")
def another_model(rng: Generator) -> Change:
    about, train, encoder, meanings = models(rng)
    other, length = Encoder.draw(rng, meanings, train.shape[1]), np.median(np.linalg.norm(train, axis=1))

    def serve(rng: Generator, n: int) -> np.ndarray:
        v = other(rng, about(rng, n))
        return v * length / np.median(np.linalg.norm(v, axis=1))

    return Change(train, serve)


@kind("another embedding model, unit length", "other_model")
def another_unit_model(rng: Generator) -> Change:
    about, train, encoder, meanings = models(rng)
    other = Encoder.draw(rng, meanings, train.shape[1])
    return Change(unit(train), lambda rng, n: unit(other(rng, about(rng, n))))


@kind("rotated space", "other_model")
def rotated_space(rng: Generator) -> Change:
    about, train, encoder, _ = models(rng)
    rotation = np.linalg.qr(rng.normal(size=(train.shape[1],) * 2))[0]
    norm = unit if rng.uniform() < 0.5 else np.asarray
    return Change(norm(train), lambda rng, n: norm(encoder(rng, about(rng, n)) @ rotation))


@kind("fine-tuned model", "other_model")
def fine_tuned(rng: Generator) -> Change:
    about, train, encoder, _ = models(rng)
    moved = encoder.mixing + 0.7 * encoder.mixing.std() * rng.normal(size=encoder.mixing.shape)
    other = Encoder(moved, encoder.common, encoder.bend, encoder.spread)
    return Change(unit(train), lambda rng, n: unit(other(rng, about(rng, n))))


@kind("top direction removed", "other_model")
def without_top(rng: Generator) -> Change:
    about, train, encoder, _ = models(rng)
    top = np.linalg.svd(train - train.mean(0), full_matrices=False)[2][:3]
    return Change(train, lambda rng, n: (v := encoder(rng, about(rng, n))) - v @ top.T @ top)


@kind("noise on vectors", "other_model")
def noisy_vectors(rng: Generator) -> Change:
    about, train, encoder, _ = models(rng)
    size = rng.uniform(0.8, 2) * train.std()

    def serve(rng: Generator, n: int) -> np.ndarray:
        v = unit(encoder(rng, about(rng, n)))
        return unit(v + size * rng.normal(size=v.shape) / np.sqrt((train**2).sum(1).mean()))

    return Change(unit(train), serve)


@kind("another corpus")
def another_corpus(rng: Generator) -> Change:
    about, train, encoder, meanings = models(rng)
    other = topics(rng, meanings)
    return Change(unit(train), lambda rng, n: unit(encoder(rng, other(rng, n))))


# -- images ------------------------------------------------------------------------------------------------------------


def images(rng: Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return training and unseen images, of 0 to 1: handwritten digits or patches of a photograph."""
    if rng.uniform() < 0.5:
        X = rng.permutation(datasets.load_digits().data) / 16
    else:
        X = patches(rng, datasets.load_sample_images().images[rng.integers(2)])
    cut = int(rng.integers(700, 1100))
    return X[:cut], X[cut:]


def patches(rng: Generator, photograph: np.ndarray, size: int = 8, n: int = 2500) -> np.ndarray:
    grey = photograph.mean(axis=2) / 255
    rows, columns = (rng.integers(0, top - size, n) for top in grey.shape)
    return np.array([grey[i : i + size, j : j + size].ravel() for i, j in zip(rows, columns, strict=True)])


@kind("gamma on pixels")
def gamma(rng: Generator) -> Change:
    train, pool = images(rng)
    power = rng.choice([1 / 2.2, 2.2, 1 / 1.8, 1.8])
    return Change(train, rows_of(pool, lambda rng, X: X**power))


@kind("inverted images")
def inverted(rng: Generator) -> Change:
    train, pool = images(rng)
    return Change(train, rows_of(pool, lambda rng, X: 1 - X))


@kind("blurred images")
def blurred(rng: Generator) -> Change:
    train, pool = images(rng)

    def blur(rng: Generator, X: np.ndarray) -> np.ndarray:
        grid = np.pad(X.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)), mode="edge")
        near = [grid[:, i : i + 8, j : j + 8] for i in range(3) for j in range(3)]
        return np.mean(near, axis=0).reshape(len(X), -1)

    return Change(train, rows_of(pool, blur))


@kind("contrast stretched in each image")
def stretched(rng: Generator) -> Change:
    train, pool = images(rng)

    def stretch(rng: Generator, X: np.ndarray) -> np.ndarray:
        low, high = X.min(axis=1, keepdims=True), X.max(axis=1, keepdims=True)
        return 0.5 + 0.35 * (X - low) / np.maximum(high - low, 1e-3)

    return Change(train, rows_of(pool, stretch))


@kind("noisy images")
def noisy_images(rng: Generator) -> Change:
    train, pool = images(rng)
    return Change(train, rows_of(pool, lambda rng, X: np.clip(X + 0.25 * rng.normal(size=X.shape), 0, 1)))


@kind("another photograph")
def another_photograph(rng: Generator) -> Change:
    both = datasets.load_sample_images().images
    first = int(rng.integers(2))
    return Change(patches(rng, both[first])[:1000], rows_of(patches(rng, both[1 - first])))


# -- scale -------------------------------------------------------------------------------------------------------------


@kind("factor of no unit, one column", "rescaled")
def one_factor(rng: Generator) -> Change:
    train, pool = drawn(rng, NUMBERS)
    return multiplied(rng, train, pool, rng.choice(varying(train), 1))


@kind("factor of no unit, three columns", "rescaled")
def three_factors(rng: Generator) -> Change:
    train, pool = drawn(rng, NUMBERS)
    columns = varying(train)
    return multiplied(rng, train, pool, rng.choice(columns, min(3, len(columns)), replace=False))


def multiplied(rng: Generator, train: np.ndarray, pool: np.ndarray, columns: np.ndarray) -> Change:
    factors = np.array([odd_factor(rng)] * len(columns))

    def change(rng: Generator, X: np.ndarray) -> np.ndarray:
        X[:, columns] *= factors
        return X

    return Change(train, rows_of(pool, change), {int(j): float(f) for j, f in zip(columns, factors, strict=True)})


@kind("power of a column")
def power(rng: Generator) -> Change:
    train, pool = drawn(rng, ("skewed", "heavy", "correlated"))
    columns = rng.choice(varying(train), 3, replace=False)
    middle, exponent = np.median(np.abs(train[:, columns]), axis=0), rng.choice([0.4, 0.5, 1.8, 2.5])

    def change(rng: Generator, X: np.ndarray) -> np.ndarray:
        x = X[:, columns] / middle
        X[:, columns] = np.sign(x) * np.abs(x) ** exponent * middle
        return X

    return Change(train, rows_of(pool, change))


@kind("ranks in place of values", "other_scaler")
def ranked(rng: Generator) -> Change:
    train, pool = drawn(rng, NUMBERS)
    known = np.sort(train, axis=0)

    def change(rng: Generator, X: np.ndarray) -> np.ndarray:
        return np.column_stack([np.searchsorted(known[:, j], X[:, j]) / len(known) for j in range(X.shape[1])])

    return Change(train, rows_of(pool, change))


# -- populations -------------------------------------------------------------------------------------------------------


@kind("subgroup drifted")
def subgroup(rng: Generator) -> Change:
    """The upper third along a direction moves by 1.5 to 3 deviations in some columns; the other rows stay."""
    train, pool = drawn(rng, NUMBERS)
    columns = rng.choice(varying(train), max(1, len(varying(train)) // 3), replace=False)
    middle, spread = train.mean(0), train.std(0) + 1e-12
    axis, up = rng.normal(size=train.shape[1]), rng.uniform(1.5, 3, len(columns)) * rng.choice([-1, 1], len(columns))

    def change(rng: Generator, X: np.ndarray) -> np.ndarray:
        z = ((X - middle) / spread) @ axis
        X[np.ix_(z > np.quantile(z, 0.67), columns)] += up * spread[columns]
        return X

    return Change(train, rows_of(pool, change))


def leaning(pool: np.ndarray, z: np.ndarray, strength: float) -> Batches:
    """Return batches in which rows of large z are more frequent, exponentially."""

    def serve(rng: Generator, n: int) -> np.ndarray:
        return pool[np.argsort(-(strength * z + rng.gumbel(size=len(z))))[:n]]

    return serve


@kind("population resampled")
def resampled(rng: Generator) -> Change:
    train, pool = drawn(rng, TABLES)
    z = ((pool - train.mean(0)) / (train.std(0) + 1e-12)) @ rng.normal(size=train.shape[1])
    return Change(train, leaning(pool, np.clip((z - z.mean()) / z.std(), -3, 3), rng.uniform(1.2, 2.5)))


@kind("population truncated")
def truncated(rng: Generator) -> Change:
    train, pool = drawn(rng, NUMBERS)
    j, above = rng.choice(varying(train)), rng.uniform() < 0.5
    at = np.quantile(train[:, j], rng.uniform(0.4, 0.7) if above else rng.uniform(0.3, 0.6))
    return Change(train, rows_of(pool[pool[:, j] > at] if above else pool[pool[:, j] < at]))


@kind("two populations")
def two_populations(rng: Generator) -> Change:
    """Two rows in five are of another population in the same columns: other means, other spreads, other dependence."""
    train, pool = drawn(rng, ("correlated", "low-rank", "skewed"))
    spread = train.std(0)
    away, wide = rng.normal(scale=1.5, size=train.shape[1]) * spread, np.exp(rng.normal(scale=0.4, size=train.shape[1]))
    middle = np.median(train, axis=0)

    def change(rng: Generator, X: np.ndarray) -> np.ndarray:
        other = rng.uniform(size=len(X)) < 0.4
        shuffled = rng.permuted(X[other], axis=0)
        X[other] = middle + away + (shuffled - middle) * wide
        return X

    return Change(train, rows_of(pool, change))


@kind("tempered distributions")
def tempered(rng: Generator) -> Change:
    """Heavier or lighter tails in every column of numbers, medians and quartiles unchanged."""
    train, pool = drawn(rng, ("correlated", "low-rank", "skewed", "heavy"))
    middle = np.median(train, axis=0)
    half = np.subtract(*np.quantile(train, [0.75, 0.25], axis=0)) / 2 + 1e-12
    exponent = rng.choice([0.5, 1.8, 2.2])

    def change(rng: Generator, X: np.ndarray) -> np.ndarray:
        z = (X - middle) / half
        return middle + half * np.sign(z) * np.abs(z) ** exponent

    return Change(train, rows_of(pool, change))


@kind("another family")
def another_family(rng: Generator) -> Change:
    """The columns of another table of the same width, centred and scaled to the training means and deviations."""
    train, _ = drawn(rng, TABLES)
    other, pool = drawn(rng, NUMBERS)
    take = rng.integers(other.shape[1], size=train.shape[1])
    at, wide = other.mean(0)[take], other.std(0)[take] + 1e-12
    m, s = train.mean(0), train.std(0)
    return Change(train, rows_of(pool, lambda rng, X: m + s * (X[:, take] - at) / wide))


@kind("category frequencies anew")
def categories_anew(rng: Generator) -> Change:
    width = int(rng.integers(5, 40))
    before, after = rng.dirichlet(np.full(width, 1.0)), rng.dirichlet(np.full(width, 1.0))
    other = rng.normal(size=4)

    def draw(rng: Generator, n: int, share: np.ndarray) -> np.ndarray:
        return np.hstack([np.eye(width)[rng.choice(width, n, p=share)], other + rng.normal(size=(n, 4))])

    return Change(draw(rng, 2000, before), lambda rng, n: draw(rng, n, after))


@kind("counts thinned")
def thinned(rng: Generator) -> Change:
    train, pool = drawn(rng, ("counts",))
    keep = rng.uniform(0.3, 0.6)
    return Change(train, rows_of(pool, lambda rng, X: rng.binomial(X.astype(int), keep).astype(float)))


@kind("season")
def season(rng: Generator) -> Change:
    """Training saw the whole cycle, the batch sees an eighth of it."""
    columns = int(rng.integers(4, 12))
    phase, swing, noise = rng.uniform(0, 2 * np.pi, columns), rng.uniform(0.5, 3, columns), rng.uniform(0.3, 1, columns)
    location, scale, start = rng.normal(size=columns) * 20, 10.0 ** rng.uniform(-1, 2, columns), rng.uniform(0, 6.28)

    def draw(rng: Generator, n: int, share: float) -> np.ndarray:
        t = start + rng.uniform(0, 2 * np.pi * share, size=(n, 1))
        return location + scale * (swing * np.sin(t + phase) + noise * rng.normal(size=(n, columns)))

    return Change(draw(rng, 1500, 1.0), lambda rng, n: draw(rng, n, 0.125))


# -- mistakes that have no name ----------------------------------------------------------------------------------------


@kind("noise on columns")
def noisy_columns(rng: Generator) -> Change:
    train, pool = drawn(rng, NUMBERS)
    columns = rng.choice(varying(train), max(1, len(varying(train)) // 2), replace=False)
    size = rng.uniform(1.0, 2.5) * train[:, columns].std(0)

    def change(rng: Generator, X: np.ndarray) -> np.ndarray:
        X[:, columns] += size * rng.normal(size=(len(X), len(columns)))
        return X

    return Change(train, rows_of(pool, change))


@kind("entries garbled")
def garbled(rng: Generator) -> Change:
    """Half of some columns' entries, in any rows, times factors from a fifth to five and any sign."""
    train, pool = drawn(rng, NUMBERS)
    columns = rng.choice(varying(train), max(1, len(varying(train)) // 3), replace=False)

    def change(rng: Generator, X: np.ndarray) -> np.ndarray:
        size = (len(X), len(columns))
        wild = np.exp(rng.uniform(-np.log(5), np.log(5), size)) * rng.choice([-1, 1], size)
        X[:, columns] *= np.where(rng.uniform(size=size) < 0.5, wild, 1.0)
        return X

    return Change(train, rows_of(pool, change))


@kind("columns mixed")
def mixed(rng: Generator) -> Change:
    """Each of some columns becomes a weighted mean of itself and others, in deviations."""
    train, pool = drawn(rng, ("correlated", "skewed", "heavy"))
    d, m, s = train.shape[1], train.mean(0), train.std(0)
    matrix = np.eye(d) + (rng.uniform(size=(d, d)) < 2 / d) * rng.normal(size=(d, d))
    return Change(train, rows_of(pool, lambda rng, X: m + s * (((X - m) / s) @ matrix)))


@kind("rows of columns shuffled")
def shuffled(rng: Generator) -> Change:
    """A join by the wrong key: some columns come from other rows."""
    train, pool = drawn(rng, ("low-rank", "correlated"))
    columns = rng.choice(train.shape[1], max(2, train.shape[1] // 2), replace=False)

    def change(rng: Generator, X: np.ndarray) -> np.ndarray:
        X[:, columns] = rng.permuted(X[:, columns], axis=0)
        return X

    return Change(train, rows_of(pool, change))


@kind("means of five rows")
def aggregated(rng: Generator) -> Change:
    train, pool = drawn(rng, NUMBERS)
    return Change(train, lambda rng, n: pool[rng.integers(len(pool), size=(n, 5))].mean(axis=1))


@kind("differences in place of levels")
def differences(rng: Generator) -> Change:
    train, pool = drawn(rng, NUMBERS)
    return Change(train, lambda rng, n: np.diff(pool[rng.choice(len(pool), n + 1)], axis=0))


@kind("running totals")
def totals(rng: Generator) -> Change:
    train, pool = drawn(rng, ("counts", "amounts", "skewed"))
    return Change(train, lambda rng, n: np.cumsum(pool[rng.choice(len(pool), n)], axis=0))


@kind("each row with a gain of its own")
def gains(rng: Generator) -> Change:
    train, pool = drawn(rng, ("skewed", "counts", "heavy", "correlated"))
    size = rng.uniform(0.6, 1.2)
    return Change(train, rows_of(pool, lambda rng, X: X * np.exp(size * rng.normal(size=(len(X), 1)))))


# -- real data: a class that training had none of ----------------------------------------------------------------------

REAL = (datasets.load_breast_cancer, datasets.load_wine, datasets.load_digits, datasets.load_iris)


@kind("another class of real rows")
def another_class(rng: Generator) -> Change:
    data = REAL[rng.integers(len(REAL))]()
    classes = rng.permutation(np.unique(data.target))
    new = classes[: max(1, len(classes) // 3)]
    X = data.data.astype(float)
    return Change(X[~np.isin(data.target, new)], rows_of(X[np.isin(data.target, new)]))


@kind("another class, behind a scaler")
def another_class_scaled(rng: Generator) -> Change:
    change = another_class(rng)
    scaler = StandardScaler().fit(change.train)
    return Change(scaler.transform(change.train), lambda rng, n: scaler.transform(change.serve(rng, n)))
