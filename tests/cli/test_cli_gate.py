"""The command ``normlock gate``: its answers are exit codes, and each style can be written."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Make two pipelines with their locks, and reference rows of which one column is no feature."""
    path = tmp_path_factory.mktemp("gate")
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(6000, 3)), columns=["a", "b", "c"])
    y = np.where(X["a"] + 0.3 * rng.normal(size=6000) > 0, "yes", "no")
    good = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:3000], y[:3000])
    other = make_pipeline(StandardScaler(), LogisticRegression(C=0.95)).fit(X[:3000], y[:3000])
    bad = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:3000] + [1.0, 0, 0], y[:3000])
    for name, est in (("good", good), ("other", other), ("bad", bad)):
        nl.dump(est, path / f"{name}.joblib", lock=True)
    rows = X[3000:].assign(label=y[3000:], region=np.resize(["north", "south"], 3000), weight=1.0)
    for name, some in (("rows", rows), ("few", rows[:40])):  # pandas needs pyarrow to write one
        pl.DataFrame({column: some[column].to_numpy() for column in some}).write_parquet(path / f"{name}.parquet")
    (path / "normlock.toml").write_text("[gate.overall]\naccuracy = { max_drop = 0.5 }\n")
    return path


def run(folder, old, new, *options, data="rows.parquet"):
    artifacts = [str(folder / name) for name in (old, new)]
    return main(["gate", *artifacts, "--data", str(folder / data), *options])


@pytest.mark.parametrize(
    ("new", "options", "code"),
    [
        ("other.joblib", ["--target", "label", "--cohort", "region"], 0),
        ("bad.joblib", ["--target", "label", "--cohort", "a:4", "--cohort", "found"], 1),
        ("bad.joblib", ["--target", "label", "--weight", "weight"], 1),
        ("bad.joblib", [], 2),  # without right answers
        ("other.joblib", ["--target", "nowhere"], 2),
        ("other.joblib", ["--target", "label", "--metric", "acuracy"], 2),
        ("other.joblib", ["--target", "label", "--limits", "nowhere.toml"], 2),
        ("nowhere.joblib", ["--target", "label"], 2),
    ],
)
def test_exit_codes(folder, capsys, new, options, code):
    """0 may replace, 1 must not, 2 can't tell; each says why."""
    assert run(folder, "good.joblib", new, *options) == code
    said = "".join(capsys.readouterr())
    assert {0: "MAY REPLACE", 1: "MUST NOT REPLACE"}.get(code, "") in said and said


def test_few_rows_and_limits(folder, capsys):
    """Too few rows are exit code 2; a file of limits decides what is demanded."""
    assert run(folder, "good.joblib", "other.joblib", "--target", "label", data="few.parquet") == 2
    assert "rows like these would decide" in capsys.readouterr().out
    limits = ["--target", "label", "--limits", str(folder / "normlock.toml")]
    assert run(folder, "good.joblib", "bad.joblib", *limits) == 0


def test_pinned_rows(folder, tmp_path, capsys):
    """--pin writes a manifest, alone or beside a gate; rows that are not the pinned ones are a mismatch."""
    manifest = str(tmp_path / "reference.json")
    data = str(folder / "rows.parquet")
    assert main(["gate", "--data", data, "--target", "label", "--pin", manifest]) == 0
    options = ["--target", "label", "--reference", manifest]
    assert run(folder, "good.joblib", "other.joblib", *options) == 0
    assert "nlr1-sha256:" in capsys.readouterr().out
    assert run(folder, "good.joblib", "other.joblib", *options, data="few.parquet") == 1
    assert main(["gate", "--data", data]) == 2


@pytest.mark.parametrize("style", ["json", "github", "markdown", "html"])
def test_styles(folder, tmp_path, capsys, style):
    """Each style goes to standard output, or to a file with the verdict on the screen."""
    options = ["--target", "label", "--format", style]
    assert run(folder, "good.joblib", "bad.joblib", *options) == 1
    said = capsys.readouterr().out
    if style == "json":
        assert json.loads(said)["answer"] == "mismatch"
    assert run(folder, "good.joblib", "bad.joblib", *options, "-o", str(tmp_path / "report")) == 1
    assert (tmp_path / "report").read_text("utf-8") == said
    assert capsys.readouterr().out.startswith("MUST NOT REPLACE")
