"""The recipes for engines run as they stand, in a process of their own, and fail with a model that isn't approved."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "engines.md"
RECIPES = {"score_spark.py": "pyspark", "score_ray.py": "ray", "service.py": "bentoml", "train_skrub.py": "skrub"}
FILES = dict(re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL))


def run(folder, name):
    quiet = {"BENTOML_DO_NOT_TRACK": "true", "RAY_USAGE_STATS_ENABLED": "0"}
    environment = {**os.environ, **quiet, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-W", "ignore", name]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


def save(folder, rows):
    X, y = load_breast_cancer(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:rows], y[:rows])
    nl.dump(model, folder / "model.skops", lock=True)


def test_every_recipe_is_run():
    """No file of the page is left out."""
    assert FILES.keys() == RECIPES.keys()


@pytest.mark.campaign  # engines start processes of their own
@pytest.mark.parametrize("name", RECIPES)
def test_recipe_of_an_engine(name, tmp_path):
    """The recipe scores with the approved model; with another file beside the same lock it fails, and says why."""
    if find_spec(RECIPES[name]) is None:
        pytest.skip(f"needs {RECIPES[name]}, which nox -s ecosystem installs")
    (tmp_path / name).write_text(FILES[name], "utf-8")
    save(tmp_path, 569)
    done = run(tmp_path, name)
    assert done.returncode == 0, done.stderr
    assert "rows scored" in done.stdout
    if name != "train_skrub.py":
        approved = (tmp_path / "model.skops.normlock.json").read_bytes()
        save(tmp_path, 300)
        (tmp_path / "model.skops.normlock.json").write_bytes(approved)
        refused = run(tmp_path, name)
        assert refused.returncode != 0
        assert "LockMismatchError" in refused.stdout + refused.stderr
