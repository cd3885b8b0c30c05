"""A label that round-off decides, and a row that a version refuses, are no mismatch of the object; they are said."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import zoo_case as data
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.probes.probing import probes_of, replay


class Tied(LogisticRegression):
    """Names the last of equally likely classes, as another build might; the first, as scikit-learn, without `last`."""

    last = False

    def predict(self, X: Any) -> Any:
        p = self.predict_proba(X)
        best = p >= p.max(axis=1, keepdims=True) - 1e-12
        at = (best.shape[1] - 1 - best[:, ::-1].argmax(axis=1)) if self.last else best.argmax(axis=1)
        return self.classes_[at]


def even(labels: Any = (0, 1, 2)) -> Tied:
    """A model to which all classes are equally likely everywhere."""
    X, y = data.blobs()
    est = Tied().fit(X, np.asarray(labels)[y])
    est.coef_ = np.zeros_like(est.coef_)
    est.intercept_ = np.zeros_like(est.intercept_)
    return est


@pytest.mark.parametrize("labels", [(0, 1, 2), ("ash", "birch", "cedar")])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_label_at_a_tie_is_judged_by_its_scores(labels: Any, wrapped: bool) -> None:
    """The scores agree and both labels are among the likeliest: a match, and the report says what was a tie."""
    est: Any = even(labels)
    if wrapped:
        scaler = StandardScaler().fit(data.blobs()[0])
        est = make_pipeline(StandardScaler(), Tied()).fit(*data.blobs())
        est.steps = [("scaler", scaler), ("model", even(labels))]
    lock = nl.lock(est)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tied, "last", True)
        report = nl.compare(est, lock)
    assert report.deviations == ()
    assert any("a tie, judged by its scores" in note for note in report.notes)


def test_another_label_without_a_tie_is_a_mismatch() -> None:
    """Where one class is clearly the likeliest, another label is another answer though the scores agree."""
    X, y = data.blobs()
    est = Tied().fit(StandardScaler().fit_transform(X), y)
    lock = nl.lock(est)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tied, "predict", lambda self, X: self.classes_[self.predict_proba(X).argmin(axis=1)])
        report = nl.compare(est, lock)
    assert [deviation.method for deviation in report.deviations] == ["predict"]


def test_a_label_that_is_not_among_the_likeliest_is_a_mismatch() -> None:
    """At a tie of two classes, the third one is an error."""
    est = even()
    est.intercept_ = np.array([1.0, 1.0, -5.0])
    lock = nl.lock(est)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tied, "predict", lambda self, X: np.full(len(X), self.classes_[2]))
        report = nl.compare(est, lock)
    assert [deviation.method for deviation in report.deviations] == ["predict"]


def test_scores_that_moved_excuse_no_label() -> None:
    """Scores beyond their tolerance are a mismatch, and so are the labels that go with them."""
    est = even()
    probe = probes_of(est)[0]
    other = copy.deepcopy(est)
    other.intercept_ = np.array([0.0, 0.0, 1e-3])
    assert {deviation.method for deviation in replay(probe, other).deviations} == {"predict", "predict_proba"}


@pytest.mark.parametrize("rtol", [None, 1e-6])
def test_ties_of_targets_clusters_and_processes(rtol: float | None) -> None:
    """Each kind of label is judged by what the object has for scores: of targets, of clusters, of processes."""
    X, y = data.blobs()
    tied: Any = MultiOutputClassifier(Tied()).fit(*data.two_labels())
    for member in tied.estimators_:
        member.coef_ = np.zeros_like(member.coef_)
        member.intercept_ = np.zeros_like(member.intercept_)
    probe = probes_of(tied)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tied, "last", True)
        found = replay(probe, tied, rtol)
    assert (found.deviations, len(found.ties)) == ((), 1)

    clusters = KMeans(2, n_init=1, random_state=0).fit(X)
    clusters.cluster_centers_ = np.vstack([clusters.cluster_centers_[0]] * 2)
    probe = probes_of(clusters)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KMeans, "predict", lambda self, X: np.ones(len(X), dtype=np.int32))
        found = replay(probe, clusters, rtol)
    assert (found.deviations, len(found.ties)) == ((), 1)

    process = GaussianProcessClassifier().fit(X, y)
    probe = probes_of(process)[0]
    predict = GaussianProcessClassifier.predict

    def otherwise(self: Any, X: Any) -> Any:
        p = self.predict_proba(X)
        last = p.shape[1] - 1 - (p[:, ::-1] >= p.max(axis=1, keepdims=True) - 1e-9).argmax(axis=1)
        return self.classes_[last]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GaussianProcessClassifier, "predict", otherwise)
        found = replay(probe, process, rtol)
    assert found.deviations == ()
    assert GaussianProcessClassifier.predict is predict


def refusing(self: Any, X: Any) -> Any:
    """Predict as a version that takes no missing values."""
    if np.isnan(X).any():
        raise ValueError("Input X contains NaN.")
    return original(self, X)


original = HistGradientBoostingClassifier.predict_proba


def test_rows_that_a_version_refuses_are_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows with missing values that another version refuses are open: no mismatch, and no match either."""
    est = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=4).fit(*data.blobs())
    probe = probes_of(est)[0]
    monkeypatch.setattr(HistGradientBoostingClassifier, "predict_proba", refusing)
    found = replay(probe, est)
    assert found.deviations == ()
    assert "can't be run: ValueError: Input X contains NaN" in str(found.refused)  # predict asks for it up to 1.5


def test_a_step_is_judged_by_what_is_let_through_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows with missing values that no step before it lets through are nothing that a version could refuse."""
    X, y = data.blobs()
    behind = make_pipeline(Binarizer(), HistGradientBoostingClassifier(max_iter=3)).fit(X, y)
    open_to_all = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=3)).fit(X, y)
    locks = nl.lock(behind), nl.lock(open_to_all)
    monkeypatch.setattr(HistGradientBoostingClassifier, "predict_proba", refusing)
    report = nl.verify(behind, locks[0])
    assert [note for note in report.notes if "lets none through" in note]
    assert nl.compare(open_to_all, locks[1]).undecided


def test_the_other_rows_are_judged_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where some rows are refused and others have another output, that is a mismatch."""
    est = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=4).fit(*data.blobs())
    probe = probes_of(est)[0]
    monkeypatch.setattr(HistGradientBoostingClassifier, "predict_proba", lambda self, X: refusing(self, X) * 1.01)
    assert [deviation.method for deviation in replay(probe, est).deviations] == ["predict_proba"]


def test_what_runs_on_no_rows_is_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that can't be run at all is no open question, nor are rows of the user's that it refuses."""
    X, y = data.blobs()
    est = HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=4).fit(X, y)
    gaps = np.where(np.arange(X.size).reshape(X.shape) % 5 == 0, np.nan, X)
    synthetic, handed_over = probes_of(est)[0], probes_of(est, X=gaps)[0]
    monkeypatch.setattr(HistGradientBoostingClassifier, "predict_proba", refusing)
    (deviation,) = replay(handed_over, est).deviations
    assert "can't be run" in deviation.text

    def broken(self: Any, X: Any) -> Any:
        raise AttributeError("no attribute '_new_in_this_version'")

    monkeypatch.setattr(HistGradientBoostingClassifier, "predict_proba", broken)
    (deviation,) = replay(synthetic, est).deviations
    assert "_new_in_this_version" in deviation.text
