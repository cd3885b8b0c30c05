"""Claims of ``lock``, ``verify``, ``compare``, ``diff`` and ``trace``: what matches, what raises, what is said."""

from __future__ import annotations

import base64
import html.parser
import json
import logging
import pickle
import re
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sklearn
from lock_documents import COUNTS, TABLE, X, named, pipeline, scaler, y
from scipy import sparse
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from zoo import THIRD_PARTY, ZOO
from zoo_case import quiet

import sklearn_normlock as nl
from sklearn_normlock import pipeline as locked_pipeline
from sklearn_normlock import preprocessing as locked_preprocessing
from sklearn_normlock.errors import (
    LockFormatError,
    LockMismatchError,
    NormLockError,
    ProbeMismatchError,
    UndecidedError,
    UnfingerprintableError,
)
from sklearn_normlock.locks import comparison
from sklearn_normlock.locks.parts import Unjudged
from sklearn_normlock.locks.report import Report
from sklearn_normlock.probes.outputs import Deviation
from sklearn_normlock.probes.rows import decoded_rows
from sklearn_normlock.records.change import Change, Kind
from sklearn_normlock.records.diff import decode

# -- every estimator ---------------------------------------------------------------------------------------------------

#: Why a case of the zoo has an object without probes. Everything else that has an output is probed.
LEFT_OUT = {
    "IterativeImputer[posterior]": "its output is not the same twice on the same rows",
    "skrub.StringEncoder": "no rows could be made for it",  # of one column, of which it keeps nothing
    "skrub.MinHashEncoder": "no rows could be made for it",
    "skrub.GapEncoder": "no rows could be made for it",
}


def check_case(case):
    with quiet():  # some classes are deprecated, and say so whenever they are made
        _check_case(case)


def _check_case(case):
    est = case.fitted()
    lock = nl.lock(est)
    again = nl.Lock.from_dict(json.loads(json.dumps(lock.to_dict())))
    report = nl.verify(pickle.loads(pickle.dumps(est)), again)
    assert report.ok and not report.changes and not report.deviations
    why = [probe.left_out for probe in lock.probes if probe.left_out]
    if case.name in LEFT_OUT:
        assert [text for text in why if text.startswith(LEFT_OUT[case.name])], why
    else:
        assert why == []
    assert nl.lock(est) == lock, "locking uses the object, and must not change it"


@pytest.mark.parametrize("name", sorted(ZOO)[::4])
def test_an_estimator(name):
    """A fitted estimator can be locked, matches after a pickle round trip, and all that it puts out is probed."""
    check_case(ZOO[name])


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(set(ZOO) - set(sorted(ZOO)[::4])))
def test_every_estimator(name):
    """The same for all others of scikit-learn."""
    check_case(ZOO[name])


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(THIRD_PARTY))
def test_other_packages(name):
    """The same for estimators of other packages; one that no probe runs, of code without a version, can't be told."""
    if name == "Network":
        with pytest.raises(UndecidedError, match="no rows could be made for it"):
            check_case(THIRD_PARTY[name])
    else:
        check_case(THIRD_PARTY[name])


def test_left_out_is_of_known_cases():
    """The table names no case that isn't there."""
    assert {name for name in LEFT_OUT if "." not in name} <= set(ZOO) | set(THIRD_PARTY)


# -- no training rows --------------------------------------------------------------------------------------------------


def tables(lock):
    """Yield every table of numbers in a lock, as arrays, with where it stands."""
    for path, entry in lock.state.items():
        if not isinstance(entry, str) and ("values" in entry or "data" in entry) and entry["dtype"][1] in "fiu":
            yield path, np.asarray(decode(entry), float).reshape(entry["shape"])
    for probe in lock.probes:
        if probe.rows is not None:
            rows = decoded_rows(probe.rows)
            rows = rows.toarray() if sparse.issparse(rows) else rows
            rows = rows.select_dtypes("number").to_numpy() if hasattr(rows, "columns") else np.asarray(rows)
            if rows.dtype.kind in "fiu":
                yield f"rows of {probe.path}", rows.astype(float)
        for output in probe.outputs:
            if output.data and not output.magnitude:
                data = np.frombuffer(base64.b64decode(output.data), "<f8")
                yield f"output of {output.place}", data.reshape(output.shape)


