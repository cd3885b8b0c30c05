"""``normlock demo``: the main job on real data, and three faults that scikit-learn serves without a word.

Every number is computed here and now: the data is scikit-learn's breast cancer set (569 tumours, 30 measurements).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn import pipeline as stock_pipeline
from sklearn import preprocessing as stock_preprocessing
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

from .. import pipeline, preprocessing
from ..errors import NormLockError
from ..persistence import dump

# With pandas the errors name features, without it columns.
try:
    import pandas  # noqa: F401
except ImportError:
    _FRAMES = False
else:
    _FRAMES = True
_RELOAD = """
import sys
import numpy as np, sklearn_normlock as nl
from sklearn_normlock.cli.demonstration import measurements
model = nl.load(sys.argv[1])
X, _ = measurements(np.load(sys.argv[2]))
np.save(sys.argv[3], model.predict_proba(X))
print(model.fingerprint_)
"""


def measurements(rows: Any) -> tuple[Any, Any]:
    """Return the measurements and the diagnoses of some of the tumours, by their row numbers."""
    data = load_breast_cancer(as_frame=_FRAMES)
    return (data.data.iloc[rows], data.target.iloc[rows]) if _FRAMES else (data.data[rows], data.target[rows])


def _refit(pipe: Any, later: Any) -> None:
    """Refit the scaler on the data that it is to serve."""
    pipe["scaler"].fit(later)


def _last_version(pipe: Any, old: Any) -> None:
    """Leave last version's scaler beside this version's model."""
    pipe.steps[0] = ("scaler", old)


def _parameter(pipe: Any, _: Any) -> None:
    """Change a parameter after the fit, in a start-up script say."""
    pipe.set_params(scaler__with_mean=False)


def _pipeline(pipelines: Any, scalers: Any) -> Any:
    return pipelines.Pipeline([("scaler", scalers.StandardScaler()), ("model", LogisticRegression(max_iter=1000))])


def demonstrate() -> bool:
    """Run the demonstration and print it.

    Returns
    -------
    passed : bool
        Whether the reloaded pipeline matched and every fault was caught.
    """
    diagnoses = load_breast_cancer().target
    train, test = train_test_split(np.arange(len(diagnoses)), random_state=0, stratify=diagnoses)
    (X_train, y_train), (X_test, y_test) = measurements(train), measurements(test)
    # The later data differs from the training data: here, the larger half of the tumours.
    radius = np.asarray(X_test)[:, 0]
    later = radius > np.median(radius)

    print("1. Train, save, reload in another process")
    locked = _pipeline(pipeline, preprocessing).fit(X_train, y_train)
    print(f"   fitted on {len(X_train)} rows: {locked.fingerprint_}")
    print(f"   accuracy on {len(X_test)} held-out rows: {locked.score(X_test, y_test):.3f}")
    same = _reloaded(locked, X_test, test)

    print("\n2. Three faults: what scikit-learn serves, and what is raised instead")
    faults: list[tuple[str, Callable[[Any, Any], None], Callable[[Any], Any], Any, Any]] = [
        (
            "scaler refitted on later data (the larger half of the tumours)",
            _refit,
            lambda _: X_test[later],
            X_test[later],
            y_test[later],
        ),
        (
            "last version's scaler (min-max) with this version's model",
            _last_version,
            lambda scalers: scalers.MinMaxScaler().fit(X_train),
            X_test,
            y_test,
        ),
        ("with_mean=False set after the fit", _parameter, lambda _: None, X_test, y_test),
    ]
    caught = [_fault(*fault, X_train, y_train) for fault in faults]
    passed = same and all(caught)
    print(f"\n{sum(caught)} of {len(faults)} faults raised; the reloaded pipeline {'matches' if same else 'DIFFERS'}.")
    return passed


def _reloaded(locked: Any, X_test: Any, test: Any) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        model, rows, out = (Path(folder) / name for name in ("model.skops", "rows.npy", "probabilities.npy"))
        dump(locked, model)
        np.save(rows, test)
        print(f"   saved as model.skops ({model.stat().st_size / 1000:.0f} kB)")
        other = subprocess.run(
            [sys.executable, "-c", _RELOAD, str(model), str(rows), str(out)],
            capture_output=True,
            text=True,
            check=False,
        )
        if other.returncode:
            print(textwrap.indent(other.stderr, "   "))
            return False
        equal = bool(np.array_equal(np.load(out), locked.predict_proba(X_test)))
        print(
            f"   another process loaded {other.stdout.strip()[:24]}…, its probabilities are "
            f"{'bitwise the same' if equal else 'DIFFERENT'}"
        )
        return equal and other.stdout.strip() == locked.fingerprint_


def _fault(
    title: str,
    change: Callable[[Any, Any], None],
    with_what: Callable[[Any], Any],
    X: Any,
    y: Any,
    X_train: Any,
    y_train: Any,
) -> bool:
    print(f"\n   {title}")
    stock = _pipeline(stock_pipeline, stock_preprocessing).fit(X_train, y_train)
    before = stock.score(X, y)
    change(stock, with_what(stock_preprocessing))
    print(f"     scikit-learn       serves accuracy {stock.score(X, y):.3f} instead of {before:.3f}, and says nothing")
    locked = _pipeline(pipeline, preprocessing).fit(X_train, y_train)
    change(locked, with_what(preprocessing))
    try:
        locked.predict(X)
    except NormLockError as error:
        print("     sklearn-normlock   raises " + type(error).__name__)
        print(textwrap.fill(str(error), 110, initial_indent=" " * 7, subsequent_indent=" " * 7))
        return True
    print("     sklearn-normlock   RAISES NOTHING")
    return False
