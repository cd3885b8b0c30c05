"""Rows made from fitted statistics reach what a version could change: where the data lay, its edges, and the far."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import zoo_case as data
from sklearn.cluster import DBSCAN, KMeans
from sklearn.covariance import EmpiricalCovariance
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler
from sklearn.svm import SVC
from upgrade import awkward
from upgrade.settings import SETTINGS

import sklearn_normlock as nl
from sklearn_normlock.probes.probing import probes_of
from sklearn_normlock.probes.rows import are_locked, decoded_rows, rows_digest
from sklearn_normlock.probes.synthesis import rows_for

POSITIVE = 2  # a variant

#: What can't be probed, and why.
LEFT_OUT = {"IterativeImputer[posterior] (zoo)": "its output is not the same twice on the same rows"}


def _fitted(name: str) -> Any | None:
    try:
        return SETTINGS[name].fitted()
    except (TypeError, ValueError, RuntimeError):
        return None  # not of this version, or not on these data


@pytest.mark.campaign
def test_everything_that_says_something_is_probed() -> None:
    """Of every setting that can be fitted here each probe has rows that it runs on, but for what is drawn at random."""
    probes = {name: probes_of(est) for name in SETTINGS if (est := _fitted(name)) is not None}
    left_out = {name: probe.left_out for name, found in probes.items() for probe in found if probe.left_out}
    assert left_out == {name: reason for name, reason in LEFT_OUT.items() if name in probes}
    assert len(probes) > 0.9 * len(SETTINGS)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("maker", [data.features, awkward.skewed, awkward.integers])
def test_a_power_transformer_is_probed_where_its_data_lay(maker: Any, seed: int) -> None:
    """The rows lie around the data, to both sides of the centre, though the object keeps no mean of them."""
    X = maker(seed)[0]
    rows = rows_for(PowerTransformer().fit(X), 1)
    low, high = np.quantile(X, [0.2, 0.8], axis=0)
    assert ((rows > low) & (rows < high)).any(axis=0).all()
    assert (rows.min(axis=0) < low).all() and (rows.max(axis=0) > high).all()
    positive = rows_for(PowerTransformer("box-cox").fit(np.abs(X) + 1.0), POSITIVE)
    assert (positive > 0).all()


@pytest.mark.parametrize("standardize", [True, False])
def test_a_power_transform_of_something_tiny_is_probed_at_its_size(standardize: bool) -> None:
    """Where the data is so small that the way back is lost to rounding, the rows still are of its size."""
    X = data.features()[0] * 1e-30
    try:
        fitted = PowerTransformer(standardize=standardize).fit(X)
    except RuntimeError as error:
        pytest.skip(f"SciPy finds no exponent for it: {error}")
    rows = rows_for(fitted, 1)
    assert np.isfinite(rows).all()
    assert not standardize or (np.abs(rows[rows != 0]).min() < 1e-28)


@pytest.mark.parametrize("seed", range(8))
def test_rows_do_not_depend_on_round_off(seed: int) -> None:
    """What is computed from statistics may be rounded otherwise elsewhere: rows that are made anew are the same."""
    X = data.features(seed)[0]
    for model in (PowerTransformer().fit(X), KMeans(2, n_init=1, random_state=0).fit(X)):
        expected = rows_for(model, 1)
        name = "lambdas_" if isinstance(model, PowerTransformer) else "cluster_centers_"
        for towards in (-np.inf, np.inf):
            other = copy.deepcopy(model)
            setattr(other, name, np.nextafter(getattr(model, name), towards))
            np.testing.assert_array_equal(rows_for(other, 1), expected)


def test_kernel_methods_are_probed_near_and_far() -> None:
    """Rows lie among the training rows, and so far off that every class is as likely: ties are where versions part."""
    X, y = data.blobs()
    for model in (GaussianProcessClassifier(), SVC()):
        rows = rows_for(model.fit(X, y), 0)
        rows = rows[np.isfinite(rows).all(axis=1)]
        far = (np.abs(rows - X.mean(axis=0)) > 5 * np.ptp(X, axis=0)).all(axis=1)
        assert far.any() and not far.all()
        if isinstance(model, GaussianProcessClassifier):
            np.testing.assert_allclose(model.predict_proba(rows[far]), 1 / 3, atol=1e-12)


def test_rows_are_of_the_dtype_that_it_computes_in() -> None:
    """What was fitted in float32 is probed, and so compared, in float32; what kept float64 is not."""
    X = awkward.float32()[0]
    assert rows_for(PCA(2).fit(X), 0).dtype == np.float32
    assert rows_for(PCA(2).fit(X.astype(np.float64)), 0).dtype == np.float64
    assert rows_for(StandardScaler().fit(X), 0).dtype == np.float64


def test_a_pipeline_is_given_what_its_first_step_takes() -> None:
    """Documents for a vectorizer that keeps nothing, though the steps behind it know of numbers."""
    pipeline = make_pipeline(HashingVectorizer(n_features=16), TfidfTransformer()).fit(data.texts()[0])
    assert all(isinstance(row, str) for row in rows_for(pipeline, 0))


@pytest.mark.parametrize(
    ("est", "methods"),
    [
        (NearestNeighbors(), ["kneighbors"]),
        (EmpiricalCovariance(), ["mahalanobis"]),
        (PCA(2), ["transform"]),
        (SVC(), ["predict", "decision_function"]),
        (DBSCAN(), []),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_an_object_is_asked(est: Any, methods: list[str]) -> None:
    """Transform and predict with their scores, else what there is; to have nothing to say is no open question."""
    (probe,) = nl.lock(est.fit(*data.blobs())).probes
    assert [output.method for output in probe.outputs] == methods
    assert probe.left_out is None
    assert nl.compare(est, nl.lock(est)).undecided == ()


class Wider(SVC):
    """Stands for a later version of a class, which offers a method that comes before those it had."""

    __fingerprint_class__ = SVC

    def predict_proba(self, X: Any) -> Any:
        raise NotFittedError("not available when fitted like this")


def test_what_a_later_version_offers_besides_is_not_asked() -> None:
    """An object is asked what it was asked when it was locked, whatever else it has learnt to answer since."""
    X, y = data.blobs()
    lock = nl.lock(make_pipeline(StandardScaler(), SVC()).fit(X, y))
    later = Pipeline([("standardscaler", StandardScaler()), ("svc", Wider())]).fit(X, y)
    assert nl.verify(later, lock).ok


def test_rows_of_texts_are_the_same_however_pandas_stores_them():
    """With pyarrow texts are stored otherwise, and before pandas 3 as objects: rows made there are the locked ones."""
    text = {"form": "text", "missing": "nan", "items": ["x", None]}
    objects = {"form": "array", "dtype": "object", "shape": [2], "items": ["x", {"float": "nan"}]}
    columns = [{**text, "storage": "python"}, {**text, "storage": "pyarrow"}, objects]
    forms = [{"form": "frame", "names": ["a"], "columns": [column]} for column in columns]
    assert all(are_locked(one, rows_digest(other)) for one in forms for other in forms)
    numbers = {**objects, "items": ["x", 1]}
    for column in ({**columns[0], "items": ["y", None]}, {**columns[0], "missing": "NA"}, numbers):
        assert not are_locked({**forms[0], "columns": [column]}, rows_digest(forms[0]))


def test_texts_of_pandas_3_are_objects_where_pandas_has_no_dtype_for_them(monkeypatch):
    """Rows of texts that were locked under pandas 3 can be put through an object under pandas 2.1."""
    pd = pytest.importorskip("pandas")
    column = {"form": "text", "storage": "python", "missing": "nan", "items": ["x", None]}
    document = {"form": "frame", "names": ["a"], "columns": [column]}
    monkeypatch.setattr(pd, "StringDtype", lambda storage: pd.CategoricalDtype())  # it takes no `na_value`
    rows = decoded_rows(document)
    assert rows["a"].dtype == object and rows["a"].tolist()[0] == "x" and rows["a"].isna().tolist() == [False, True]


def test_a_row_at_which_every_class_says_no():
    """Where the probabilities of all classes vanish scikit-learn 1.9 gives equal shares, and older ones NaN."""
    X, y = data.blobs()
    est = SGDClassifier(loss="log_loss", random_state=0).fit(X, y)
    wide, near = copy.deepcopy(est), copy.deepcopy(est)
    near.coef_, near.intercept_ = 500.0 * np.eye(3, X.shape[1]), np.zeros(3)
    wide.coef_, wide.intercept_ = near.coef_ / 100, near.intercept_
    near.classes_ = wide.classes_ = np.arange(3)
    assert (near.decision_function(rows_for(near, 1)) < -750).all(axis=1).any()
    assert len(rows_for(near, 1)) == len(rows_for(wide, 1)) + 3
