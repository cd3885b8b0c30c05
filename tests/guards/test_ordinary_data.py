"""Every kind of data and every way to copy or send a locked object is as it was; and no call verifies needlessly."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn
from fault_objects import NUMBERS, texts
from ordinary import (
    FRAME,
    TABLE,
    X,
    joblib_round_trip,
    scaled_model,
    skops_round_trip,
    table_model,
    y,
)
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler as StockScaler

import sklearn_normlock as nl
from sklearn_normlock.decomposition import PCA, KernelPCA
from sklearn_normlock.feature_extraction.text import TfidfVectorizer
from sklearn_normlock.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn_normlock.pipeline import make_pipeline, make_union
from sklearn_normlock.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    StandardScaler,
)

# -- input and output ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [FRAME, X, X.astype(np.float32), X.tolist(), np.asfortranarray(X), X[::2], pd.DataFrame(X)],
    ids=["DataFrame", "array", "float32", "list", "columns first", "strided", "unnamed DataFrame"],
)
def test_inputs(data):
    """Every kind of input is fitted and transformed as scikit-learn does it, to the bit."""
    locked, stock = StandardScaler().fit(data), StockScaler().fit(data)
    assert np.array_equal(locked.transform(data), stock.transform(data))
    assert np.array_equal(locked.inverse_transform(data), stock.inverse_transform(data))
    assert locked.transform(data).dtype == stock.transform(data).dtype


@pytest.mark.parametrize("make", [sp.csr_matrix, sp.csc_matrix, sp.csr_array])
def test_sparse_input(make):
    """Sparse input is fitted, transformed, pickled; a sparse output is the caller's own."""
    data = make(X)
    model = make_pipeline(
        StandardScaler(with_mean=False), MinMaxScaler.__mro__[0] and Normalizer(), LogisticRegression()
    )
    model.fit(data, y)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(data), model.predict(data))
    scaled = model[0].transform(data)
    scaled.data[:] = 0
    data.data[:] = 0


def test_polars():
    """polars goes in and comes out."""
    polars = pytest.importorskip("polars")
    data = polars.DataFrame(X, schema=NUMBERS)
    scalers = [cls().fit(data).set_output(transform="polars") for cls in (StandardScaler, StockScaler)]
    ours, theirs = (scaler.transform(data) for scaler in scalers)
    assert type(ours) is polars.DataFrame
    assert ours.equals(theirs)
    assert ours.columns == theirs.columns


def test_output_containers():
    """The container of the output may be set after the fit, on the object or for the process."""
    model = make_union(StandardScaler(), PCA(2)).fit(FRAME)
    fingerprint = model.fingerprint_
    assert isinstance(model.transform(FRAME), np.ndarray)
    model.set_output(transform="pandas")
    for _ in range(2):
        assert model.transform(FRAME).columns[-1] == "pca__pca1"
    assert nl.fingerprint(model) == fingerprint
    with sklearn.config_context(transform_output="pandas"):
        assert list(StandardScaler().fit_transform(FRAME).columns) == NUMBERS
    assert pickle.loads(pickle.dumps(model)).transform(FRAME).shape == (60, 6)


@pytest.mark.parametrize(
    "make",
    [
        lambda: StandardScaler(copy=False),
        lambda: MinMaxScaler(copy=False),
        lambda: Normalizer(copy=False),
        lambda: PowerTransformer(copy=False),
        lambda: PCA(2, copy=False),
        lambda: KernelPCA(2, kernel="rbf", fit_inverse_transform=True),
        lambda: KNNImputer(copy=False),
        lambda: IterativeImputer(max_iter=1, tol=1e9),
        lambda: SimpleImputer(copy=False),
        lambda: FunctionTransformer(),
        lambda: PolynomialFeatures(1, include_bias=False),
        lambda: make_pipeline(FunctionTransformer(), StandardScaler(copy=False)),
        lambda: make_union(StandardScaler(), FunctionTransformer()),
        lambda: make_pipeline("passthrough", KNeighborsClassifier()),
    ],
    ids=lambda make: type(make()).__name__,
)
@pytest.mark.parametrize("sealing", ["fit", "fit_transform"])
def test_the_data_stay_the_users(make, sealing):
    """What was passed to a fit and what it returned stay writable; editing either leaves the object what it was."""
    data = np.random.default_rng(0).normal(size=(30, 3)) + 5
    target = np.arange(30) % 2
    obj = make()
    result = getattr(obj, sealing)(data, target) if hasattr(obj, sealing) else obj.fit(data, target)
    before = nl.fingerprint(obj)
    assert data.flags.writeable
    data[:] = 1.0
    if isinstance(result, np.ndarray):
        assert result.flags.writeable
        result[:] = 1.0
    if "KNeighbors" in repr(obj):
        return  # scikit-learn's own: it may hold the user's array, and isn't ours to change
    assert nl.fingerprint(obj) == before == obj.fingerprint_
    (obj.transform if hasattr(obj, "transform") else obj.predict)(np.ones((2, 3)))


