"""Batches that are seldom seen: each has its name, or none, and no other."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl


def amounts(rng, n):
    mixing = np.random.default_rng(3).normal(size=(2, 5))
    return np.exp(0.5 * (rng.normal(size=(n, 2)) @ mixing + 0.6 * rng.normal(size=(n, 5)))) * 50


def test_a_candidate_that_does_nothing_explains_nothing():
    """A few filled values in a large batch are filled values, however few are in a part of it."""
    rng = np.random.default_rng(3)
    profile = nl.Profile.from_data(amounts(rng, 4000))
    for _ in range(6):
        batch = amounts(rng, 2048)
        batch[rng.permutation(2048)[:12], 2] = batch[:, 2].mean()
        found = nl.diagnose(profile, batch)
        assert found.fault in ("imputed", "unknown", None) and found.columns in ((2,), ())


@pytest.mark.parametrize("value", [1e6, 1e9])
def test_a_single_value_far_out_of_a_flag_is_seen(value):
    flags = (np.random.default_rng(0).random((2000, 1)) < 0.05).astype(float)
    assert nl.diagnose(nl.Profile.from_data(flags), [[value]]).alarm


def test_a_space_that_does_not_break_is_a_space():
    towns = pd.DataFrame({"city": np.random.default_rng(0).choice(["New York", "Los Angeles"], 1000)})
    batch = towns[:100].assign(city=lambda d: d.city.str.replace(" ", "\u00a0"))
    assert nl.diagnose(nl.Profile.from_data(towns), batch).fault == "space_changed"


def test_two_rows_are_on_no_grid():
    rng = np.random.default_rng(1)
    mixing = rng.normal(size=(3, 8))

    def rows(n):
        return rng.normal(size=(n, 3)) @ mixing + 0.5 * rng.normal(size=(n, 8))

    profile = nl.Profile.from_data(rows(2000))
    for _ in range(10):
        batch = rows(2)
        batch[:, 3] *= 1000
        assert nl.diagnose(profile, batch).fault != "quantised"


def test_a_huge_fill_value_makes_no_grid():
    rng = np.random.default_rng(1)

    def rows(n):
        return np.column_stack([rng.lognormal(3, 1, n).round(2), rng.normal(50, 9, n)])

    profile = nl.Profile.from_data(rows(2000))
    for _ in range(10):
        batch = rows(64)
        batch[rng.random(64) < 0.15, 0] = 9.96921e36
        assert nl.diagnose(profile, batch).fault in ("imputed", "unknown")


def test_constant_columns_do_not_hide_a_scaler_of_the_batch():
    rng = np.random.default_rng(1)
    training, batch = rng.normal(5, 2, (800, 4)), rng.normal(5, 2, (64, 4))
    training[:, :3] = batch[:, :3] = [3, 7, 1]
    width = np.ptp(batch, axis=0)
    scaled = (batch - batch.min(axis=0)) / np.where(width > 0, width, 1)
    assert nl.diagnose(nl.Profile.from_data(training), scaled).fault == "batch_standardised"


def test_repeated_rows_with_missing_values_are_repeated():
    rng = np.random.default_rng(1)

    def rows(n):
        X = rng.normal(10, 2, (n, 6))
        X[rng.random((n, 6)) < 0.1] = np.nan
        return X

    profile = nl.Profile.from_data(rows(2000))
    found = [nl.diagnose(profile, np.repeat(rows(5), 20, axis=0)).fault for _ in range(10)]
    assert found == ["rows_repeated"] * 10


def test_a_copied_column_is_no_logarithm():
    X = load_diabetes().data
    batch = X[1::2][:64].copy()
    batch[:, 8] = batch[:, 3]
    assert nl.diagnose(nl.Profile.from_data(X[::2]), batch).fault != "log_extra"


def test_what_drawn_rows_lack_by_themselves_shows_no_fault():
    """A column of which half is missing hides nothing, and shows nothing, of the others."""
    rng = np.random.default_rng(0)
    Y = rng.normal(size=(2000, 1)) + 0.5 * rng.normal(size=(2000, 3))
    Y = np.column_stack([(Y - Y.mean(axis=0)) / Y.std(axis=0), rng.normal(size=2000)])
    Y[rng.random(2000) < 0.5, 3] = np.nan
    unseen = nl.coverage(nl.Profile.from_data(Y)).unseen
    assert 3 in unseen["sign_flipped"] and {(0, 1), (0, 2), (1, 2)} <= {*unseen["columns_swapped"]}


def test_coverage_takes_a_scaler_that_returns_a_frame():
    frame = pd.DataFrame(np.random.default_rng(0).normal(5, 2, (500, 2)), columns=["a", "b"])
    scaler = StandardScaler().set_output(transform="pandas").fit(frame)
    assert nl.coverage(nl.Profile.from_data(frame), scaler, n_rows=3000).unseen["double_normalised"] == ()


def test_a_tail_that_begins_at_the_middle_has_an_index():
    """Most rows are 0 and some are huge: there is no warning, and a value far beyond them is seen."""
    rng = np.random.default_rng(0)
    X = np.column_stack([np.zeros(1000), rng.normal(size=1000)])
    X[:60, 0] = rng.lognormal(22, 1, 60)
    profile = nl.Profile.from_data(X[rng.permutation(1000)], groups=np.arange(1000) // 100)
    assert profile.n_rows == 1000 and nl.diagnose(nl.Profile.from_data(X), [[1e30, 0.0]]).alarm


def test_noise_of_a_few_blocks_does_not_grow():
    rng = np.random.default_rng(0)
    assert not any(nl.Profile.from_data(rng.normal(size=(20, 8)), groups=np.arange(20) // 4).growing for _ in range(9))
