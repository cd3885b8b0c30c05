"""``dump`` and ``load``: whole files, verified, in three formats."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from ordinary import TABLE, X, scaled_model, table_model, y
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock import persistence
from sklearn_normlock.decomposition import PCA
from sklearn_normlock.errors import (
    FingerprintMismatchError,
    NormLockError,
    UnfingerprintableError,
)
from sklearn_normlock.feature_extraction.text import TfidfVectorizer
from sklearn_normlock.preprocessing import FunctionTransformer, SplineTransformer, StandardScaler

FORMATS = [".skops", ".joblib", ".pkl"]
each_format = pytest.mark.parametrize("suffix", FORMATS)


def scaler() -> StandardScaler:
    return StandardScaler().fit(X)


@pytest.fixture(params=FORMATS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"model{request.param}"


# -- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "data"),
    [
        (scaler, X),
        (lambda: scaled_model().fit(X, y), X),
        (lambda: table_model().fit(TABLE, y), TABLE),
        (lambda: PCA(2).fit(X), X),
        (lambda: SplineTransformer().fit(X), X),
        (lambda: TfidfVectorizer().fit(["a red fox", "a blue fox"]), ["red fox"]),
        (lambda: StandardScaler(with_mean=False).fit(X.astype(np.float32)), X),
    ],
    ids=["scaler", "pipeline", "table", "pca", "spline", "tfidf", "float32"],
)
def test_round_trip(path, make, data):
    """What is loaded has the fingerprint and the outputs of what was dumped, twice over."""
    obj = make()
    call = "predict_proba" if hasattr(obj, "predict_proba") else "transform"
    expected = getattr(obj, call)(data)
    for _ in range(2):
        assert nl.dump(obj, path) is None
        obj = nl.load(path, expect=obj.fingerprint_)
        assert nl.fingerprint(obj) == obj.fingerprint_
        result = getattr(obj, call)(data)
        assert type(result) is type(expected)
        assert (abs(result - expected)).max() == 0
    assert os.listdir(path.parent) == [path.name]


@each_format
def test_paths(tmp_path, suffix):
    """A path may be a string or a path-like; its suffix chooses the format."""
    name = str(tmp_path / "a.b") + suffix
    nl.dump(scaler(), name)
    assert nl.load(Path(name)).fingerprint_ == nl.load(name).fingerprint_ == scaler().fingerprint_


def test_files_of_others(tmp_path):
    """A file that pickle, joblib or skops wrote of a sealed object is loaded, and one of ours is read by them."""
    with open(tmp_path / "a.pkl", "wb") as file:
        pickle.dump(scaler(), file)
    joblib.dump(scaler(), tmp_path / "a.joblib", compress=3)
    skops.io.dump(scaler(), tmp_path / "a.skops")
    for suffix in FORMATS:
        assert nl.load(tmp_path / f"a{suffix}").fingerprint_ == scaler().fingerprint_
        nl.dump(scaler(), tmp_path / f"b{suffix}")
    assert skops.io.load(tmp_path / "b.skops", trusted=nl.trusted_types()).fingerprint_ == scaler().fingerprint_
    assert joblib.load(tmp_path / "b.joblib").fingerprint_ == scaler().fingerprint_
    assert pickle.loads((tmp_path / "b.pkl").read_bytes()).fingerprint_ == scaler().fingerprint_


def test_another_process(tmp_path):
    """Another process, with another hash seed, loads and verifies each format."""
    paths = [str(tmp_path / f"model{suffix}") for suffix in FORMATS]
    model = table_model().fit(TABLE, y)
    for path in paths:
        nl.dump(model, path)
    code = "import sys, sklearn_normlock as nl; print(*[nl.load(path).fingerprint_ for path in sys.argv[1:]])"
    result = subprocess.run(
        [sys.executable, "-c", code, *paths],
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
    )
    assert result.stdout.split() == [model.fingerprint_] * 3, result.stderr


def test_a_loaded_object_can_be_changed_on_purpose(path):
    """``thaw`` opens a loaded object: its arrays can be edited in place, and it is sealed anew."""
    nl.dump(scaler(), path)
    loaded = nl.load(path)
    with nl.thaw(loaded):
        loaded.mean_[0] = 0.0
        loaded.partial_fit(X)
    assert loaded.fingerprint_ == nl.fingerprint(loaded) != scaler().fingerprint_
    nl.dump(loaded, path)
    assert nl.load(path).fingerprint_ == loaded.fingerprint_


# -- what is not written -------------------------------------------------------------------------


def test_an_altered_object_is_not_written(path):
    """An object that is not what was fitted is not saved, and what was saved before stays."""
    nl.dump(scaler(), path)
    before = path.read_bytes()
    altered = scaler()
    altered.mean_ = np.zeros(4)
    with pytest.raises(FingerprintMismatchError, match="mean_"):
        nl.dump(altered, path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (StandardScaler, UnfingerprintableError),
        (lambda: 3, UnfingerprintableError),
        (lambda: FunctionTransformer(lambda x: x).fit(X), UnfingerprintableError),
    ],
    ids=["not fitted", "no estimator", "lambda"],
)
def test_what_nothing_could_vouch_for_is_not_written(path, make, error):
    """An unfitted object, no estimator, a lambda: refused before a file is made."""
    with pytest.raises(error):
        nl.dump(make(), path)
    assert os.listdir(path.parent) == []


class Unwritable(LogisticRegression):
    """A model that no format can hold: it fails in the middle of being written."""

    def __getstate__(self) -> Any:
        raise RuntimeError("no space left")


def test_a_failure_in_the_middle_leaves_the_old_file(path, monkeypatch):
    """If writing fails on the way, what was there is there still, and nothing else is."""
    nl.dump(scaler(), path)
    before = path.read_bytes()
    write = persistence.writer(path)

    def half(est: Any, file: Any) -> None:
        file.write(b"half of it")
        file.flush()
        raise OSError("no space left on device")

    monkeypatch.setattr(persistence, "writer", lambda path: half)
    with pytest.raises(NormLockError, match="no space left on device"):
        nl.dump(PCA(2).fit(X), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    monkeypatch.setattr(persistence, "writer", lambda path: lambda *args: (write(*args), 1 / 0))
    with pytest.raises(NormLockError):
        nl.dump(PCA(2).fit(X), path.with_name(f"new{path.suffix}"))
    assert os.listdir(path.parent) == [path.name]


def test_an_interrupt_in_the_middle(path, monkeypatch):
    """So it is after an interrupt, which comes through as it is."""
    nl.dump(scaler(), path)
    before = path.read_bytes()

    def interrupted(est: Any, file: Any) -> None:
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(persistence, "writer", lambda path: interrupted)
    with pytest.raises(KeyboardInterrupt):
        nl.dump(scaler(), path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_an_object_that_the_format_cannot_hold(path):
    """What pickle or skops can't hold is refused by name, and no file is left."""
    model = scaled_model().fit(X, y)
    model.steps[-1] = ("model", Unwritable().fit(X, y))
    with nl.thaw(model):
        pass
    with pytest.raises(NormLockError, match=f"{path.suffix} can't hold this Pipeline"):
        nl.dump(model, path)
    assert os.listdir(path.parent) == []


def test_permissions(path):
    """A new file gets the permissions that any new file gets; one that is replaced keeps its own."""
    old = os.umask(0o027)
    try:
        nl.dump(scaler(), path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    nl.dump(scaler(), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.parametrize("name", ["model.onnx", "model", "model.skops.gz"])
def test_other_suffixes(tmp_path, name):
    """A suffix that isn't known is refused both ways, and the error names the three that are."""
    for call in (lambda path: nl.dump(scaler(), path), nl.load):
        with pytest.raises(NormLockError, match="is not known. Use one of .skops, .joblib, .pkl.$"):
            call(tmp_path / name)
    assert os.listdir(tmp_path) == []