def test_read_only_data(tmp_path):
    """Data that are mapped from a file, as joblib hands them to its workers, are fitted as any are."""
    np.save(tmp_path / "data.npy", X)
    mapped = np.load(tmp_path / "data.npy", mmap_mode="r")
    for estimator in (StandardScaler(), KNNImputer(), KernelPCA(2), scaled_model()):
        estimator.fit(mapped, y)
        expected = nl.fingerprint(clone(estimator).fit(X, y))
        assert nl.fingerprint(pickle.loads(pickle.dumps(estimator))) == expected, estimator
    del mapped, estimator
    (tmp_path / "data.npy").unlink()


# -- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trip",
    [
        lambda obj: pickle.loads(pickle.dumps(obj)),
        lambda obj: pickle.loads(pickle.dumps(obj, protocol=5)),
        joblib_round_trip,
        skops_round_trip,
        lambda obj: cloudpickle.loads(cloudpickle.dumps(obj)),
        copy.copy,
        copy.deepcopy,
    ],
    ids=["pickle", "pickle 5", "joblib", "skops", "cloudpickle", "copy", "deepcopy"],
)
def test_round_trips(trip):
    """Whatever copies an object, once or twice, gives an object with the same fingerprint and outputs."""
    for model, data in ((scaled_model(), FRAME), (table_model(), TABLE), (StandardScaler(), FRAME)):
        model.fit(data, y)
        again = trip(trip(model))
        assert again.fingerprint_ == model.fingerprint_ == nl.fingerprint(again)
        call = "predict_proba" if hasattr(model, "predict_proba") else "transform"
        assert np.array_equal(getattr(again, call)(data), getattr(model, call)(data))
        again.set_params(**again.get_params(deep=False))
        getattr(again, call)(data)


def test_memory_map(tmp_path):
    """An object that joblib maps from its file is verified and works; nothing is written to the file."""
    model = make_pipeline(StandardScaler(), KernelPCA(3, kernel="rbf")).fit(X)
    joblib.dump(model, tmp_path / "model.joblib")
    before = (tmp_path / "model.joblib").read_bytes()
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    assert np.array_equal(mapped.transform(X), model.transform(X))
    assert mapped.fingerprint_ == nl.fingerprint(mapped) == model.fingerprint_
    assert (tmp_path / "model.joblib").read_bytes() == before


@pytest.mark.campaign
def test_a_dask_worker():
    """A locked pipeline that a Dask cluster sends to its workers transforms there as it does here."""
    distributed = pytest.importorskip("distributed", reason="the extra `ecosystem` isn't installed")
    model = table_model().fit(TABLE, y)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        futures = client.map(model.predict_proba, [TABLE.iloc[:30], TABLE.iloc[30:]])
        assert np.allclose(np.concatenate(client.gather(futures)), model.predict_proba(TABLE), rtol=1e-12)


# -- never verify needlessly ---------------------------------------------------------------------


@pytest.mark.parametrize("origin", [lambda obj: obj, lambda obj: pickle.loads(pickle.dumps(obj)), skops_round_trip])
@pytest.mark.parametrize(
    ("model", "data"),
    [
        (scaled_model(), FRAME),
        (table_model(), TABLE),
        (make_union(StandardScaler(), PCA(2)), FRAME),
        (GridSearchCV(scaled_model(), {"logisticregression__C": [1.0]}, cv=2), FRAME),
        (make_pipeline(TfidfVectorizer(), LogisticRegression()), None),
    ],
    ids=["pipeline", "columns", "union", "search", "texts"],
)
def test_nothing_is_hashed_at_a_call(monkeypatch, origin, model, data):
    """A call on an untouched object hashes nothing, whatever it is made of and wherever it comes from."""
    from sklearn_normlock.fingerprints import canonical

    words, target = texts()
    data, target = (words, target) if data is None else (data, y)
    obj = origin(clone(model).fit(data, target))
    walked: list[Any] = []
    node = canonical.Walker.node
    monkeypatch.setattr(canonical.Walker, "node", lambda self, *args: walked.append(args[0]) or node(self, *args))
    call = "predict" if hasattr(obj, "predict") else "transform"
    for _ in range(3):
        getattr(obj, call)(data)
    assert walked == []
    nl.fingerprint(obj)
    assert walked  # the counter counts


def test_a_fit_hashes_a_step_once(monkeypatch):
    """A pipeline takes over the fingerprints of its steps: fitting it hashes each array of a locked step once."""
    from sklearn_normlock.fingerprints import canonical

    walked: list[str] = []
    node = canonical.Walker.node
    monkeypatch.setattr(canonical.Walker, "node", lambda self, *args: walked.append(args[0]) or node(self, *args))
    make_pipeline(StandardScaler(), PCA(2), LogisticRegression()).fit(X, y)
    assert walked.count("sklearn.preprocessing:StandardScaler") == 1
    assert walked.count("sklearn.decomposition:PCA") == 1
