"""MLflow: a locked model is logged with its lock, and loaded by it."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.integrations.mlflow import TAG, load_model, log_model
from sklearn_normlock.pipeline import make_pipeline
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
    with pytest.raises(nl.errors.LockMismatchError):
        load_model(info.model_uri, lock=nl.lock(make_pipeline(StandardScaler(), LogisticRegression()).fit(X + 1, y)))
    np.testing.assert_array_equal(mlflow.pyfunc.load_model(info.model_uri).predict(X), model.predict(X))
