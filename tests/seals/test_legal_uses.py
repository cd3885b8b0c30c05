"""What users and tools do with a fitted object, and may: nothing is raised, and every result stays what it was."""

from __future__ import annotations

import copy
import io
import pickle
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from ordinary import RELEASE
from sklearn.base import clone
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC

import sklearn_normlock as nl
from sklearn_normlock.compose import ColumnTransformer
from sklearn_normlock.decomposition import PCA, KernelPCA
from sklearn_normlock.impute import KNNImputer
from sklearn_normlock.model_selection import GridSearchCV
from sklearn_normlock.pipeline import FeatureUnion, make_pipeline
from sklearn_normlock.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
y = (X[:, 0] + 0.3 * rng.normal(size=60) > 0).astype(int)
FRAME = pd.DataFrame(X, columns=list("abcd"))

MODELS: dict[str, Callable[[], Any]] = {
    "scaler, linear": lambda: make_pipeline(StandardScaler(), LogisticRegression()),
    "columns": lambda: make_pipeline(
        ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", PowerTransformer(), [2])], remainder="passthrough"),
        LogisticRegression(),
    ),
    "scaler alone": lambda: StandardScaler(),
    "union": lambda: make_pipeline(
        FeatureUnion([("p", PCA(2)), ("q", QuantileTransformer(n_quantiles=10))]), LogisticRegression()
    ),
    "forest": lambda: make_pipeline(MinMaxScaler(), RandomForestClassifier(4, random_state=0)),
    "hist": lambda: make_pipeline(RobustScaler(), HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=5)),
    "boosting": lambda: make_pipeline(SplineTransformer(), GradientBoostingClassifier(n_estimators=3, random_state=0)),
    "neighbours": lambda: make_pipeline(KNNImputer(), KNeighborsClassifier()),
    "kernel": lambda: make_pipeline(KernelPCA(2, eigen_solver="dense"), SVC()),
    "bins, perceptron": lambda: make_pipeline(
        KBinsDiscretizer(3, encode="ordinal", subsample=None), MLPClassifier((3,), max_iter=5, random_state=0)
    ),
    "stacking": lambda: make_pipeline(
        StandardScaler(), StackingClassifier([("a", LogisticRegression()), ("b", KNeighborsClassifier())], cv=2)
    ),
    "search": lambda: GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1.0]}, cv=2
    ),
}


def out(model: Any, rows: Any = X) -> np.ndarray:
    method = next(name for name in ("predict_proba", "predict", "transform") if hasattr(model, name))
    return np.asarray(getattr(model, method)(rows))


def _joblib(model: Any, tmp_path: Path, mmap_mode: str | None = None, **options: Any) -> Any:
    joblib.dump(model, tmp_path / "m.joblib", **options)
    return joblib.load(tmp_path / "m.joblib", mmap_mode=mmap_mode)


def _buffers(model: Any, tmp_path: Path) -> Any:
    buffers: list[pickle.PickleBuffer] = []
    data = pickle.dumps(model, 5, buffer_callback=buffers.append)
    return pickle.loads(data, buffers=[bytes(each) for each in buffers])


def _python_pickle(model: Any, tmp_path: Path) -> Any:
    file = io.BytesIO()
    pickle._Pickler(file, 4).dump(model)  # type: ignore[attr-defined]
    return pickle._Unpickler(io.BytesIO(file.getvalue())).load()  # type: ignore[attr-defined]


def _saved(model: Any, tmp_path: Path, suffix: str) -> Any:
    nl.dump(model, tmp_path / f"m{suffix}", lock=True)
    return nl.load(tmp_path / f"m{suffix}", lock=True)


def _threads(model: Any, tmp_path: Path) -> Any:
    errors: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(3):
                assert np.array_equal(out(copy.deepcopy(model)), out(model))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors, errors
    return model


def _looked_at(model: Any, tmp_path: Path) -> Any:
    assert repr(model) and str(model) and model._repr_html_() and dir(model)
    if not isinstance(model, GridSearchCV):  # joblib takes no masked array, which scikit-learn's searches have
        assert joblib.hash(model) == joblib.hash(model)
    assert model.get_params() and vars(model)
    return model


def _how_to_compute(model: Any, tmp_path: Path) -> Any:
    names = [name for name in model.get_params() if name.rpartition("__")[2] in ("n_jobs", "verbose", "copy")]
    parameters = model.get_params()
    return model.set_params(**{name: parameters[name] for name in names if parameters[name] is not None})