def rows_found(lock, data):
    """Return where rows of the data stand in a lock, by value."""
    known = {row.tobytes() for row in data if len(set(row)) > 1}
    return [
        path
        for path, table in tables(lock)
        if table.size and table.shape[-1:] == data.shape[1:]
        for row in table.reshape(-1, table.shape[-1])
        if np.ascontiguousarray(row).tobytes() in known
    ]


def check_no_rows(case):
    data = case.data(0)[0]
    if sparse.issparse(data):
        data = data.toarray()
    if hasattr(data, "select_dtypes"):
        data = data.select_dtypes("number").to_numpy()
    data = np.asarray(data) if isinstance(data, np.ndarray) and data.ndim == 2 else np.empty((0, 1))
    if data.dtype.kind == "f" and data.shape[1] > 1 and len(data):
        assert rows_found(nl.lock(case.fitted()), np.ascontiguousarray(data, dtype=float)) == []


KEEPERS = (
    "AffinityPropagation Birch DBSCAN GaussianProcessClassifier GaussianProcessRegressor HDBSCAN Isomap KNNImputer "
    "KNeighborsClassifier KNeighborsRegressor KernelDensity KernelPCA KernelRidge LabelPropagation LocalOutlierFactor "
    "LocallyLinearEmbedding MeanShift NearestNeighbors NuSVC Nystroem OneClassSVM QuantileTransformer "
    "RadiusNeighborsClassifier SVC SVR StandardScaler"
).split()


@pytest.mark.parametrize("name", KEEPERS)
def test_no_training_row(name):
    """A lock holds no row that was trained on, also of what keeps them all: neighbours, kernels, support vectors."""
    check_no_rows(ZOO[name])


@pytest.mark.campaign
@pytest.mark.parametrize("name", sorted(ZOO))
def test_no_training_row_of_any(name):
    """The same for every estimator of scikit-learn."""
    check_no_rows(ZOO[name])


def test_the_search_for_rows_finds_them():
    """What the tests above look for is found where rows are handed over, and the lock says that it holds them."""
    lock = nl.lock(scaler(), X)
    assert set(rows_found(lock, X)) == {"rows of "}
    assert [probe.source for probe in lock.probes] == ["rows"]
    assert [probe.source for probe in nl.lock(scaler()).probes] == ["statistics"]
    from sklearn_normlock.cli.show import _lines

    assert any("YOUR ROWS are kept in the lock" in line for line in _lines(lock))
    assert not any("YOUR ROWS" in line for line in _lines(nl.lock(scaler())))


def test_a_refit_of_neighbours_is_told():
    """What isn't held by value is still compared: other rows are another state, and the report names the attribute."""
    before, after = KNeighborsClassifier().fit(X, y), KNeighborsClassifier().fit(X * [1, 1, 1.01], y)
    report = nl.compare(after, nl.lock(before))
    assert not report.ok and report.changes[0].path.startswith(("_fit_X", "_tree"))


# -- what raises -------------------------------------------------------------------------------------------------------


def test_a_match_is_a_report():
    """``verify`` returns what was compared, for stock objects and drop-ins alike."""
    drop_in = locked_pipeline.make_pipeline(locked_preprocessing.StandardScaler(), LogisticRegression()).fit(X, y)
    stock = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    for est in (drop_in, stock, nl.unlock(drop_in)):
        for lock in (nl.lock(drop_in), nl.lock(stock)):
            report = nl.verify(est, lock)
            assert report.ok and report.probed == 6 and report.tolerances["f8"] == 1e-7
            assert report.explain() == f"match, {lock.fingerprint[:23]}…, 6 probed outputs agree"


