"""The fast path gives what scikit-learn gives: every bit, dtype, order, error and warning."""

from __future__ import annotations

import copy
import gc
import weakref

import numpy as np
import pytest
from fast_models import MODELS, WIDTH, X, described, outcome, sealed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sklearn_normlock as nl
from sklearn_normlock.kernels import METHODS, fast_paths, has_fast_path, power
from sklearn_normlock.kernels.compiler import VERSION
from sklearn_normlock.kernels.inputs import NEP50

OBJECTS = dict(sealed())
STOCK = {name: nl.unlock(est) for name, est in OBJECTS.items()}
CALLS = [(name, method) for name, est in OBJECTS.items() for method in METHODS if hasattr(est, method)]
NO_KERNEL = {"RidgeClassifier": {"predict"}, "SGDClassifier huber": {"predict_proba"}}
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-310, 5e-324, 1e-30, 1e20, -1e35, 1e150, 1e200, -1e308, 1.5e308, 1.0]


@st.composite
def inputs(draw, width=WIDTH):
    """Draw an array of any size, dtype, layout and content that somebody may pass."""
    rows = draw(st.sampled_from([1, 1, 2, 3, 8, 33, 0, 300, 5000]))
    columns = draw(st.sampled_from([width] * 12 + [width + 1, max(width - 1, 0)]))
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    kind = draw(st.sampled_from(["fitted", "fitted", "normal", "wild", "constant", "quantised", "chances", "few"]))
    if kind == "fitted":
        data = X[generator.integers(0, len(X), rows)][:, np.arange(columns) % WIDTH]
    elif kind == "normal":
        data = generator.normal(size=(rows, columns)) * 10.0 ** generator.integers(-3, 4)
    elif kind == "wild":
        data = generator.normal(size=(rows, columns)) * 10.0 ** generator.integers(-300, 300, size=columns)
    elif kind == "quantised":
        data = np.round(np.abs(generator.normal(size=(rows, columns))), 1)
    elif kind == "chances":
        data = generator.random((rows, columns))
    elif kind == "few":
        data = generator.integers(0, 4, (rows, columns)).astype(float)
    else:
        data = np.tile(generator.normal(size=columns), (rows, 1))
    if data.size:
        for value in draw(st.lists(st.sampled_from(SPECIAL), max_size=3)):
            data[generator.integers(rows), generator.integers(columns)] = value
    dtype = draw(st.sampled_from(["f8", "f8", "f8", "f4", "f4", ">f8", "f2", "i8", "?", "O", "longdouble", "c16"]))
    with np.errstate(all="ignore"):
        if np.dtype(dtype).kind in "i?":
            data = np.nan_to_num(np.clip(data, -1e6, 1e6))
        data = data.astype(dtype)
    layout = draw(st.sampled_from("CCCFFsrt1bm"))
    if layout == "F":
        data = np.asfortranarray(data)
    elif layout == "s":
        data = np.repeat(data, 2, axis=1)[:, ::2]
    elif layout == "r":
        data = np.ascontiguousarray(data[::-1])[::-1]
    elif layout == "t":
        data = np.ascontiguousarray(data[:, ::-1])[:, ::-1]
    elif layout == "1":
        data = data.ravel()
    elif layout == "b":
        data = np.broadcast_to(data[:1], data.shape)
    elif layout == "m":
        data = np.ascontiguousarray(data).view(type("Mine", (np.ndarray,), {}))
    if draw(st.booleans()) and layout != "b":
        data.flags.writeable = False
    return data


def plain_inputs(width):
    """Yield arrays that kernels take: one row and several, within what was fitted and beyond."""
    rows = np.arange(width) % WIDTH
    outside = np.random.default_rng(1).normal(size=(40, width)) * np.abs(X[:40, rows]) * 3
    chances = np.random.default_rng(2).random((40, width))
    for data in (X[:, rows], np.abs(X[:, rows]) + 0.01, outside, chances, np.round(3 * chances)):
        yield data.copy()
        yield data[7:8].copy()
        yield np.asfortranarray(data[:9], dtype=np.float32)


def same(name, method, data):
    before = described(np.asarray(data))
    fast, plain = outcome(OBJECTS[name], method, data), outcome(STOCK[name], method, data)
    assert fast == plain
    assert described(np.asarray(data)) == before


@pytest.mark.parametrize(("name", "method"), CALLS, ids=[f"{name}-{method}" for name, method in CALLS])
def test_the_fast_path_changes_nothing(name, method):
    """Whatever is passed: the same bits, dtype, order and flags, or the same error; and the same warnings."""
    width = OBJECTS[name].n_features_in_
    for plain in plain_inputs(width):  # the drawn ones seldom are
        same(name, method, plain)

    @settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(inputs(width))
    def check(data):
        same(name, method, data)

    check()


@pytest.mark.campaign
@pytest.mark.parametrize(("name", "method"), CALLS, ids=[f"{name}-{method}" for name, method in CALLS])
def test_the_fast_path_changes_nothing_at_length(name, method):
    """As above, over hundreds of inputs each."""
    width = OBJECTS[name].n_features_in_

    @settings(max_examples=50, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(inputs(width))
    def check(data):
        same(name, method, data)

    check()


def test_a_kernel_does_not_keep_its_object_alive():
    """An object that was used goes when nobody holds it, and its kernels with it."""
    copies = {name: copy.deepcopy(est) for name, est in OBJECTS.items()}
    for name, method in CALLS:
        has_fast_path(copies[name], method)
    alive = {name: weakref.ref(est) for name, est in copies.items()}
    copies.clear()
    gc.collect()
    assert [name for name, reference in alive.items() if reference() is not None] == []


@pytest.mark.parametrize("name", MODELS)
def test_models_have_kernels_of_their_own(name):
    """What is compared here of a final model is its own kernel, and not scikit-learn's method behind a scaler."""
    (step,) = [
        path for path in fast_paths(OBJECTS[name]) if path.count(".") == 0 and path not in ("", "standardscaler")
    ]
    without = {method for method in METHODS[2:] if hasattr(OBJECTS[name], method)} - set(
        fast_paths(OBJECTS[name])[step]
    )
    if not NEP50 and name in ("LinearRegression", "ElasticNet", "TransformedTargetRegressor"):
        without -= {"predict"}  # NumPy 1 adds an intercept of one number by other rules
    assert without <= NO_KERNEL.get(name, set())


def test_these_have_a_fast_path():
    """What is compared here is the fast path, and not scikit-learn's with itself."""
    without = {(name, m) for name, m in CALLS if m not in fast_paths(OBJECTS[name])[""]}
    forward_only = ("SimpleImputer", "KBinsDiscretizer ", "VarianceThreshold", "PCA", "TruncatedSVD")
    without -= {(name, "inverse_transform") for name in OBJECTS if name.startswith(forward_only)}
    if VERSION < (1, 6):
        without -= {("PowerTransformer Box-Cox", "inverse_transform")}
    forward = power._yeo_johnson if VERSION >= (1, 9) else power._yeo_johnson_by_power
    if not all(map(power._agrees, (forward, power._yeo_johnson_inverse))):
        # This NumPy on this processor rounds a whole array otherwise than a column.
        without = {(name, m) for name, m in without if not name.startswith("PowerTransformer")}
    assert without <= {("SGDClassifier huber", "predict_proba")}  # the walk's, not its final step's
