"""Claims of the recorder: outputs of an old environment judge those of today."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pytest
from lock_documents import X, named, pipeline, scaler
from sklearn.feature_extraction.text import TfidfVectorizer

from sklearn_normlock.cli import main

MATCH, MISMATCH, COULD_NOT = 0, 1, 2


def record(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert main(["recorder", name]) == MATCH
    Path("recorder.py").write_text(capsys.readouterr().out, encoding="utf-8")
    subprocess.run([sys.executable, "recorder.py", name, "outputs.json"], check=True, capture_output=True)


def alter(change: dict[str, object]) -> None:
    document = json.loads(Path("outputs.json").read_text())
    Path("outputs.json").write_text(json.dumps({**document, **change}))


@pytest.mark.parametrize("make", [scaler, pipeline, named, lambda: TfidfVectorizer().fit(["a good bus", "bad day"])])
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
