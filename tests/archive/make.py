"""Save artifacts of a version of this package for its successors to load: ``python tests/archive/make.py 0.1.0``.

Run once for each release, and once for each scikit-learn that the release is to be remembered under; what is there is
never written again, because an archive that is made anew proves nothing. In ``<release>/<scikit-learn>/`` it leaves
every object in the three formats, and ``expected.json``: the fingerprint, the environment, an input and its output.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.compose import ColumnTransformer
from sklearn_normlock.decomposition import PCA, TruncatedSVD
from sklearn_normlock.feature_extraction.text import TfidfVectorizer
from sklearn_normlock.impute import KNNImputer, SimpleImputer
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import OneHotEncoder, PowerTransformer, SplineTransformer, StandardScaler

FOLDER = Path(__file__).resolve().parent
SUFFIXES = (".skops", ".joblib", ".pkl")
COLUMNS = ["age", "income", "rate"]
TOWNS = ["Bonn", "Graz", "Ulm"]
WORDS = "lock seal guard drift scale train serve model column vector".split()


def frame(seed: int, n: int = 40) -> pd.DataFrame:
    """Return numbers of unequal scale with gaps in one of them, and a column of text."""
    rng = np.random.RandomState(seed)
    table = pd.DataFrame(rng.normal([40.0, 3e4, 0.2], [9.0, 8e3, 0.1], size=(n, 3)), columns=COLUMNS)
    table.loc[rng.rand(n) < 0.1, "age"] = np.nan
    return table.assign(town=[TOWNS[i] for i in rng.randint(3, size=n)])


def numbers(seed: int, n: int = 40) -> np.ndarray:
    return frame(seed, n)[["income", "rate"]].to_numpy()


def texts(seed: int, n: int = 40) -> list[str]:
    rng = np.random.RandomState(seed)
    return [" ".join(WORDS[i] for i in rng.randint(len(WORDS), size=6)) for _ in range(n)]


def _whole() -> Any:
    numeric = make_pipeline(SimpleImputer(), StandardScaler(), PCA(2))
    columns = [("num", numeric, COLUMNS), ("cat", OneHotEncoder(handle_unknown="ignore"), ["town"])]
    X = frame(0)
    return make_pipeline(ColumnTransformer(columns), LogisticRegression()).fit(X, X["income"] > 3e4)


#: name -> the fitted object, the method that is asked, and its input.
OBJECTS: dict[str, Callable[[], tuple[Any, str, Any]]] = {
    "scaler": lambda: (StandardScaler().fit(frame(0)[COLUMNS]), "transform", frame(1, 6)[COLUMNS]),
    "power": lambda: (PowerTransformer().fit(numbers(0)), "transform", numbers(1, 6)),
    "spline": lambda: (SplineTransformer(4).fit(numbers(0)), "transform", numbers(1, 6)),
    "encoder": lambda: (
        OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(frame(0)[["town"]]),
        "transform",
        frame(1, 6)[["town"]],
    ),
    "neighbours": lambda: (KNNImputer().fit(frame(0)[["age", "rate"]]), "transform", frame(1, 12)[["age", "rate"]]),
    "text": lambda: (
        make_pipeline(TfidfVectorizer(), TruncatedSVD(3, random_state=0)).fit(texts(0)),
        "transform",
        texts(1, 6),
    ),
    "pipeline": lambda: (_whole(), "predict_proba", frame(1, 6)),
}


def to_json(X: Any) -> Any:
    """Return an input as JSON holds it: exactly, floats too."""
    if isinstance(X, pd.DataFrame):
        return {"columns": {name: column.tolist() for name, column in X.items()}}
    return X.tolist() if isinstance(X, np.ndarray) else X


def from_json(X: Any) -> Any:
    if isinstance(X, dict):
        return pd.DataFrame(X["columns"])
    return X if isinstance(X[0], str) else np.array(X)


def make(folder: Path) -> None:
    """Fill a folder that does not exist yet."""
    folder.mkdir(parents=True)
    expected = {}
    for name, build in OBJECTS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # an older scikit-learn on a newer SciPy
            est, method, X = build()
        for suffix in SUFFIXES:
            nl.dump(est, folder / f"{name}{suffix}")
        expected[name] = {
            "fingerprint": est.fingerprint_,
            "environment": vars(est)["_normlock_environment"],
            "method": method,
            "input": to_json(X),
            "output": np.asarray(getattr(est, method)(X)).tolist(),
        }
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("version", help="the release, such as 0.1.0")
    target = FOLDER / parser.parse_args().version / sklearn.__version__
    if target.exists():
        sys.exit(f"{target} is there already, and is kept as it is.")
    make(target)
    files = sorted(target.iterdir())
    print(f"{target}: {len(files)} files, {sum(file.stat().st_size for file in files) / 1000:.0f} kB")
