"""Families of tables, generated from a seed: a seed that nobody used before is an evaluation that nobody tuned on.

A family is a random structure (how many columns, which shapes, which units, which dependence) from which training rows
and any number of unseen rows are drawn. Each theme draws its structure from one kind of table; `mixture` from all.

One mechanism makes the tables: correlated latent scores (a few factors, groups of rows, one bent direction) and a
quantile function for each column. The detector is told nothing of it. Vectors and images have constructions of their
own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy import stats
from scipy.special import ndtr

Sampler = Callable[[Generator, int], np.ndarray]
Quantiles = Callable[[np.ndarray], np.ndarray]

POOL = 6000
"""Unseen rows of a part; a batch is at most a sixth of them."""


@dataclass(frozen=True)
class Family:
    """A random structure. `names` says which quantile function made each column."""

    theme: str
    sampler: Sampler
    columns: int
    train_rows: int
    wide: bool = False

    def part(self, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return training rows and a disjoint pool of unseen ones."""
        rows = self.sampler(rng, self.train_rows + (POOL // 2 if self.wide else POOL))
        return rows[: self.train_rows], rows[self.train_rows :]


# -- columns: each returns the quantile function of one random distribution --------------------------------------------


def unit(rng: Generator) -> tuple[float, float]:
    """Return a location and a scale as raw tables have them: any magnitude, mostly positive, mostly off zero."""
    scale = 10.0 ** rng.uniform(-2, 3)
    return float(scale * rng.uniform(0.5, 8.0) * rng.choice([1, -1], p=[0.9, 0.1])), float(scale)


def rounded(rng: Generator, quantiles: Quantiles, scale: float) -> Quantiles:
    """Return values written with some digits, as half of the columns of a table are."""
    if rng.uniform() < 0.5:
        return quantiles
    decimals = int(np.ceil(2 - np.log10(scale)))
    return lambda u: np.round(quantiles(u), decimals)


def symmetric(rng: Generator) -> Quantiles:
    location, scale = unit(rng)
    shape = stats.norm if rng.uniform() < 0.5 else stats.logistic
    if rng.uniform() < 0.2:
        shape = stats.uniform
    return rounded(rng, lambda u: location + scale * shape.ppf(u), scale)


def skewed(rng: Generator) -> Quantiles:
    _, scale = unit(rng)
    kind = rng.integers(4)
    if kind == 0:
        shape = stats.gamma(rng.uniform(0.8, 5))
    elif kind == 1:
        shape = stats.lognorm(rng.uniform(0.3, 1.1))
    elif kind == 2:
        shape = stats.weibull_min(rng.uniform(0.8, 1.8))
    else:
        shape = stats.beta(rng.uniform(0.8, 2.5), rng.uniform(3, 9))
    return rounded(rng, lambda u: scale * shape.ppf(u), scale * float(shape.std()))


def heavy(rng: Generator) -> Quantiles:
    location, scale = unit(rng)
    kind = rng.integers(3)
    if kind == 0:
        shape = stats.t(rng.uniform(2.2, 5))
    elif kind == 1:
        shape, location = stats.lomax(rng.uniform(2.1, 4)), 0.0
    else:
        shape, location = stats.lognorm(rng.uniform(1.1, 1.8)), 0.0
    return rounded(rng, lambda u: location + scale * shape.ppf(u), scale)


def count(rng: Generator) -> Quantiles:
    mean = float(np.exp(rng.uniform(-0.5, 4)))
    if rng.uniform() < 0.5:
        return stats.poisson(mean).ppf
    size = rng.uniform(0.7, 5)
    return stats.nbinom(size, size / (size + mean)).ppf


def grade(rng: Generator) -> Quantiles:
    levels = int(rng.integers(3, 9))
    edges = np.cumsum(rng.dirichlet(np.full(levels, 3.0)))[:-1]
    return lambda u: 1.0 + np.searchsorted(edges, u)


def flag(rng: Generator) -> Quantiles:
    share = rng.uniform(0.08, 0.7)
    return lambda u: (u > share).astype(float)


def amount(rng: Generator) -> Quantiles:
    """Money: nothing in many rows, log-normal to the cent in the others."""
    none, middle, sigma = rng.uniform(0.15, 0.75), rng.uniform(1, 6), rng.uniform(0.4, 1.1)

    def quantiles(u: np.ndarray) -> np.ndarray:
        inside = np.clip((u - none) / (1 - none), 1e-12, 1 - 1e-12)
        return np.where(u < none, 0.0, np.round(np.exp(middle + sigma * stats.norm.ppf(inside)), 2))

    return quantiles


def percentage(rng: Generator) -> Quantiles:
    """A reading between 0 and 100 that reaches its bounds."""
    middle, width = rng.uniform(30, 85), rng.uniform(8, 30)
    return lambda u: np.clip(np.round(middle + width * stats.norm.ppf(u), 1), 0, 100)


COLUMNS: dict[str, tuple[Callable[[Generator], Quantiles], ...]] = {
    "correlated": (symmetric,),
    "low-rank": (symmetric, symmetric, skewed),
    "skewed": (skewed, skewed, skewed, symmetric),
    "heavy": (heavy, heavy, symmetric),
    "discrete": (count, grade, flag, percentage),
    "counts": (count,),
    "amounts": (amount, amount, count, skewed),
    "one-hot": (symmetric, skewed, flag),
    "mixture": (symmetric, skewed, heavy, count, grade, flag, amount, percentage),
}


# -- tables ------------------------------------------------------------------------------------------------------------


def latent(rng: Generator, columns: int, noise: float) -> Sampler:
    """Return a sampler of unit-variance scores: factors, sometimes groups of rows, sometimes a bent direction."""
    factors = int(rng.integers(1, max(2, columns // 4) + 1))
    loading = rng.normal(size=(factors, columns))
    loading *= rng.uniform(size=loading.shape) < rng.uniform(0.3, 1.0)
    groups = int(rng.integers(2, 6)) if rng.uniform() < 0.3 else 1
    centres = rng.normal(scale=0.9, size=(groups, columns)) * (groups > 1)
    weights = rng.dirichlet(np.full(groups, 4.0))
    bent = rng.normal(size=columns) * (rng.uniform(size=columns) < 0.3) * (rng.uniform() < 0.5)
    size = np.sqrt((loading**2).sum(axis=0) + noise**2 + 2 * bent**2 + weights @ (centres - weights @ centres) ** 2)

    def draw(rng: Generator, n: int) -> np.ndarray:
        factor = rng.normal(size=(n, factors))
        group = rng.choice(groups, size=n, p=weights)
        z = factor @ loading + noise * rng.normal(size=(n, columns)) + (centres - weights @ centres)[group]
        return (z + (factor[:, :1] ** 2 - 1) * bent) / size

    return draw


def indicators(rng: Generator) -> tuple[int, Callable[[Generator, np.ndarray], np.ndarray]]:
    """Return the width of a one-hot block and what makes it from two latent scores."""
    width = int(rng.integers(3, 25))
    tilt = rng.normal(scale=0.5, size=(2, width))
    base = np.log(rng.dirichlet(np.full(width, 1.5)) + 1e-3)

    def make(rng: Generator, scores: np.ndarray) -> np.ndarray:
        return np.eye(width)[np.argmax(base + scores @ tilt + rng.gumbel(size=(len(scores), width)), axis=1)]

    return width, make


def table(rng: Generator, theme: str) -> Family:
    """Return a random table of one theme."""
    numbers = int(rng.integers(5, 25))
    noise = 0.05 if theme == "low-rank" else rng.uniform(0.4, 1.5)
    makers = [COLUMNS[theme][i](rng) for i in rng.integers(len(COLUMNS[theme]), size=numbers)]
    how_many = {"one-hot": int(rng.integers(1, 4)), "mixture": int(rng.integers(0, 2))}.get(theme, 0)
    blocks = [indicators(rng) for _ in range(how_many)]
    scores = latent(rng, numbers + 2 * len(blocks), noise)

    def draw(rng: Generator, n: int) -> np.ndarray:
        z = scores(rng, n)
        u = np.clip(ndtr(z[:, :numbers]), 1e-12, 1 - 1e-12)
        parts = [np.column_stack([make(u[:, j]) for j, make in enumerate(makers)])]
        parts += [make(rng, z[:, numbers + 2 * i : numbers + 2 * i + 2]) for i, (_, make) in enumerate(blocks)]
        return np.hstack(parts)

    columns = numbers + sum(width for width, _ in blocks)
    return Family(theme, draw, columns, int(np.exp(rng.uniform(np.log(12 * columns), np.log(4000)))))


# -- vectors and images ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Encoder:
    """A model of embeddings: what it makes of topics (`meaning`); another one makes other vectors of the same."""

    mixing: np.ndarray
    common: np.ndarray
    bend: float
    spread: float

    @classmethod
    def draw(cls, rng: Generator, meanings: int, dimensions: int) -> Encoder:
        spectrum = np.arange(1, meanings + 1) ** -rng.uniform(0.3, 0.7)
        mixing = rng.normal(size=(meanings, dimensions)) * spectrum[:, None] / np.sqrt((spectrum**2).sum())
        return cls(mixing, rng.uniform(0.1, 0.6) * rng.normal(size=dimensions), rng.uniform(0, 1), rng.uniform(0, 0.2))

    def __call__(self, rng: Generator, meaning: np.ndarray) -> np.ndarray:
        flat = self.common + meaning @ self.mixing
        v = (1 - self.bend) * flat + self.bend * 1.5 * np.tanh(flat)
        v += 0.1 * rng.normal(size=v.shape)
        return v * np.exp(self.spread * rng.normal(size=(len(v), 1)))


def topics(rng: Generator, meanings: int) -> Sampler:
    """Return a sampler of what texts are about: a few topics, and each text's own."""
    centres, weights = rng.normal(size=(12, meanings)), rng.dirichlet(np.full(12, 2.0))

    def draw(rng: Generator, n: int) -> np.ndarray:
        return 0.7 * centres[rng.choice(12, size=n, p=weights)] + 0.7 * rng.normal(size=(n, meanings))

    return draw


def vectors(rng: Generator) -> Family:
    """Return embeddings of a random model, of any length; half of them stored in single precision."""
    dimensions, meanings = int(rng.integers(48, 257)), int(rng.integers(24, 65))
    encoder, about, single = Encoder.draw(rng, meanings, dimensions), topics(rng, meanings), rng.uniform() < 0.5

    def draw(rng: Generator, n: int) -> np.ndarray:
        v = encoder(rng, about(rng, n))
        return v.astype(np.float32).astype(float) if single else v

    return Family("vectors", draw, dimensions, int(rng.integers(1000, 3000)), wide=True)


THEMES = (*COLUMNS, "vectors")


def family(rng: Generator, theme: str) -> Family:
    """Return a random family of a theme."""
    return vectors(rng) if theme == "vectors" else table(rng, theme)


# -- the two families that broke the budget once -----------------------------------------------------------------------


def many_categories(rng: Generator) -> Family:
    """One-hot columns of 200 to 500 categories with 1,000 training rows; it is looked at behind a scaler, too."""
    width = int(rng.integers(200, 501))
    share = rng.dirichlet(np.full(width, rng.uniform(0.5, 3)))
    return Family("200-500 categories", lambda r, n: np.eye(width)[r.choice(width, size=n, p=share)], width, 1000)


def long_tails(rng: Generator) -> Family:
    """Log-normal columns with sigma from 2.5 to 3.5."""
    columns = int(rng.integers(5, 21))
    sigma, scale, scores = rng.uniform(2.5, 3.5, columns), 10.0 ** rng.uniform(-2, 3, columns), latent(rng, columns, 1)
    rows = int(np.exp(rng.uniform(np.log(300), np.log(4000))))
    return Family("log-normal, sigma 2.5-3.5", lambda r, n: scale * np.exp(sigma * scores(r, n)), columns, rows)


BROKEN = (many_categories, long_tails)
