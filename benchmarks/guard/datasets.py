"""The data: what ships with scikit-learn and generated families, split by data set into development and held-out.

A data set yields *parts*: a training sample, of which the profile is made, and a disjoint pool of rows that no profile
has seen, from which batches are drawn without replacement. Generated families draw a new structure (scales, loadings,
shapes) for every part, so that a figure is one of the family and not of one lucky draw. Tabular data has at least ten
training rows a column; the wide family (embeddings) has fewer on purpose.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from sklearn import datasets as shipped

Sampler = Callable[[int], np.ndarray]

POOL = 6000
"""Rows in the pool of a generated part; a batch is at most a sixth of it."""


@dataclass(frozen=True)
class DataSet:
    """A source of parts. `sides` are the places in a pipeline that its profile is made at (see scenes.py)."""

    name: str
    split: str
    train_rows: int
    sides: tuple[str, ...]
    family: Callable[[Generator], Sampler] | None = None
    load: Callable[..., object] | None = None
    wide: bool = False

    def part(self, rng: Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return training rows and a disjoint pool of unseen ones."""
        if self.family is not None:
            rows = self.family(rng)(self.train_rows + (POOL if not self.wide else POOL // 2))
        else:
            rows = rng.permutation(self.load().data.astype(float))
        return rows[: self.train_rows], rows[self.train_rows :]


# -- what generated families are made of ---------------------------------------------------------------------------


def units(rng: Generator, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return location and scale as raw tables have them: magnitudes apart by powers of ten, mostly off zero."""
    scale = 10.0 ** rng.uniform(-2, 3, columns)
    off = rng.uniform(0.5, 6.0, columns) * rng.choice([1.0, -1.0], columns, p=[0.85, 0.15])
    return off * scale, scale


def loaded(rng: Generator, columns: int, factors: int, noise: float) -> Callable[[int], np.ndarray]:
    """Return a sampler of unit-variance columns that share a few factors."""
    loading = rng.normal(size=(factors, columns))
    size = np.sqrt((loading**2).sum(0) + noise**2)

    def draw(n: int) -> np.ndarray:
        return (rng.normal(size=(n, factors)) @ loading + noise * rng.normal(size=(n, columns))) / size

    return draw


# -- development families ------------------------------------------------------------------------------------------


def correlated(rng: Generator) -> Sampler:
    """Gaussian columns on four factors, in units of their own."""
    location, scale = units(rng, 20)
    z = loaded(rng, 20, 4, 0.8)
    return lambda n: location + scale * z(n)


def heavy(rng: Generator) -> Sampler:
    """Half Student's t with 3 to 5 degrees of freedom, half log-normal; sharing two factors."""
    location, scale = units(rng, 12)
    degrees, sigma = rng.uniform(3, 5, 6), rng.uniform(0.4, 1.1, 6)
    z = loaded(rng, 12, 2, 1.0)

    def draw(n: int) -> np.ndarray:
        g = z(n)
        t = g[:, :6] / np.sqrt(rng.chisquare(degrees, size=(n, 6)) / degrees)
        return np.hstack([location[:6] + scale[:6] * t, scale[6:] * np.exp(sigma * g[:, 6:])])

    return draw


def zero_inflated(rng: Generator) -> Sampler:
    """Amounts to the hundredth that are zero in 30 to 80 % of the rows, Gamma otherwise; two columns without zeros."""
    share = np.append(rng.uniform(0.3, 0.8, 8), [0.0, 0.0])
    shape, scale = rng.uniform(1, 4, 10), 10.0 ** rng.uniform(0, 3, 10)

    def draw(n: int) -> np.ndarray:
        amount = np.round(rng.gamma(shape, scale, size=(n, 10)), 2)
        return np.where(rng.uniform(size=(n, 10)) < share, 0.0, amount)

    return draw


def discrete(rng: Generator) -> Sampler:
    """Poisson counts, binary flags and ordinal answers."""
    rate, flag = np.exp(rng.uniform(0, 3.5, 5)), rng.uniform(0.1, 0.6, 3)
    weights = rng.dirichlet(np.full(5, 3.0), size=4)

    def draw(n: int) -> np.ndarray:
        counts = rng.poisson(rate, size=(n, 5))
        flags = rng.uniform(size=(n, 3)) < flag
        answers = [1 + rng.choice(5, size=n, p=w) for w in weights]
        return np.column_stack([counts, flags, *answers]).astype(float)

    return draw


def exams(rng: Generator) -> Sampler:
    """Marks out of a hundred that go together, grades from 1 to 6, ages, days missed, one of four schools."""
    middle, width = rng.uniform(45, 75, 4), rng.uniform(8, 18, 4)
    grades, school = rng.dirichlet(np.full(6, 2.5), size=3), rng.dirichlet(np.full(4, 3.0))
    old, missed = rng.uniform(16, 25), rng.uniform(1, 6)

    def draw(n: int) -> np.ndarray:
        able = rng.normal(size=(n, 1))
        marks = np.clip(np.round(middle + width * (0.6 * able + 0.8 * rng.normal(size=(n, 4)))), 0, 100)
        given = [1 + rng.choice(6, size=n, p=w) for w in grades]
        age = np.round(old + rng.gamma(2.0, 4.0, size=n))
        days = rng.poisson(missed * rng.gamma(1.5, 1 / 1.5, size=n))
        return np.column_stack([marks, *given, age, days, np.eye(4)[rng.choice(4, size=n, p=school)]])

    return draw


def visits(rng: Generator) -> Sampler:
    """Visits to a shop: seconds, pages, amounts to the cent that are zero unless something was bought."""
    interest, location = rng.uniform(0.3, 1.2, 5), rng.uniform(2, 6, 5)
    pages, bought = np.exp(rng.uniform(0.5, 3.5, 4)), rng.uniform(-1.5, 0.5, 4)

    def draw(n: int) -> np.ndarray:
        z = rng.normal(size=(n, 1))
        seconds = np.round(np.exp(location + interest * (0.7 * z + 0.7 * rng.normal(size=(n, 5)))), 1)
        seen = rng.poisson(pages * np.exp(0.5 * z - 0.1) * rng.gamma(3.0, 1 / 3, size=(n, 4)))
        buys = rng.logistic(size=(n, 4)) < bought + z
        return np.hstack([seconds, seen, np.where(buys, np.round(rng.gamma(2.0, 20.0, size=(n, 4)), 2), 0.0)])

    return draw


def waiting(rng: Generator) -> Sampler:
    """Independent skew columns, twelve training rows a column: Gamma, log-normal, Lomax, Gumbel, uniform."""
    location, scale = units(rng, 10)
    shape, sigma, index = rng.uniform(0.8, 4, 3), rng.uniform(0.4, 1.0, 2), rng.uniform(2.5, 4.5, 2)

    def draw(n: int) -> np.ndarray:
        return np.hstack(
            [
                scale[:3] * rng.gamma(shape, size=(n, 3)),
                scale[3:5] * np.exp(sigma * rng.normal(size=(n, 2))),
                scale[5:7] * rng.pareto(index, size=(n, 2)),
                location[7:9] + scale[7:9] * rng.gumbel(size=(n, 2)),
                location[9:] + scale[9:] * rng.uniform(size=(n, 1)),
            ]
        )

    return draw


def embedding(dimensions: int) -> Callable[[Generator], Sampler]:
    """Vectors with a power-law spectrum, a common direction, and lengths that vary by a sixth."""

    def family(rng: Generator) -> Sampler:
        latent = dimensions // 2
        spectrum = np.arange(1, latent + 1) ** -0.5
        mixing = rng.normal(size=(latent, dimensions)) * spectrum[:, None] / np.sqrt((spectrum**2).sum())
        common = 0.4 * rng.normal(size=dimensions)

        def draw(n: int) -> np.ndarray:
            v = common + rng.normal(size=(n, latent)) @ mixing + 0.1 * rng.normal(size=(n, dimensions))
            return v * np.exp(rng.normal(scale=0.16, size=(n, 1))) * 8 / np.sqrt(dimensions)

        return draw

    return family


# -- held-out families: other constructions, nothing was tuned on them ---------------------------------------------


def clusters(rng: Generator) -> Sampler:
    """Five groups with covariances of their own; a third of the columns made skew."""
    location, scale = units(rng, 15)
    centres = rng.normal(scale=1.3, size=(5, 15))
    shapes = [np.linalg.qr(rng.normal(size=(15, 15)))[0] * rng.uniform(0.2, 1.0, 15) for _ in range(5)]
    weight = rng.dirichlet(np.full(5, 4.0))

    def draw(n: int) -> np.ndarray:
        group = rng.choice(5, size=n, p=weight)
        z = centres[group] + np.einsum("ni,nij->nj", rng.normal(size=(n, 15)), np.array(shapes)[group])
        z[:, ::3] = np.logaddexp(0, 2 * z[:, ::3])
        return location + scale * z

    return draw


def tails(rng: Generator) -> Sampler:
    """Pareto, Weibull, Laplace, logistic columns, independent; ten training rows a column."""
    location, scale = units(rng, 10)
    index, shape = rng.uniform(2.3, 4.0, 3), rng.uniform(0.7, 1.6, 3)

    def draw(n: int) -> np.ndarray:
        return np.hstack(
            [
                scale[:3] * (1 + rng.pareto(index, size=(n, 3))),
                scale[3:6] * rng.weibull(shape, size=(n, 3)),
                location[6:8] + scale[6:8] * rng.laplace(size=(n, 2)),
                location[8:] + scale[8:] * rng.logistic(size=(n, 2)),
            ]
        )

    return draw


def spending(rng: Generator) -> Sampler:
    """What customers buy: amounts to the cent with many zeros, over-dispersed counts, all driven by one activity."""
    mu, sigma = rng.uniform(1, 6, 7), rng.uniform(0.5, 1.2, 7)
    often, mean = rng.uniform(-1, 1, 7), np.exp(rng.uniform(0, 3, 7))

    def draw(n: int) -> np.ndarray:
        active = rng.normal(size=(n, 1))
        buys = rng.uniform(size=(n, 7)) < 1 / (1 + np.exp(-(often + active)))
        amount = np.round(np.exp(mu + sigma * rng.normal(size=(n, 7)) + 0.3 * active), 2)
        counts = rng.poisson(mean * np.exp(0.4 * active) * rng.gamma(2.0, 0.5, size=(n, 7)))
        return np.hstack([np.where(buys, amount, 0.0), counts])

    return draw


def survey(rng: Generator) -> Sampler:
    """Answers from 1 to 7, an indicator triple, ages, geometric counts, and a column that is constant."""
    answers = rng.dirichlet(np.full(7, 2.0), size=4)
    kind, rate = rng.dirichlet(np.full(3, 4.0)), rng.uniform(0.1, 0.5, 2)
    age = rng.uniform(30, 50)

    def draw(n: int) -> np.ndarray:
        likert = [1 + rng.choice(7, size=n, p=w) for w in answers]
        ages = np.clip(np.round(age + 12 * rng.gamma(3, 0.5, size=n) - 12), 18, 95)
        return np.column_stack(
            [*likert, np.eye(3)[rng.choice(3, size=n, p=kind)], ages, rng.geometric(rate, size=(n, 2)), np.ones(n)]
        )

    return draw


def sensors(rng: Generator) -> Sampler:
    """Daily cycles read to a tenth: temperatures, pressure, a humidity that saturates, currents."""
    phase, swing = rng.uniform(0, 2 * np.pi, 8), rng.uniform(2, 12, 8)
    middle = np.array([18.0, 22.0, 4.0, 1013.0, 75.0, 40.0, 230.0, 9.0]) + rng.normal(size=8)
    noise = rng.uniform(0.5, 3, 8)

    def draw(n: int) -> np.ndarray:
        hour = rng.uniform(0, 2 * np.pi, size=(n, 1))
        x = middle + swing * np.sin(hour + phase) + noise * rng.normal(size=(n, 8))
        x[:, 4] = np.clip(x[:, 4] + 5, 0, 100)
        return np.round(x, 1)

    return draw


def topics(dimensions: int) -> Callable[[Generator], Sampler]:
    """Vectors in twenty topics, a few dimensions far larger than the rest, heavy-tailed, stored in single precision."""

    def family(rng: Generator) -> Sampler:
        centres = rng.normal(size=(20, dimensions))
        width = np.exp(0.5 * rng.normal(size=dimensions))
        width[rng.choice(dimensions, 4, replace=False)] *= 8
        mixing = rng.normal(size=(48, dimensions)) / 7
        weight = rng.dirichlet(np.full(20, 2.0))

        def draw(n: int) -> np.ndarray:
            v = centres[rng.choice(20, size=n, p=weight)] + rng.standard_t(5, size=(n, 48)) @ mixing
            v = (v + 0.5 * rng.normal(size=(n, dimensions))) * width
            return (v * rng.gamma(30, 1 / 30, size=(n, 1))).astype(np.float32).astype(float)

        return draw

    return family


AFFINE = ("raw", "standard", "minmax")
POSITIVE = ("raw", "standard", "log")
VECTORS = ("raw", "standard", "l2")

DATA_SETS = (
    DataSet("iris", "development", 75, AFFINE, load=shipped.load_iris),
    DataSet("wine", "development", 130, POSITIVE, load=shipped.load_wine),
    DataSet("diabetes", "development", 180, AFFINE, load=shipped.load_diabetes),
    DataSet("correlated", "development", 1000, ("raw", "standard", "robust"), correlated),
    DataSet("heavy", "development", 600, AFFINE, heavy),
    DataSet("zero_inflated", "development", 1000, POSITIVE, zero_inflated),
    DataSet("discrete", "development", 240, AFFINE, discrete),
    DataSet("exams", "development", 300, AFFINE, exams),
    DataSet("visits", "development", 1500, POSITIVE, visits),
    DataSet("waiting", "development", 120, AFFINE, waiting),
    DataSet("digits", "development", 790, AFFINE, load=shipped.load_digits),
    DataSet("embedding256", "development", 1500, VECTORS, embedding(256), wide=True),
    DataSet("embedding768", "development", 3000, VECTORS, embedding(768), wide=True),
    DataSet("breast_cancer", "held-out", 310, ("raw", "standard", "minmax", "log"), load=shipped.load_breast_cancer),
    DataSet("clusters", "held-out", 500, ("raw", "standard", "robust"), clusters),
    DataSet("tails", "held-out", 100, AFFINE, tails),
    DataSet("spending", "held-out", 2000, POSITIVE, spending),
    DataSet("survey", "held-out", 300, AFFINE, survey),
    DataSet("sensors", "held-out", 800, AFFINE, sensors),
    DataSet("topics512", "held-out", 2500, VECTORS, topics(512), wide=True),
    DataSet("topics1536", "held-out", 4000, VECTORS, topics(1536), wide=True),
)
