"""Claims of the recorder: outputs of an old environment judge those of today."""

from __future__ import annotations

import hashlib
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from lock_documents import X, named, pipeline, scaler
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from zoo import ZOO
from zoo_case import quiet

from sklearn_normlock.cli import main
from sklearn_normlock.locks import fitted
from sklearn_normlock.locks.code import code_in, environment_of
from sklearn_normlock.locks.fitted import versions_in
from sklearn_normlock.locks.recorded import Recording
from sklearn_normlock.locks.report import Report, Verdict
from sklearn_normlock.probes import recorder
from sklearn_normlock.probes.rows import encoded_rows

MATCH, MISMATCH, COULD_NOT = 0, 1, 2


def record(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["recorder", name]) == MATCH
    Path("recorder.py").write_text(capsys.readouterr().out, encoding="utf-8")
    subprocess.run([sys.executable, "recorder.py", name, "outputs.json"], check=True, capture_output=True)


def alter(change: dict[str, object]) -> None:
    document = json.loads(Path("outputs.json").read_text())
    Path("outputs.json").write_text(json.dumps({**document, **change}))


def texts() -> TfidfVectorizer:
    return TfidfVectorizer().fit(["a good bus", "bad day"])


@pytest.mark.parametrize(
    "make", [named, texts, *(pytest.param(make, marks=pytest.mark.campaign) for make in (scaler, pipeline))]
)
def test_three_commands(
    make: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recorded outputs that agree are a match; others, of another file or version, are not."""
    monkeypatch.chdir(tmp_path)
    joblib.dump(make(), "model.joblib")  # type: ignore[operator]
    record("model.joblib", capsys)
    assert main(["lock", "model.joblib", "--recorded", "outputs.json"]) == MATCH
    assert main(["verify", "model.joblib", "--recorded", "outputs.json"]) == MATCH
    assert "recorded" in capsys.readouterr().out
    outputs = json.loads(Path("outputs.json").read_text())
    other = {name: {**each, "shape": [0], "dtype": "<f8", "data": ""} for name, each in outputs["outputs"].items()}
    for each in other.values():
        each.pop("texts", None)
    alter({"outputs": other})
    assert main(["lock", "model.joblib", "--recorded", "outputs.json"]) == MISMATCH
    assert main(["verify", "model.joblib", "--recorded", "outputs.json"]) == MISMATCH
    for change in ({"sha256": "0" * 64}, {"outputs": {}}, {"environment": {"scikit-learn": "0.1"}}):
        alter({**outputs, **change})
        assert main(["lock", "model.joblib", "--recorded", "outputs.json"]) == COULD_NOT
    Path("outputs.json").write_text("{")
    assert main(["verify", "model.joblib", "--recorded", "outputs.json"]) == COULD_NOT


def test_an_object_that_changed_is_a_mismatch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers that moved by more than the tolerance are found, and no lock is written."""
    monkeypatch.chdir(tmp_path)
    joblib.dump(scaler(), "model.joblib")
    record("model.joblib", capsys)
    monkeypatch.setattr("sklearn.preprocessing.StandardScaler.transform", lambda self, rows: np.asarray(rows) * 1.001)
    assert main(["lock", "model.joblib", "--recorded", "outputs.json"]) == MISMATCH
    assert not Path("model.joblib.normlock.json").exists() and X.shape[1] == 3


# -- under which version, by the bytes --------------------------------------------------------------------------------


def _files(est: Any, folder: Path) -> Iterator[Path]:
    """Write an object in every way that users do."""
    for protocol in (0, 2, 3, 4, 5):
        path = folder / f"{protocol}.pkl"
        path.write_bytes(pickle.dumps(est, protocol))
        yield path
    for compress in (0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3)):
        path = folder / "compressed.joblib"
        joblib.dump(est, path, compress=compress)
        yield path


FEW = ["StandardScaler", "LogisticRegression", "TfidfVectorizer", "RandomForestClassifier", "ColumnTransformer"]


