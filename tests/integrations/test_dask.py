"""Fits over partitions: exact sums, exact quantiles, one fingerprint whatever the partitioning and order."""

import math
from fractions import Fraction
from functools import reduce

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import impute, preprocessing
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.errors import InputFaultError, NormLockError
from sklearn_normlock.partitions import fit
from sklearn_normlock.partitions.ranks import keys_of, values_of
from sklearn_normlock.partitions.sums import ExactSum, exact_sum
from sklearn_normlock.preprocessing import StandardScaler as Locked

FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30)


def over(*parts):
    return lambda summarise, merge: reduce(merge, map(summarise, parts))


def moments(values):
    exact = [Fraction(value) for value in values]
    mean = sum(exact) / len(exact)
    return mean, sum((value - mean) ** 2 for value in exact) / len(exact)


def nearest(fraction):
    try:
        return float(fraction)
    except OverflowError:
        return math.inf


@settings(deadline=None, max_examples=60)
@given(FLOATS, st.integers(0, 30))
def test_moments_are_the_nearest_floats(values, cut):
    """Mean and variance are the exact ones, rounded once, for any floats and any cut."""
    array = np.array(values, dtype=np.float64)
    parts = exact_sum(array[cut:]) + exact_sum(array[:cut])
    assert parts == exact_sum(array)
    if not values:
        assert parts == ExactSum()
        assert math.isnan(parts.mean())
        return
    mean, variance = moments(values)
    assert parts.mean() == nearest(mean)
    assert parts.variance() == nearest(variance)


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200, 1e-310])
def test_sums_of_many_rows_are_exact(scale):
    """Several blocks, with values far smaller and far larger than the rest, add up as fractions do."""
    values = np.random.default_rng(0).normal(size=20_000) * scale
    values[::1000] *= 1e-60
    total = sum(map(Fraction, values.tolist()))
    assert exact_sum(values).mean() == nearest(total / len(values))
    squares = sum(Fraction(value) ** 2 for value in values.tolist())
    assert Fraction(exact_sum(values).squares, 2**2148) == squares


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_keys_have_the_order_of_the_values(values):
    """Keys sort as the values do, and give them back."""
    array = np.array(values)
    np.testing.assert_array_equal(values_of(np.sort(keys_of(array))), np.sort(array))


RNG = np.random.default_rng(0)
X = RNG.normal(size=(600, 4))
X[::7, 1] = np.nan
X[:, 2] = np.round(X[:, 2], 1)
X[:, 3] = 5.0
C = np.array(["a", "b", "c", "dd"], dtype=object)[RNG.integers(0, 4, size=(600, 2))]
CASES = {
    "standard": (preprocessing.StandardScaler(), X),
    "standard, no mean": (preprocessing.StandardScaler(with_mean=False), X),
    "standard, no std": (preprocessing.StandardScaler(with_std=False), X),
    "standard, float32": (preprocessing.StandardScaler(), X.astype(np.float32)),
    "min max": (preprocessing.MinMaxScaler(), X),
    "min max, integers": (preprocessing.MinMaxScaler(), RNG.integers(0, 9, size=(600, 2))),
    "max abs": (preprocessing.MaxAbsScaler(), X),
    "robust": (preprocessing.RobustScaler(), X),
    "robust, unit": (preprocessing.RobustScaler(quantile_range=(10, 80), unit_variance=True), X),
    "quantile": (preprocessing.QuantileTransformer(n_quantiles=50, subsample=10_000), X),
    "mean": (impute.SimpleImputer(add_indicator=True), X),
    "median": (impute.SimpleImputer(strategy="median"), X),
    "most frequent": (impute.SimpleImputer(strategy="most_frequent"), X),
    "constant": (impute.SimpleImputer(strategy="constant", fill_value=-1.0), X),
    "one hot": (preprocessing.OneHotEncoder(drop="first"), C),
    "ordinal": (preprocessing.OrdinalEncoder(), C),
    "pipeline": (make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()), X),
}


