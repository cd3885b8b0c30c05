"""MLflow: locked models are autologged; one is logged with its lock, and loaded by it."""

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.compose import ColumnTransformer
from sklearn_normlock.integrations.mlflow import TAG, _list_locked, load_model, log_model
from sklearn_normlock.model_selection import GridSearchCV
from sklearn_normlock.pipeline import Pipeline, make_pipeline
from sklearn_normlock.preprocessing import StandardScaler

mlflow = pytest.importorskip("mlflow", reason="the extra `ecosystem` isn't installed")
pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_logged_model_comes_back_by_its_lock(tmp_path, monkeypatch):
    """The whole pipeline is logged and registered with its fingerprint; another lock refuses it; pyfunc scores it."""
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/m.db")
    X = np.random.default_rng(0).normal(size=(60, 2)) * [1.0, 100.0]
    y = (X[:, 1] > 0).astype(int)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    with mlflow.start_run():
        info = log_model(model, name="model", input_example=X[:2], registered_model_name="registered")
    assert info.signature is not None
    version = mlflow.MlflowClient().get_model_version("registered", str(info.registered_model_version))
    assert version.tags[TAG] == model.fingerprint_
    again = load_model(info.model_uri)
    assert again.fingerprint_ == model.fingerprint_
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert load_model(info.model_uri, lock=nl.lock(model)).fingerprint_ == model.fingerprint_
    other = nl.lock(make_pipeline(StandardScaler(), LogisticRegression()).fit(X + 1, y))
    with pytest.raises(nl.errors.LockMismatchError):
        load_model(info.model_uri, lock=other)
    with pytest.raises(nl.errors.LockMismatchError):
        log_model(model, name="other", lock=other)
    np.testing.assert_array_equal(mlflow.pyfunc.load_model(info.model_uri).predict(X), model.predict(X))


CLASSES = """
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import StandardScaler
"""
AUTOLOG = """
import mlflow
mlflow.set_tracking_uri("sqlite:///m.db")
from sklearn_normlock.integrations.mlflow import autolog
autolog()
"""
FIT = """
import json
from pathlib import Path
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
X, y = load_breast_cancer(return_X_y=True)
with mlflow.start_run() as run:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
said = {
    "run": run.info.run_id,
    "fingerprint": model.fingerprint_,
    "parameters": sorted(model.get_params()),
    "predictions": model.predict(X).tolist(),
}
Path("said.json").write_text(json.dumps(said))
"""


@pytest.mark.parametrize("order", [CLASSES + AUTOLOG, AUTOLOG + CLASSES], ids=["classes first", "autolog first"])
def test_the_whole_pipeline_is_autologged(order, tmp_path, monkeypatch):
    """In either order of imports the run has the pipeline, all its parameters, and a model that predicts the same."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", order + FIT], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/m.db")
    said = json.loads((tmp_path / "said.json").read_text())
    run = mlflow.get_run(said["run"])
    assert run.data.tags["estimator_class"] == "sklearn_normlock.pipeline.Pipeline"
    assert sorted(run.data.params) == said["parameters"]
    (logged,) = mlflow.search_logged_models(output_format="list")
    assert logged.source_run_id == said["run"]
    again = mlflow.sklearn.load_model(logged.model_uri)
    X, y = load_breast_cancer(return_X_y=True)
    assert type(again) is Pipeline
    assert again.fingerprint_ == said["fingerprint"]
    assert again.predict(X).tolist() == said["predictions"]
    with pytest.raises(nl.errors.ArtifactDigestError):  # it is a pickle, whose bytes no lock has
        load_model(logged.model_uri, lock=nl.lock(again))
    assert load_model(logged.model_uri, lock=nl.lock(again), trust_file=True).fingerprint_ == said["fingerprint"]
    assert mlflow.pyfunc.load_model(logged.model_uri).predict(X).tolist() == said["predictions"]
    assert run.data.metrics["training_score"] == pytest.approx(again.score(X, y))


def test_a_locked_class_is_patched_if_what_it_inherits_from_is():
    """Holders and classes of users are listed, once; what MLflow leaves out of the list stays out."""

    class Mine(nl.Locked, Pipeline.__fingerprint_class__):
        pass

    flavor = SimpleNamespace(_gen_estimators_to_patch=mlflow.sklearn._gen_estimators_to_patch)
    _list_locked(flavor)
    _list_locked(flavor)
    listed = flavor._gen_estimators_to_patch()
    assert {Pipeline, GridSearchCV, Mine, LogisticRegression} <= set(listed)
    assert not {StandardScaler, ColumnTransformer} & set(listed)
    assert len(listed) == len(set(listed))


WITHOUT = """
import sys
import mlflow
lazy = mlflow.sklearn
import mlflow.sklearn
import sklearn_normlock as nl
from sklearn_normlock.integrations.mlflow import autolog
if "stand-in" in sys.argv:
    lazy.autolog  # loads it
    mlflow.sklearn = lazy
flavor = sys.modules["mlflow.sklearn"]
del flavor._gen_estimators_to_patch
flavor.autolog = lambda: sys.exit("something was patched")
try:
    autolog()
except nl.errors.MissingDependencyError as error:
    print(error)
"""


@pytest.mark.parametrize("name", ["module", "stand-in"])
def test_an_mlflow_without_the_list_is_refused(name):
    """Where locked classes can't be added nothing is patched, whatever stands for the module in its package."""
    command = [sys.executable, "-W", "ignore", "-c", WITHOUT, name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "log_model" in done.stdout