@pytest.mark.parametrize(
    "names", [FEW, pytest.param([name for name in ZOO if "[" not in name], marks=pytest.mark.campaign)], ids=len
)
def test_the_version_of_every_class_in_every_kind_of_pickle(names: list[str], tmp_path: Path) -> None:
    """The version that scikit-learn wrote is found, and no other: what follows a string is no part of it."""
    for name in names:
        with quiet():
            est = ZOO[name].fitted()
        for path in _files(est, tmp_path):
            assert versions_in(path) == (sklearn.__version__,), (name, path.name)


def test_what_follows_a_version_is_no_part_of_it() -> None:
    """Opcodes behind a string of the old protocols are letters, too."""
    for tail in (b"q\x06ub.", b"ub.", b"q0X", b"r.abc"):
        data = b"X\x10\x00\x00\x00_sklearn_versionq\x05X\x06\x00\x00\x000.23.2" + tail
        assert list(fitted._versions(data)) == ["0.23.2"]
    assert not list(fitted._versions(b"_sklearn_versionq\x05X\x06\x00\x00\x000.2"))


class Compiled:
    """An object of a class that describes the module of its instances, as functions that Cython compiled are."""

    __module__ = property(lambda self: "of.its.own")  # type: ignore[assignment]

    def __reduce__(self) -> Any:
        return int, ()


def test_code_whose_class_has_no_module() -> None:
    """What stands for the module of a class need be no text: the object's own name counts then."""
    assert ("of.its.own", "Compiled") in code_in([Compiled()])
    assert isinstance(environment_of(code_in([Compiled()])), dict)


def test_a_recorded_label_at_a_tie_is_judged_by_its_scores(tmp_path: Path) -> None:
    """A label that differs where two classes are equally likely is no mismatch; a score that differs is one."""
    model = DummyClassifier(strategy="prior").fit([[0.0], [1.0]], [0, 1])
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(model))
    document = {
        "recording_version": 1,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "environment": {"scikit-learn": "0.23.2", "numpy": "1.23.5", "python": "3.8"},
        "rows": encoded_rows(np.zeros((2, 1))),
        "outputs": {
            "predict": recorder.output(np.array([1, 0])),
            "predict_proba": recorder.output(np.full((2, 2), 0.5)),
        },
    }
    (tmp_path / "r.json").write_text(json.dumps(document))
    report = Recording.load(tmp_path / "r.json").report(model, path)
    assert report.ok and "a tie, judged by its scores" in report.notes[0]
    document["outputs"]["predict_proba"] = recorder.output(np.full((2, 2), [0.4, 0.6]))
    (tmp_path / "r.json").write_text(json.dumps(document))
    assert len(Recording.load(tmp_path / "r.json").report(model, path).deviations) == 2


def test_an_output_that_is_gone_and_a_recording_of_no_rows(tmp_path: Path) -> None:
    """What was recorded and isn't put out now is a mismatch; outputs of no rows judge nothing."""
    model = DummyClassifier(strategy="prior").fit([[0.0], [1.0]], [0, 1])
    path = tmp_path / "m.pkl"
    path.write_bytes(pickle.dumps(model))

    def report(rows: np.ndarray, **outputs: np.ndarray) -> Report:
        document = {
            "recording_version": 1,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "environment": {"scikit-learn": "0.23.2", "numpy": "1.23.5", "python": "3.8"},
            "rows": encoded_rows(rows),
            "outputs": {name: recorder.output(output) for name, output in outputs.items()},
        }
        (tmp_path / "r.json").write_text(json.dumps(document))
        return Recording.load(tmp_path / "r.json").report(model, path)

    half = np.full((2, 2), 0.5)
    assert report(half, predict_proba=half).ok
    gone = report(half, **{"predict_proba": half, "predict_proba[1]": half})
    assert [each.method for each in gone.deviations] == ["predict_proba[1]"]
    assert report(half[:0], predict_proba=half[:0]).verdict is Verdict.UNDECIDED