@pytest.mark.parametrize("frames", [False, True], ids=["arrays", "frames"])
@pytest.mark.parametrize("case", CASES)
def test_one_fingerprint_whatever_the_parts(case, frames):
    """Every partitioning and order gives one fingerprint, and what scikit-learn fits but for roundings."""
    est, data = CASES[case]

    def as_part(rows):
        return pd.DataFrame(rows, columns=[f"c{j}" for j in range(rows.shape[1])]) if frames else rows

    found = {}
    for seed, cuts in ((None, []), (1, [0, 7, 7, 300]), (2, [1, 599])):
        rows = data if seed is None else data[np.random.default_rng(seed).permutation(len(data))]
        fitted = fit(est, over(*map(as_part, np.split(rows, cuts))))
        found[fitted.fingerprint_] = fitted
    assert len(found) == 1
    stock = clone(est).fit(as_part(data))
    for name, value in vars(stock).items():
        mine = getattr(fitted, name)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            assert mine.dtype == value.dtype, name
            np.testing.assert_allclose(mine, value, rtol=1e-6 if data.dtype == np.float32 else 1e-12, atol=1e-15)
        elif isinstance(value, np.ndarray):
            np.testing.assert_array_equal(mine, value)
    nl.verify(fitted, nl.lock(fitted))
    np.testing.assert_array_equal(fitted.get_feature_names_out(), stock.get_feature_names_out())


@pytest.mark.filterwarnings("ignore:n_quantiles")
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=lambda kind: kind.__name__)
def test_there_is_one_zero(dtype):
    """No order of rows, and no rounding of what is nearly zero, leaves a negative zero in a fitted state."""
    rng = np.random.default_rng(0)
    near = np.array([-0.0, 0.0, -1.0, 1.0, -1e-45, 1e-45, -5e-324, 5e-324, np.nan]).astype(dtype)
    for rows in rng.integers(10, 60, size=6):
        table = rng.choice(near, size=(rows, 4))
        for name in ("standard", "min max", "max abs", "robust", "quantile", "mean", "median", "most frequent"):
            est = CASES[name][0]
            fitted = [fit(est, over(*np.array_split(rng.permutation(table), 3))) for _ in range(2)]
            assert fitted[0].fingerprint_ == fitted[1].fingerprint_, name
            for value in vars(fitted[0]).values():
                if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                    assert not np.signbit(value[value == 0]).any(), name


@pytest.mark.parametrize("values", [[True, 1, 0.0, -0.0, 2], [1, 1.0, np.float32(1), 2]], ids=["truth", "kinds"])
@pytest.mark.parametrize(
    "est",
    [preprocessing.OrdinalEncoder(), preprocessing.OneHotEncoder(), impute.SimpleImputer(strategy="most_frequent")],
    ids=lambda est: type(est).__name__,
)
def test_equal_values_of_several_types_have_one_order(est, values):
    """Equal values of a column of objects are one category, and which of them it is doesn't depend on the parts."""
    table = np.array([values] * 2, dtype=object).reshape(-1, 1)
    orders = [np.random.default_rng(seed).permutation(table) for seed in range(6)]
    fitted = [fit(est, over(rows[:2], rows[2:])) for rows in orders]
    assert len({each.fingerprint_ for each in fitted}) == 1
    if hasattr(fitted[0], "categories_"):
        assert len(fitted[0].categories_[0]) == len(set(values))


