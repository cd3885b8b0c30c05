"""Serving: a locked object against scikit-learn's, scikit-learn-intelex, onnxruntime, and NumPy alone."""

from __future__ import annotations

import warnings
from math import isfinite
from statistics import median
from unittest import mock

import numpy as np
import pandas as pd
from _timing import Measured, compared, table
from scipy import sparse
from scipy.special import expit
from sklearn import ensemble, linear_model
from sklearn.preprocessing import StandardScaler as StockScaler

import sklearn_normlock as nl
from sklearn_normlock import compose, impute, pipeline, preprocessing
from sklearn_normlock.feature_extraction import text

ROWS = (1, 10, 1_000, 100_000)
WIDTH = 30
rng = np.random.default_rng(0)
X = rng.lognormal(size=(2_000, WIDTH))
y = (X[:, 0] > 1).astype(int)


def numpy_scaler(shift, scale):
    """Return the arithmetic of a scaler with scikit-learn's checks (dimensions, width, finite), and nothing else."""
    width = len(shift)

    def transform(data):
        if data.ndim != 2 or data.shape[1] != width:
            raise ValueError("width")
        if not isfinite(data.sum()):
            raise ValueError("finite")
        data = data - shift
        data /= scale
        return data

    return transform


def numpy_model(scaler, model):
    transform = numpy_scaler(scaler.mean_, scaler.scale_)
    coef, intercept = model.coef_.T, model.intercept_

    def predict_proba(data):
        data = transform(data)
        if not isfinite(data.sum()):
            raise ValueError("finite")
        scores = (data @ coef + intercept).ravel()
        expit(scores, out=scores)
        return np.stack([1 - scores, scores], axis=1)

    return predict_proba


def onnx_model(stock, width):
    """Return ``predict_proba`` of the converted pipeline, in float32 as it is usually served; None without onnx."""
    try:
        import onnxruntime
        from skl2onnx import to_onnx
    except ImportError:
        return None
    converted = to_onnx(stock, np.zeros((1, width), np.float32), options={"zipmap": False})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(converted.SerializeToString(), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda data: session.run(["probabilities"], {name: data})[0]


def intel_model(stock, data, target):
    """Return the pipeline with the classes of scikit-learn-intelex where it has them; None without it."""
    try:
        from sklearnex.linear_model import LogisticRegression
    except ImportError:
        return None
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make_pipeline(clone(stock[0]), LogisticRegression(max_iter=1000)).fit(data, target)


def transformers():
    yield "StandardScaler", preprocessing.StandardScaler(), X
    yield "MinMaxScaler", preprocessing.MinMaxScaler(), X
    yield "MaxAbsScaler", preprocessing.MaxAbsScaler(), X
    yield "RobustScaler", preprocessing.RobustScaler(), X
    yield "Normalizer", preprocessing.Normalizer(), X
    yield "Binarizer", preprocessing.Binarizer(), X
    yield "PowerTransformer", preprocessing.PowerTransformer(), X
    yield "QuantileTransformer", preprocessing.QuantileTransformer(), X
    yield "SimpleImputer", impute.SimpleImputer(), X
    yield "KBinsDiscretizer", preprocessing.KBinsDiscretizer(encode="ordinal", subsample=None), X


def batch(rows):
    return rng.lognormal(size=(rows, WIDTH))


def transforms(budget, rows=ROWS):
    """Time ``transform`` of each class; return rows of the table by number of rows."""
    found = {}
    for name, est, data in transformers():
        locked = est.fit(data)
        stock = nl.unlock(locked)
        for number in rows:
            one = batch(number)
            if name == "SimpleImputer":
                one[rng.random(one.shape) < 0.05] = np.nan
            ways = {
                "stock": lambda stock=stock, one=one: stock.transform(one),
                "locked": lambda locked=locked, one=one: locked.transform(one),
            }
            if name == "StandardScaler":
                bare = numpy_scaler(locked.mean_, locked.scale_)
                ways["NumPy"] = lambda bare=bare, one=one: bare(one)
            assert ways["locked"]().tobytes() == ways["stock"]().tobytes(), name
            found[name, number] = compared(ways, "stock", budget=budget)
    return found


def pipelines(budget, rows=ROWS):
    """Time ``predict_proba`` of two pipelines, and the peers of the first."""
    found = {}
    locked = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=1000))
    locked.fit(X, y)
    stock = nl.unlock(locked)
    onnx, intel = onnx_model(stock, WIDTH), intel_model(stock, X, y)
    bare = numpy_model(locked[0], locked[1])
    for number in rows:
        one = batch(number)
        narrow = one.astype(np.float32)
        ways = {
            "stock": lambda one=one: stock.predict_proba(one),
            "locked": lambda one=one: locked.predict_proba(one),
            "NumPy": lambda one=one: bare(one),
        }
        if onnx is not None:
            ways["onnxruntime"] = lambda narrow=narrow: onnx(narrow)
        if intel is not None:
            ways["intelex"] = lambda one=one: intel.predict_proba(one)
        assert ways["locked"]().tobytes() == ways["stock"]().tobytes() and np.allclose(ways["NumPy"](), ways["stock"]())
        found["scaler + LogisticRegression", number] = compared(ways, "stock", budget=budget)
    columns = compose.make_column_transformer(
        (preprocessing.StandardScaler(), list(range(10))),
        (preprocessing.MinMaxScaler(), list(range(10, 20))),
        (preprocessing.RobustScaler(), list(range(20, 30))),
    )
    split = pipeline.make_pipeline(columns, linear_model.LogisticRegression(max_iter=1000)).fit(X, y)
    plain = nl.unlock(split)
    for number in rows:
        one = batch(number)
        ways = {
            "stock": lambda one=one: plain.predict_proba(one),
            "locked": lambda one=one: split.predict_proba(one),
        }
        assert ways["locked"]().tobytes() == ways["stock"]().tobytes()
        found["3 scalers of columns + LogisticRegression", number] = compared(ways, "stock", budget=budget)
    return found