def test_another_state():
    """Another state raises; the error has the report, the path of the worst change and both fingerprints."""
    lock, wrong = nl.lock(pipeline()), pipeline()
    wrong[0].named_transformers_["num"].mean_[1] += 1
    with pytest.raises(LockMismatchError) as caught:
        nl.verify(wrong, lock)
    error = caught.value
    assert error.path == "columntransformer.num.mean_[1]" and error.report.changes == error.changes
    assert (error.expected, error.actual) == (lock.fingerprint, nl.fingerprint(wrong))
    assert str(error) == error.report.explain() and not error.report.ok
    report = nl.compare(wrong, lock)
    assert report.step == "columntransformer.num" and report.changes == error.changes


def test_policy_does_not_soften():
    """What was asked for explicitly raises under every policy."""
    lock, wrong = nl.lock(scaler()), StandardScaler().fit(X[1:])
    for policy in ("warn", "ignore"):
        with nl.config_context(policy=policy), pytest.raises(LockMismatchError):
            nl.verify(wrong, lock)


def test_bundles(tmp_path):
    """A bundle binds its members: one of them exchanged, gone or under another name is told, files by their bytes."""
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"weights")
    members = {"scaler": scaler(), "model": LogisticRegression().fit(X, y), "net": weights}
    lock = nl.lock(members)
    assert lock.members == ("model", "net", "scaler") and lock.files["model.pt"].member == "net"
    assert nl.verify(dict(reversed(members.items())), lock).ok
    assert nl.verify(members["scaler"], lock.part("scaler")).ok
    for wrong, path in (
        ({**members, "scaler": StandardScaler().fit(X[1:])}, "scaler."),
        ({**members, "model": members["scaler"], "scaler": members["model"]}, ""),
        ({name: member for name, member in members.items() if name != "model"}, "model"),
        ({**members, "more": scaler()}, "more"),
        ({"first": members["scaler"], "model": members["model"], "net": weights}, ""),
    ):
        with pytest.raises(LockMismatchError) as caught:
            nl.verify(wrong, lock)
        assert any(change.path.startswith(path) for change in caught.value.report.changes)
    weights.write_bytes(b"other weights")
    with pytest.raises(LockMismatchError) as caught:
        nl.verify(members, lock)
    assert caught.value.path.startswith("net.")
    with pytest.raises(LockMismatchError):
        nl.verify(members["scaler"], lock)


@pytest.mark.parametrize(
    "bad", [{}, {"a.b": scaler()}, {"": scaler()}, {1: scaler()}, StandardScaler(), "missing.pkl", 3]
)
def test_what_can_not_be_locked(bad):
    """What isn't fitted, or can't be a bundle, is refused with what to do."""
    with pytest.raises(UnfingerprintableError):
        nl.lock(bad if not isinstance(bad, str) else {"file": bad})


def test_other_columns():
    """An object that wants other columns than the lock's rows have is a mismatch, not somebody else's error."""
    other = named()
    frame = pd.DataFrame(X[:, :2], columns=["alter", "income"]).assign(town=TABLE[:, 3].astype(str))
    columns = ColumnTransformer([("num", StandardScaler(), ["alter", "income"]), ("cat", OneHotEncoder(), ["town"])])
    wants = make_pipeline(columns, KNeighborsClassifier()).fit(frame, np.where(y, "pays", "owes"))
    report = nl.compare(wants, nl.lock(other))
    assert not report.ok and report.deviations and report.changes


# -- behaviour ---------------------------------------------------------------------------------------------------------


def patched(monkeypatch, cls, name, change):
    old = getattr(cls, name)
    monkeypatch.setattr(cls, name, lambda self, *args, **kwargs: change(old(self, *args, **kwargs)))