def _own_arrays(model: Any, tmp_path: Path) -> Any:
    rows, target = X.copy(), y.copy()
    fitted = clone(model).fit(rows, target)
    rows[:] = target[:] = 0
    found = out(fitted)
    found[:] = 0
    frame = FRAME.copy()
    clone(model).fit(frame, y)
    frame.iloc[0, 0] = 3.0
    assert frame.iloc[0, 0] == 3.0
    return model


def _layouts(model: Any, tmp_path: Path) -> Any:
    locked = X.copy()
    locked.setflags(write=False)
    for rows in (locked, np.asfortranarray(X), X.astype(">f8"), X[::-1][::-1], X.tolist()):
        assert np.allclose(out(model, rows), out(model), rtol=1e-12)
    out(model, X[:1])
    if RELEASE >= (1, 9):  # old splines give gaps for some numbers in float32
        out(model, X.astype(np.float32))
    return model


def _on_frames(model: Any, tmp_path: Path) -> Any:
    fitted = clone(model).fit(FRAME, y)
    assert list(fitted.feature_names_in_) == list(FRAME)
    assert np.array_equal(out(pickle.loads(pickle.dumps(fitted)), FRAME), out(fitted, FRAME))
    if hasattr(fitted, "set_output") and hasattr(fitted, "transform"):
        fitted.set_output(transform="pandas")
    out(fitted, FRAME)
    out(fitted, FRAME)
    return model


def _fitted_again(model: Any, tmp_path: Path) -> Any:
    loaded = pickle.loads(pickle.dumps(model))
    loaded.fit(X, y)
    out(loaded.fit(X[:40], y[:40]))
    return clone(loaded).fit(X, y) and model


def _thawed(model: Any, tmp_path: Path) -> Any:
    with nl.thaw(model):
        pass
    return model


def _held(model: Any, tmp_path: Path) -> Any:
    if hasattr(model, "predict"):
        cross_val_predict(model, X, y, cv=2)
        assert model.score(X, y) > 0.5
    else:
        make_pipeline(clone(model), LogisticRegression()).fit(X, y).predict(X)
    return model


USES: dict[str, Callable[[Any, Path], Any]] = {
    **{f"pickle {protocol}": lambda m, _, p=protocol: pickle.loads(pickle.dumps(m, p)) for protocol in (0, 2, 4, 5)},
    "buffers out of band": _buffers,
    "pickle in Python": _python_pickle,
    "joblib": _joblib,
    "joblib, mapped": lambda m, path: _joblib(m, path, "r"),
    "joblib, mapped for copies": lambda m, path: _joblib(m, path, "c"),
    "joblib, zlib": lambda m, path: _joblib(m, path, compress=3),
    "joblib, lzma": lambda m, path: _joblib(m, path, compress=("lzma", 3)),
    "saved as .pkl": lambda m, path: _saved(m, path, ".pkl"),
    "saved as .joblib": lambda m, path: _saved(m, path, ".joblib"),
    "saved as .skops": lambda m, path: _saved(m, path, ".skops"),
    "copied": lambda m, _: copy.copy(copy.copy(m)),
    "copied deeply": lambda m, _: copy.deepcopy(copy.deepcopy(m)),
    "unlocked": lambda m, _: nl.unlock(m),
    "unlocked and sealed": lambda m, _: nl.seal(nl.unlock(m)),
    "threads": _threads,
    "looked at": _looked_at,
    "how to compute": _how_to_compute,
    "arrays of the user": _own_arrays,
    "layouts": _layouts,
    "frames": _on_frames,
    "fitted again": _fitted_again,
    "thawed": _thawed,
    "held by others": _held,
}

FAST = {"scaler, linear", "columns"}


@pytest.mark.parametrize(
    "name", [name if name in FAST else pytest.param(name, marks=pytest.mark.campaign) for name in MODELS]
)
def test_a_legal_use_is_no_alarm(name: str, tmp_path: Path) -> None:
    """Nothing is raised by any use, and what comes back from it computes the same bits."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)
        warnings.filterwarnings("ignore", message=".*converge.*")
        warnings.filterwarnings("ignore", message=".*feature names.*")  # scikit-learn's own, of arrays after frames
        if RELEASE < (1, 6):
            warnings.filterwarnings("ignore", category=DeprecationWarning)
        model = MODELS[name]().fit(X, y)
        before = out(model)
        for use, run in USES.items():
            try:
                after = run(model, tmp_path)
                assert np.array_equal(out(after), before), "another result"
                assert np.array_equal(out(model), before), "another result of the model itself"
            except Exception as error:
                raise AssertionError(f"{name}: {use}: {type(error).__name__}: {error}") from error


def test_there_are_uses_enough() -> None:
    """More than 150 uses are tried."""
    assert len(MODELS) * len(USES) >= 150