NUMBERS, TEXTS = [f"n{i}" for i in range(20)], [f"c{i}" for i in range(8)]


def people(rows):
    """Return a frame of 20 numbers and 8 texts of five categories each; every twentieth number is missing."""
    numbers = rng.normal(size=(rows, len(NUMBERS)))
    numbers[rng.random(numbers.shape) < 0.05] = np.nan
    texts = {name: rng.choice(["red", "green", "blue", "black", "white"], rows) for name in TEXTS}
    return pd.DataFrame({**dict(zip(NUMBERS, numbers.T, strict=True)), **texts})


def ordinary(final):
    """Return the ordinary model before a final estimator, fitted."""
    columns = compose.make_column_transformer(
        (pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.StandardScaler()), NUMBERS),
        (preprocessing.OneHotEncoder(handle_unknown="ignore"), TEXTS),
    )
    data = people(2_000)
    return pipeline.make_pipeline(columns, final).fit(data, (data["n0"].fillna(0) > 0).astype(int))


def onnx_ordinary(stock):
    """Return ``predict_proba`` of the converted model, building its inputs from a row included; None without onnx."""
    try:
        import onnxruntime
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    except ImportError:
        return None
    inputs = [(name, FloatTensorType([None, 1])) for name in NUMBERS]
    inputs += [(name, StringTensorType([None, 1])) for name in TEXTS]
    converted = to_onnx(stock, initial_types=inputs, options={"zipmap": False})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(converted.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def predict_proba(row):
        feed = {name: np.array([[row[name]]], dtype=np.float32) for name in NUMBERS}
        feed |= {name: np.array([[row[name]]], dtype=object) for name in TEXTS}
        return session.run(["probabilities"], feed)[0]

    return predict_proba


def frames(budget, rows=(1, 100, 10_000)):
    """Time the ordinary models on data frames, and the peers of the first."""
    try:
        import polars
    except ImportError:
        polars = None
    found = {}
    models = {
        "LogisticRegression": linear_model.LogisticRegression(max_iter=1000),
        "HistGradientBoosting": ensemble.HistGradientBoostingClassifier(),
        "RandomForest of 100": ensemble.RandomForestClassifier(random_state=0),
        "GradientBoosting of 100": ensemble.GradientBoostingClassifier(random_state=0),
    }
    for name, final in models.items():
        locked = ordinary(final)
        stock = nl.unlock(locked)
        onnx = onnx_ordinary(stock) if name == "LogisticRegression" else None
        for number in rows:
            frame = people(number)
            given = {"pandas": frame}
            if polars is not None:
                given["polars"] = polars.DataFrame({each: frame[each].tolist() for each in frame})
            for library, data in given.items():
                ways = {
                    "stock": lambda data=data, stock=stock: stock.predict_proba(data),
                    "locked": lambda data=data, locked=locked: locked.predict_proba(data),
                }
                if onnx is not None and number == 1 and library == "pandas":
                    row = frame.iloc[0].to_dict()
                    ways["onnxruntime"] = lambda row=row, onnx=onnx: onnx(row)
                assert ways["locked"]().tobytes() == ways["stock"]().tobytes(), name
                found[f"{name}, {library}", number] = compared(ways, "stock", budget=2 * budget)
    names = [f"x{i}" for i in range(WIDTH)]
    locked = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=1000))
    locked.fit(pd.DataFrame(X, columns=names), y)
    stock = nl.unlock(locked)
    for number in rows:
        data = pd.DataFrame(batch(number), columns=names)
        ways = {
            "stock": lambda data=data: stock.predict_proba(data),
            "locked": lambda data=data: locked.predict_proba(data),
        }
        assert ways["locked"]().tobytes() == ways["stock"]().tobytes()
        found["30 numbers, scaler + LogisticRegression, pandas", number] = compared(ways, "stock", budget=budget)
    return found