def test_another_behaviour(monkeypatch):
    """The same state that puts out something else raises, naming the first step; as another version would be."""
    est = pipeline()
    lock = nl.lock(est)
    patched(monkeypatch, StandardScaler, "transform", lambda out: out + 1e-6)
    with pytest.raises(ProbeMismatchError) as caught:
        nl.verify(est, lock)
    error = caught.value
    assert error.path == "columntransformer.num" == error.report.step and error.report.changes == ()
    assert error.expected == error.actual == lock.fingerprint
    assert "the outputs differ, with the same state" in str(error)
    assert "from step columntransformer.num.transform on" in str(error)


def test_a_later_step(monkeypatch):
    """The first step that differs is named, not those before it that agree."""
    est = pipeline()
    lock = nl.lock(est)
    patched(monkeypatch, LogisticRegression, "predict_proba", lambda out: out[:, ::-1])
    with pytest.raises(ProbeMismatchError) as caught:
        nl.verify(est, lock)
    assert caught.value.path == "logisticregression"
    assert {each.place for each in caught.value.report.deviations} == {"logisticregression.predict_proba"}


@pytest.mark.parametrize("size", [1e-13, 1e-15, 0.0])
def test_round_off_is_silent(monkeypatch, size):
    """A change within round-off, as another build or platform makes it, is a match without a word."""
    est = pipeline()
    lock = nl.lock(est)
    patched(monkeypatch, StandardScaler, "transform", lambda out: out * (1 + size))
    assert nl.verify(est, lock).ok


def test_a_step_that_fails(monkeypatch):
    """A step that can't be run any more is a mismatch that says what it raised."""
    est = pipeline()
    lock = nl.lock(est)
    patched(monkeypatch, OneHotEncoder, "transform", lambda out: 1 / 0)
    with pytest.raises(ProbeMismatchError, match="can't be run: ZeroDivisionError") as caught:
        nl.verify(est, lock)
    assert caught.value.path == "columntransformer.cat"


class Noise(FunctionTransformer):
    """Adds something else each time."""

    def transform(self, X):
        return X + np.random.default_rng().normal(size=np.shape(X))


def test_a_step_that_is_not_deterministic(caplog):
    """A step whose output is not the same twice is left out and said so; the steps beside it are probed."""
    est = make_pipeline(StandardScaler(), Noise()).fit(X)
    lock = nl.lock(est)
    assert {probe.path: bool(probe.left_out) for probe in lock.probes} == {
        "": True,
        "standardscaler": False,
        "noise": True,
    }
    report = nl.compare(est, lock)
    assert not report.ok and [each.path for each in report.undecided] == ["noise"] and report.probed == 1
    assert "not the same twice" in report.explain()
    with pytest.raises(UndecidedError, match="CAN'T TELL") as raised:
        nl.verify(est, lock)
    assert raised.value.report == report and raised.value.path == "noise"
    accepted = nl.lock(est, accept={"noise": "meant to be random"})
    assert "noise is not probed: meant to be random" in nl.verify(est, accepted).explain()


def elsewhere(lock):
    return replace(lock, environment={**lock.environment, "numpy": "1.0"})


def test_another_environment(caplog):
    """Other versions with outputs that agree: no warning, and a line at INFO."""
    est = pipeline()
    with caplog.at_level(logging.INFO, "sklearn_normlock"), warnings.catch_warnings():
        warnings.simplefilter("error")
        report = nl.verify(est, elsewhere(nl.lock(est)))
    _, record = caplog.records  # the event, and the versions
    assert record.levelno == logging.INFO and "numpy 1.0 → " in record.getMessage()
    assert report.environment["numpy"][0] == "1.0" and "versions: numpy 1.0 → " in report.explain()
    caplog.clear()
    with caplog.at_level(logging.INFO, "sklearn_normlock"):
        nl.verify(est, nl.lock(est))
    assert [vars(record)["normlock.verdict"] for record in caplog.records] == ["match"]


def test_another_environment_undecided():
    """Other versions, and a step whose outputs can't be compared: undecided, and the step is named."""
    est = make_pipeline(StandardScaler(), Noise()).fit(X)
    with pytest.raises(UndecidedError, match="noise: no probe runs it .*not the same twice"):
        nl.verify(est, elsewhere(nl.lock(est)))


