"""The diagnosis of vectors of many columns, as embeddings are, and of what concerns every column of a table alike."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from sklearn.preprocessing import Normalizer, StandardScaler, normalize

import sklearn_normlock as nl


def vectors(n, seed):
    rng = np.random.default_rng(seed)
    common = np.random.default_rng(99).normal(size=(20, 128))
    lengths = np.exp(0.4 * rng.normal(size=(n, 1)))
    return lengths * (rng.normal(size=(n, 20)) @ common + 0.5)


VECTORS = {
    "l2_missing": lambda X: X,
    "other_norm": lambda X: Normalizer("l1").transform(X),
    "mixed_norms": lambda X: np.where(np.arange(len(X))[:, None] % 3 > 0, normalize(X), X),
    "unit_changed": lambda X: 100 * normalize(X),
    "columns_reordered": lambda X: normalize(X)[:, np.random.default_rng(5).permutation(128)],
}


@functools.cache
def unit_vectors():
    """Return vectors of length 1, and the profile of the first 1500 of them."""
    X = normalize(vectors(2000, 0))
    return X, nl.Profile.from_data(X[:1500])


@pytest.mark.parametrize(("off", "rows"), [(0.03, 64), (0.1, 4)])
def test_lengths_that_are_not_quite_1(off, rows):
    """Rows that all had length 1 to the last digit have no other, however near: it is no drift of their columns."""
    X, profile = unit_vectors()
    lengths = np.exp(off * np.random.default_rng(1).normal(size=(rows, 1)))
    assert nl.diagnose(profile, lengths * X[1500 : 1500 + rows]).fault == "l2_missing"
    found = nl.diagnose(profile, (1 + off) * X[1500 : 1500 + rows])
    assert found.fault == "unit_changed" and found.details["factor"] == pytest.approx(1 + off)
    assert not nl.diagnose(profile, X[1500 : 1500 + rows].astype(np.float32)).alarm
    assert rows < 16 or not nl.diagnose(profile, X[1500 : 1500 + rows] * (np.arange(rows) > 0)[:, None]).alarm


def test_half_precision_is_no_fault():
    """Unit vectors in half precision have a length that is 1 but for rounding: that is no factor."""
    X, profile = unit_vectors()
    assert not nl.diagnose(profile, X[1500:1564].astype(np.float16)).alarm


@pytest.mark.campaign
@pytest.mark.parametrize("fault", VECTORS)
def test_names_of_vectors(fault):
    """Faults of vectors that had unit length in training are called by their names; an order only if it is found."""
    profile = nl.Profile.from_data(normalize(vectors(500, 0)))
    assert not nl.diagnose(profile, normalize(vectors(64, 1))).alarm
    found = nl.diagnose(profile, VECTORS[fault](vectors(64, 1)))
    assert found.fault == fault or (fault, found.fault) == ("columns_reordered", "unknown")


def test_all_negated():
    """Vectors all of whose columns were negated: their lengths and their correlations are what they were."""
    train, X = (normalize(vectors(n, seed) + 2) for n, seed in ((500, 0), (64, 1)))
    found = nl.diagnose(nl.Profile.from_data(train), -X)
    assert (found.fault, found.columns) == ("sign_flipped", ()), found.explain()


def of_factors(n, noise, seed):
    """Return 700 columns of normal values, standardised, that twenty factors make go together."""
    rng = np.random.default_rng(seed)
    loading = np.random.default_rng(77).normal(size=(20, 700))
    return (rng.normal(size=(n, 20)) @ loading + noise * rng.normal(size=(n, 700))) / np.sqrt(20 + noise**2)


@pytest.mark.campaign
@pytest.mark.parametrize("n", [64, 256])
def test_half_garbled_columns_are_no_order(n):
    """Columns of which half the entries are wild may look alike; where they don't keep their company, none moved.

    In 64 rows they may go unseen.
    """
    train, X = of_factors(3000, 5, 0), of_factors(n, 5, 1)
    rng = np.random.default_rng(2)
    columns = rng.choice(700, 233, replace=False)
    wild = np.exp(rng.uniform(-np.log(5), np.log(5), (n, 233))) * rng.choice([-1, 1], (n, 233))
    X[:, columns] *= np.where(rng.uniform(size=wild.shape) < 0.5, wild, 1.0)
    found = nl.diagnose(nl.Profile.from_data(train), X)
    assert found.fault == "unknown" or not found.alarm and n == 64, found.explain()


@pytest.mark.campaign
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("order", [slice(None, None, -1), np.roll(np.arange(700), 1), np.roll(np.arange(700), -1)])
def test_orders_that_are_likely(order, scaled):
    """Of columns that only their company tells apart: reversed, or one of them moved to the other end."""
    train = of_factors(1500, 2, 0)
    seen = StandardScaler().fit(train).transform if scaled else np.asarray
    found = nl.diagnose(nl.Profile.from_data(seen(train)), seen(of_factors(64, 2, 1))[:, order])
    assert found.fault == "columns_reordered", found.explain()
    assert len(found.columns) > 690


@pytest.mark.parametrize("by", [7, 40])
def test_block_moved_to_the_end(by):
    """A block of columns moved from the front to the back, where none is told apart by its own values."""
    loading = np.random.default_rng(77).normal(size=(8, 64))

    def made(n, seed):
        rng = np.random.default_rng(seed)
        return normalize(0.5 * rng.normal(size=(n, 8)) @ loading + rng.normal(size=(n, 64)) + 0.1 * loading[0])

    X = made(100, 1)
    found = nl.diagnose(nl.Profile.from_data(made(800, 0)), np.roll(X, -by, axis=1))
    assert found.fault == "columns_reordered", found.explain()
    assert np.array_equal(np.roll(X, -by, axis=1)[:, found.details["order"]], X)


def one_factor_table(n, rng):
    return 3 + rng.normal(size=(n, 1)) + rng.normal(size=(n, 12))


@pytest.mark.parametrize("n", [64, 256])
@pytest.mark.parametrize("factor", [1 / 127, 1000.0, 0.01])
def test_one_factor_for_all(factor, n):
    """A whole table that was multiplied: the factor is told, exactly if it is a known one."""
    rng = np.random.default_rng(0)
    profile, X = nl.Profile.from_data(one_factor_table(500, rng)), one_factor_table(n, rng)
    found = nl.diagnose(profile, X * factor)
    assert found.fault == ("rescaled" if factor == 1 / 127 else "unit_changed"), found.explain()
    assert found.details["factor"] == pytest.approx(factor, rel=0.3 if factor == 1 / 127 else 1e-9)
    assert len(found.columns) in (0, 12)


def test_noise_is_no_factor():
    """Noise makes a table of amounts wider, and some of them negative, which no factor does."""
    rng = np.random.default_rng(0)

    def money(n):
        common = np.array([0.35, 0.7, 1.0, 0.56, 0.84, 0.21]) * rng.normal(size=(n, 1))
        return np.round(np.exp(3 + common + 0.6 * rng.normal(size=(n, 6))), 2)

    train = money(800)
    profile = nl.Profile.from_data(train)
    found = [nl.diagnose(profile, money(64) + 2 * rng.normal(size=(64, 6)) * train.std(axis=0)) for _ in range(3)]
    assert {f.fault for f in found} == {"unknown"}


def test_constant_columns_hide_no_row():
    """A row far out in every column, in none beyond what may be, is far on the whole, however many are constant."""
    rng = np.random.default_rng(0)
    X = np.hstack([rng.normal(size=(2000, 30)), np.ones((2000, 40))])
    profile = nl.Profile.from_data(X)
    row = np.append(3.0 * rng.choice([-1, 1], 30), np.ones(40))[None]
    assert nl.diagnose(profile, row).alarm
    assert not nl.diagnose(profile, X[:1]).alarm


@pytest.mark.parametrize("seed", range(4))
def test_another_model_is_told_of_unit_vectors(seed):
    """Other directions of the same length are another model's, however many columns are odd."""
    rng = np.random.default_rng(seed)
    d = int(rng.integers(32, 160))

    def model():
        mean, mixing = rng.normal(size=d), rng.normal(size=(12, d))

        def embed(rows):
            V = mean + rng.normal(size=(rows, 12)) @ mixing / 2 + 0.3 * rng.normal(size=(rows, d))
            return V / np.linalg.norm(V, axis=1)[:, None]

        return embed

    profile = nl.Profile.from_data(model()(1500))
    assert nl.diagnose(profile, model()(64)).fault == "other_model"


@pytest.mark.parametrize("twice", [False, True])
def test_what_is_spread_over_all_columns_is_not_told_of_the_few_that_alarm(twice):
    """Embeddings behind a scaler that they lack, or have twice: each column moved by less than alarms."""
    rng = np.random.default_rng(3)
    mixed, mean, std = rng.normal(size=(30, 200)), rng.normal(0, 0.45, 200), np.exp(rng.normal(0, 0.15, 200))
    X = (rng.normal(size=(1564, 30)) @ mixed * 0.15 + rng.normal(0, 0.6, (1564, 200))) * std + mean
    scaler = StandardScaler().fit(X[:1500])
    scaled = scaler.transform(X)
    found = nl.diagnose(nl.Profile.from_data(scaled[:1500]), scaler.transform(scaled[1500:]) if twice else X[1500:])
    assert found.fault in ("refit", "not_normalised", "double_normalised") and not found.columns, found.explain()