def texts(budget, rows=(1, 100)):
    """Time documents of twelve words: vectorizers alone, and before a linear model."""
    found = {}
    words = [f"word{i}" for i in range(4_000)]
    documents = [" ".join(rng.choice(words[: 400 if i % 2 else None], 12)) for i in range(1_000)]
    few = [" ".join(rng.choice(words[:401], 12)) for _ in range(1_000)]
    target = np.arange(1_000) % 2
    for name, make, corpus in (
        ("TfidfVectorizer", text.TfidfVectorizer, documents),
        ("CountVectorizer", text.CountVectorizer, documents),
        ("CountVectorizer of 401 words", text.CountVectorizer, few),
        ("HashingVectorizer", text.HashingVectorizer, documents),
    ):
        alone = make().fit(corpus)
        model = pipeline.make_pipeline(make(), linear_model.LogisticRegression()).fit(corpus, target)
        for number in rows:
            given = corpus[:number]
            for title, locked, method in (
                (name, alone, "transform"),
                (f"{name} + LogisticRegression", model, "predict_proba"),
            ):
                plain, call = getattr(nl.unlock(locked), method), getattr(locked, method)
                ways = {
                    "stock": lambda plain=plain, given=given: plain(given),
                    "locked": lambda call=call, given=given: call(given),
                }
                found[title, number] = compared(ways, "stock", budget=2 * budget, rounds=61)
    return found


def handed_over(budget):
    """Time inputs that take scikit-learn's own path.

    The difference of two calls of a millisecond is lost in their spread. The time that the locked one adds is therefore
    taken by itself, before a method that does nothing, and is set against the whole of the stock one.
    """
    found = {}
    names = [f"x{i}" for i in range(WIDTH)]
    framed = preprocessing.StandardScaler().fit(pd.DataFrame(X, columns=names))
    plain = preprocessing.StandardScaler(with_mean=False).fit(X)
    for rows in (1, 1_000):
        numbers = pd.DataFrame(batch(rows), columns=names)
        given = {
            "DataFrame of objects": (framed, numbers.astype(object)),
            "DataFrame with a column of objects": (framed, numbers.astype({"x5": object})),
            "sparse matrix": (plain, sparse.random(rows, WIDTH, 0.2, format="csr", random_state=0)),
            "array of integers": (plain, batch(rows).astype(int)),
        }
        for name, (locked, data) in given.items():
            stock = nl.unlock(locked)
            whole = compared({"stock": lambda stock=stock, data=data: stock.transform(data)}, "stock", budget=budget)
            with mock.patch.object(StockScaler, "transform", lambda self, X, copy=None: None):
                ways = {
                    "nothing": lambda stock=stock, data=data: stock.transform(data),
                    "locked": lambda locked=locked, data=data: locked.transform(data),
                }
                alone = compared(ways, "nothing", budget=budget)
            usual = median(whole["stock"].seconds)
            added = [a - b for a, b in zip(alone["locked"].seconds, alone["nothing"].seconds, strict=True)]
            found[name, rows] = {"locked": Measured([1 + each / usual for each in added], added), **whole}
    return found


def against(found, base):
    """Return the ratios of one way to another, from times of the same rounds."""
    return {
        name: Measured([a / b for a, b in zip(one.seconds, found[base].seconds, strict=True)], one.seconds)
        for name, one in found.items()
    }


def main(budget):
    """Print the tables; return all that was measured."""
    framed = frames(budget)
    table(
        "predict_proba of a frame / stock: 20 numbers and 8 texts, imputer and scaler, one-hot encoder",
        [(f"{name}, {n:,}", {k: v for k, v in one.items() if k != "stock"}) for (name, n), one in framed.items()],
        ["locked", "onnxruntime"],
    )
    for (name, n), one in framed.items():
        if "onnxruntime" in one:
            table("locked against onnxruntime", [(f"{name}, {n:,}", against(one, "onnxruntime"))], ["locked"])
    read = texts(budget)
    table(
        "documents of twelve words, locked / stock",
        [(f"{name}, {n:,}", {"locked": one["locked"]}) for (name, n), one in read.items()],
        ["locked"],
    )
    single, whole, over = transforms(budget), pipelines(budget), handed_over(budget)
    title = "transform, locked / stock, medians of paired runs and their quartiles, by rows of 30 columns"
    names = dict.fromkeys(name for name, _ in single)
    table(
        title,
        [(name, {f"{n:,}": single[name, n]["locked"] for n in ROWS}) for name in names],
        [f"{n:,}" for n in ROWS],
    )
    rows = [(f"{name}, {n:,}", {k: v for k, v in found.items() if k != "stock"}) for (name, n), found in whole.items()]
    table("predict_proba / stock", rows, ["locked", "NumPy", "onnxruntime", "intelex"])
    rows = [
        (
            f"{name}, {n:,}",
            {f"/ {base}": against(found, base)["locked"] for base in ("NumPy", "onnxruntime") if base in found},
        )
        for (name, n), found in {**single, **whole}.items()
        if "NumPy" in found
    ]
    table("locked against NumPy with the same checks, and against onnxruntime", rows, ["/ NumPy", "/ onnxruntime"])
    table(
        "inputs that take scikit-learn's path: stock and what locked adds / stock",
        [(f"{name}, {n:,}", {"locked": found["locked"]}) for (name, n), found in over.items()],
        ["locked"],
    )
    return {"frames": framed, "texts": read, "transform": single, "predict_proba": whole, "handed over": over}