@pytest.mark.parametrize(
    ("est", "parts", "error", "said"),
    [
        (preprocessing.PowerTransformer(), [X], NormLockError, "PowerTransformer can't be fitted over parts"),
        (preprocessing.OneHotEncoder(min_frequency=3), [C], NormLockError, "min_frequency=3"),
        (impute.SimpleImputer(missing_values=-1), [X], NormLockError, "missing_values=-1"),
        (StandardScaler(), [X[:0]], InputFaultError, "no rows"),
        (StandardScaler(), [X, X[:, :2]], InputFaultError, "same columns"),
        (preprocessing.RobustScaler(), [X, X[:, :2]], InputFaultError, "same columns"),
        (preprocessing.OrdinalEncoder(), [C, C[:, :1]], InputFaultError, "same columns"),
        (StandardScaler(), [np.array([[np.inf]])], InputFaultError, "Column 0 holds an infinity"),
        (StandardScaler(), [C], InputFaultError, "takes numbers"),
        (StandardScaler(), [X[:, 0]], InputFaultError, "two dimensions"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_refusals_say_what_and_where(est, parts, error, said):
    """What has no such fit is refused by name."""
    with pytest.raises(error, match=said):
        fit(est, over(*parts))


@pytest.mark.campaign  # two processes import half the stack
def test_partitions_on_a_cluster_of_processes():
    """On two worker processes any chunks give what one part gives; training by turns goes from worker to worker."""
    distributed = pytest.importorskip("distributed", reason="the cluster needs dask[distributed]")
    da = pytest.importorskip("dask.array", reason="needs dask[array]")
    from sklearn_normlock.integrations import dask

    expected = fit(StandardScaler(), over(X)).fingerprint_
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        scaler, here = client.scatter(nl.allow_partial_fit(Locked())), Locked()
        workers = list(client.scheduler_info(n_workers=-1)["workers"])
        for turn, batch in enumerate(np.split(X, 4)):
            scaler = client.submit(Locked.partial_fit, scaler, batch, workers=workers[turn % 2])
            here.partial_fit(batch)
        assert nl.allow_partial_fit(scaler.result(), False).fingerprint_ == here.fingerprint_
        for chunks in ((100, 4), (250, 3)):
            assert dask.fit(StandardScaler(), da.from_array(X, chunks=chunks)).fingerprint_ == expected
        assert dask.profile(da.from_array(X, chunks=(200, 4))).n_rows == 600


@pytest.mark.campaign  # dask-ml brings Numba
def test_incremental_of_dask_ml_trains_a_locked_scaler():
    """``Incremental`` goes on with an object that may be trained further, and gives the fingerprint of a fit here."""
    wrappers = pytest.importorskip("dask_ml.wrappers", reason="needs dask-ml", exc_type=ImportError)
    da = pytest.importorskip("dask.array", reason="needs dask[array]")
    numbers = np.nan_to_num(X)
    blocks = da.from_array(numbers, chunks=(150, 4))
    here = Locked()
    for batch in np.split(numbers, 4):
        here.partial_fit(batch)
    scaler = nl.allow_partial_fit(Locked())
    trained = wrappers.Incremental(scaler, scoring=lambda *_: 0.0, shuffle_blocks=False).fit(blocks).estimator_
    assert nl.allow_partial_fit(trained, False).fingerprint_ == here.fingerprint_


def test_dask_data_frames_and_what_is_none():
    """A data frame with an empty partition is fitted in local threads; a table that isn't Dask's is refused."""
    dd = pytest.importorskip("dask.dataframe", reason="needs dask[dataframe]")
    pytest.importorskip("pyarrow", reason="dask.dataframe needs a pyarrow that loads", exc_type=ImportError)
    from sklearn_normlock.integrations import dask

    frame = pd.DataFrame(X, columns=list("wxyz"))
    parts = dd.from_pandas(frame, npartitions=4)
    parts = parts[parts["w"] > parts["w"].min()]
    scaler = dask.fit(preprocessing.MinMaxScaler(), parts)
    assert scaler.feature_names_in_.tolist() == list("wxyz")
    assert scaler.n_samples_seen_ == 599
    with pytest.raises(InputFaultError, match="no Dask collection"):
        dask.fit(StandardScaler(), X)