# -- probes ------------------------------------------------------------------------------------------------------------


def rows_of(est):
    (probe, *_) = nl.lock(est).probes
    return decoded_rows(probe.rows)


@pytest.mark.parametrize("make", [pipeline, scaler, named])
def test_probes_are_deterministic(make):
    """Two objects that are the same have the same probes, whichever of them was used in between."""
    first, second = make(), make()
    if make is not scaler:
        first.predict(
            TABLE if make is pipeline else pd.DataFrame(TABLE[:, [0, 1, 3]], columns=["age", "income", "town"])
        )
    assert nl.lock(first).probes == nl.lock(second).probes


def test_probes_of_numbers():
    """Numbers are probed at the centre and in both tails, with NaN, and where float32 rounds badly."""
    rows = rows_of(StandardScaler().fit(X))
    mean, std = X.mean(axis=0), X.std(axis=0)
    z = (rows - mean) / std
    assert np.isnan(rows).any(axis=0).all() and np.nanmin(z) < -5 and np.nanmax(z) > 2.9
    assert (np.abs(z) < 1e-9).any(axis=0).all()
    halves = rows.astype("f4").astype("f8") != rows
    assert halves[~np.isnan(rows)].mean() > 0.5


@pytest.mark.parametrize(
    "est, edges",
    [
        (MinMaxScaler(clip=True), lambda est: [est.data_min_, est.data_max_]),
        (
            KBinsDiscretizer(4, encode="ordinal", strategy="uniform", subsample=None),
            lambda est: np.column_stack(est.bin_edges_),
        ),
        (QuantileTransformer(n_quantiles=5), lambda est: est.quantiles_),
        (SplineTransformer(3), lambda est: [est.bsplines_[0].t[3:-3]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_probes_of_edges(est, edges):
    """Edges of ranges, bins, quantiles and knots are probed, and the numbers next to them on both sides."""
    est.fit(X)
    rows = rows_of(est)
    for edge in edges(est):
        at = float(np.ravel(edge)[0])
        for number in (at, np.nextafter(at, np.inf), np.nextafter(at, -np.inf)):
            assert (rows[:, 0] == number).any()


def test_probes_of_categories():
    """Every category is probed, and one that was never seen where that is allowed."""
    towns = np.array([["Bonn"], ["Graz"], ["Ulm"]], object)
    tolerant = rows_of(OneHotEncoder(handle_unknown="ignore").fit(towns))
    strict = rows_of(OneHotEncoder().fit(towns))
    assert set(tolerant.ravel()) == {"Bonn", "Graz", "Ulm", "never seen"} and set(strict.ravel()) == {
        "Bonn",
        "Graz",
        "Ulm",
    }
    coded = rows_of(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1).fit([[1.0], [5.0]]))
    assert {1.0, 5.0, 6.0} <= set(coded.ravel())


def test_probes_of_missing_values():
    """An imputer is probed with a gap in every column; what takes none is probed without."""
    gaps = np.where(np.arange(120).reshape(40, 3) % 7 == 0, np.nan, X)
    assert np.isnan(rows_of(SimpleImputer().fit(gaps))).any(axis=0).all()
    assert not np.isnan(rows_of(PCA(2).fit(X))).any()


def test_probes_of_texts():
    """Words of the vocabulary, an unseen one, other letters, other case, and an empty text."""
    rows = rows_of(TfidfVectorizer().fit(["red green", "green blue"]))
    assert "" in rows and any("Ünseen" in row for row in rows) and any("RED" in row or "GREEN" in row for row in rows)
    assert {"red", "green", "blue"} <= set(" ".join(rows).split())


def test_probes_of_every_step():
    """Each step has outputs, and those that don't see the rows of the whole have rows of their own."""
    union = FeatureUnion([("pca", PCA(2)), ("scale", make_pipeline(StandardScaler(), MinMaxScaler()))])
    est = Pipeline([("union", union), ("model", RandomForestClassifier(3, random_state=0))]).fit(X, y)
    lock = nl.lock(est)
    places = {output.place for probe in lock.probes for output in probe.outputs}
    assert {
        "union.pca.transform",
        "union.scale.standardscaler.transform",
        "union.scale.minmaxscaler.transform",
    } <= places
    assert {"union.transform", "model.predict", "model.predict_proba"} <= places
    assert {"union.scale.minmaxscaler", "model"} <= {probe.path for probe in lock.probes}


def test_rows_of_the_user():
    """Rows that are handed over are probed in place of made ones, sixteen of them, in the form that they had."""
    lock = nl.lock(pipeline(), TABLE)
    assert decoded_rows(lock.probes[0].rows).shape == (16, 4) and nl.verify(pipeline(), lock).ok
    counts = decoded_rows(nl.lock(TfidfVectorizer().fit(["a b"] * 3 + ["bb cc"]), ["bb", "cc bb"]).probes[0].rows)
    assert counts == ["bb", "cc bb"]
    from sklearn.feature_extraction.text import TfidfTransformer

    kept = decoded_rows(nl.lock(TfidfTransformer().fit(COUNTS), COUNTS).probes[0].rows)
    assert sparse.issparse(kept) and (kept != COUNTS[np.unique(np.linspace(0, 11, 16).astype(int))]).nnz == 0


def test_a_process_that_vouches_for_its_data_locks_alike():
    """A lock made where scikit-learn looks for no missing values is the one made elsewhere, and matches either way."""
    lock = nl.lock(pipeline())
    with sklearn.config_context(assume_finite=True):
        assert nl.lock(pipeline()).to_bytes() == lock.to_bytes()
        assert nl.verify(pipeline(), lock).ok


@pytest.mark.parametrize("rows", [[], np.zeros((0, 4)), 5, np.float64(5), "ab", {"a": [1.0]}, iter([[1.0]])])
def test_what_is_no_rows_is_refused(rows):
    """What has no rows can't be probed with, and the error says so, whatever was handed over."""
    with pytest.raises(NormLockError, match="which has no rows|X has no rows"):
        nl.lock(pipeline(), rows)


def test_large_outputs_are_small_in_the_lock():
    """The outputs of a step that makes thousands of columns take a few kilobytes, and one element of them is seen."""
    texts = [f"word{i} word{i + 1}" for i in range(3000)]
    est = CountVectorizer().fit(texts)
    lock = nl.lock(est)
    (output,) = lock.probes[0].outputs
    assert output.shape[1] == 3001 and len(json.dumps(output.to_dict())) < 4000
    est.vocabulary_["word0"], est.vocabulary_["word1"] = est.vocabulary_["word1"], est.vocabulary_["word0"]
    assert nl.compare(est, lock).deviations


# -- a report in words -------------------------------------------------------------------------------------------------

NASTY = Report(
    expected="nl1-sha256:" + "a" * 64,
    actual="nl1-sha256:" + "b" * 64,
    subject="dir,with:odd%name.skops",
    changes=(
        Change(path="step.p|pe", kind=Kind.VALUE, expected="<b>1</b>", actual="a|b\nc`d"),
        Change(
            path="mean_", kind=Kind.ELEMENTS, expected=1.0, actual=2.0, label='["<script>"]',
            shown=(('["<script>"]', 1.0, 2.0),), differing=1, size=3,
        ),
    ),
    deviations=(Deviation(path="step", method="transform", text="[0, 1] 1 → 2\n<i>", relative=0.5, sigmas=3.14159),),
    environment={"numpy": ("1.0", "2.0")},
    undecided=(Unjudged(path="other", why="why | not", remedy="Do <this>."),),
    probed=4,
    tolerances={"f8": 1e-8},
    notes=("a <note>",),
)  # fmt: skip

TEXT = f"""dir,with:odd%name.skops: MISMATCH: nl1-sha256:{"a" * 12}… was expected, this is nl1-sha256:{"b" * 12}…
  step.p|pe: <b>1</b> → a|b\\nc`d
  mean_["<script>"]: 1 → 2
  probed outputs move by up to 3.14 σ, from step step.transform on: [0, 1] 1 → 2\\n<i>
  versions: numpy 1.0 → 2.0
  tolerance of outputs, relative to the largest of a column: f8 1e-08; labels and whole numbers exactly
  not judged: other: why | not. Do <this>.
  a <note>
  Deploy what was locked; or, if the change is meant, lock anew and have the new lock reviewed."""


def test_text():
    """Word for word; what an object says can't begin a line of its own."""
    assert NASTY.explain() == str(NASTY) == TEXT


def test_json():
    """One line of JSON that says all of it."""
    text = NASTY.explain("json")
    assert "\n" not in text
    facts = json.loads(text)
    assert facts["changes"][0]["actual"] == "a|b\nc`d" and facts["changes"][1]["where"] == 'mean_["<script>"]'
    assert facts["deviations"][0]["sigmas"] == 3.14159 and facts["environment"] == {"numpy": ["1.0", "2.0"]}
    strange = replace(
        NASTY,
        changes=(Change(path="a", kind=Kind.ELEMENTS, expected=float("nan"), actual=float("inf")),),
        deviations=(Deviation(path="", method="m", text="", relative=float("inf"), sigmas=float("nan")),),
    )
    json.loads(strange.explain("json"), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_github():
    """One workflow command on one line, its file and text escaped so that neither ends it early."""
    text = NASTY.explain("github")
    assert text.count("\n") == 0
    assert text.startswith(
        "::error file=dir%2Cwith%3Aodd%25name.skops,title=normlock::dir,with:odd%25name.skops: MISMATCH"
    )
    assert "%0A  " not in text and "a|b\\nc`d" in text
    assert text.split("::", 2)[2].replace("%0A", "\n").replace("%25", "%") == "\n".join(
        line.removeprefix("  ") for line in TEXT.split("\n")
    )
    match = Report(expected="x", actual="x", probed=2)
    assert match.explain("github") == "::notice title=normlock::match, x, 2 probed outputs agree"


def cells(line):
    return re.split(r"(?<!\\)\|", line)[1:-1]


def test_markdown():
    """The table has four cells in every row, whatever is in them, and nothing in it is HTML."""
    text = NASTY.explain("markdown")
    outside = re.sub(r"(?<!\\)`[^`]*`", "", text)
    assert "<script>" not in outside and "<b>" not in outside and "<i>" not in outside
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 4 and all(len(cells(line)) == 4 for line in table)
    assert text.splitlines()[0].startswith("❌ **dir,with")
    assert Report(expected="x", actual="x").explain("markdown") == "✅ **match, x**"


class Tags(html.parser.HTMLParser):
    """Which tags are open, and the text between them."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], set(), ""

    def handle_starttag(self, tag, attrs):
        if tag != "meta":  # it has no end
            self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html():
    """Well-formed, with all that comes from outside escaped."""
    parser = Tags()
    parser.feed(NASTY.explain("html"))
    assert parser.open == [] and parser.seen <= {
        "meta",
        "div",
        "p",
        "strong",
        "table",
        "tr",
        "th",
        "td",
        "code",
        "ul",
        "li",
    }
    for part in ("<script>", "<b>1</b>", "<i>", "a <note>"):
        assert part in parser.text


def test_an_unknown_style():
    """Another style is an error that names those that there are."""
    with pytest.raises(ValueError, match="'text', 'json', 'github', 'markdown', 'html'"):
        NASTY.explain("rst")


@pytest.mark.parametrize("style", ["text", "json", "github", "markdown", "html"])
def test_each_style_of_real_reports(style):
    """Real reports can be told in every style: a match, a mismatch, another behaviour, two traces."""
    lock = nl.lock(pipeline())
    wrong = pipeline()
    wrong[0].named_transformers_["num"].mean_[1] += 1
    for report in (nl.compare(pipeline(), lock), nl.compare(wrong, lock), nl.diff(lock, nl.lock(wrong)), trace_diff()):
        assert report.explain(style) == report.explain(style) != ""


# -- diff and trace ----------------------------------------------------------------------------------------------------


def test_diff_of_anything(tmp_path):
    """Objects, locks and paths of locks can be told apart in any combination."""
    before, after = scaler(), StandardScaler(with_mean=False).fit(X)
    nl.lock(before).save(tmp_path / "a.normlock.json")
    nl.lock(after).save(tmp_path / "b.normlock.json")
    olds, news = (
        [before, nl.lock(before), tmp_path / "a.normlock.json"],
        [after, nl.lock(after), tmp_path / "b.normlock.json"],
    )
    for old in olds:
        for new in news:
            report = nl.diff(old, new)
            assert (
                not report.ok and report.changes[0].path == "with_mean" and report.explain().startswith("DIFFERENT: ")
            )
        assert nl.diff(old, olds[0]).ok and nl.diff(old, olds[1]).ok


def trace_diff():
    here = nl.trace(make_pipeline(StandardScaler(), MinMaxScaler()).fit(X), X)
    return here.diff(nl.trace(make_pipeline(StandardScaler(), MinMaxScaler((0, 2))).fit(X), X))


def test_trace(tmp_path):
    """A trace names the first step that differs, is saved and loaded as itself, and holds no rows."""
    est, other = pipeline(), pipeline()
    other[0].named_transformers_["num"].scale_[0] *= 1.1
    here = nl.trace(est, TABLE)
    assert here.diff(nl.trace(pickle.loads(pickle.dumps(est)), TABLE)).ok
    report = here.diff(nl.trace(other, TABLE))
    assert report.step == "columntransformer.num" and not report.ok
    assert here.diff(nl.trace(other, TABLE), rtol=0.5).step in (None, "logisticregression")
    here.save(tmp_path / "trace.json")
    again = nl.Trace.load(tmp_path / "trace.json")
    assert again == here and [each.place for each in here.outputs][-1] == "logisticregression.predict_proba"
    assert trace_diff().step == "minmaxscaler"
    short = replace(here, outputs=here.outputs[:-1])
    assert not here.diff(short).ok and not short.diff(here).ok


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-9],
        lambda text: text.replace("transform", "Transform", 1),
        lambda text: "[]",
        lambda text: '{"trace_version": 2}',
    ],
)
def test_a_damaged_trace(tmp_path, damage):
    """A trace that isn't whole is refused."""
    path = tmp_path / "trace.json"
    nl.trace(scaler(), X).save(path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(LockFormatError):
        nl.Trace.load(path)


def test_trace_raises_what_a_step_raises():
    """Rows that a step can't take raise its own error."""
    with pytest.raises(ValueError, match="features"):
        nl.trace(scaler(), X[:, :2])


def test_verify_is_pure(monkeypatch):
    """Comparing looks at neither files, nor the environment's variables, nor the policy, and changes nothing."""
    lock, est = nl.lock(pipeline()), pipeline()
    state = pickle.dumps(est)
    monkeypatch.setattr("builtins.open", lambda *a, **k: pytest.fail("a file was opened"))
    assert comparison.compare(est, lock) == comparison.compare(est, lock)
    assert pickle.dumps(est) == state


@pytest.mark.parametrize("rtol", [float("inf"), float("nan"), 1.0, 1e300, -1e-6, "0.1", None])
def test_a_tolerance_that_judges_nothing_is_refused(rtol):
    """Under infinity everything would be the same: what is no number from 0 to below 1 is no tolerance."""
    est = StandardScaler().fit(X)
    with pytest.raises(NormLockError, match="rtol is .*; it must be a number from 0 to below 1"):
        nl.compare(est, nl.lock(est), rtol=rtol)
    if rtol is not None:
        with pytest.raises(NormLockError, match="rtol is"):
            nl.trace(est, X).diff(nl.trace(est, X), rtol=rtol)
