"""Sealed objects that were fitted on data frames, and frames to call them with: for comparison with scikit-learn's."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import make_column_selector
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from sklearn_normlock import compose, decomposition, feature_selection, impute, pipeline, preprocessing

NUMBERS = ["age", "income", "tenure"]
TEXTS = ["city", "plan"]
CATEGORIES = {"city": ["Aachen", "Bonn", "Celle", "Dessau", "Essen"], "plan": ["basic", "plus"]}
ROWS = 80


def rows(n, seed=0):
    """Return a frame of numbers, integers and texts; of the cities some are rare."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 12, n),
            "income": rng.lognormal(10, 1, n),
            "tenure": rng.normal(size=n),
            "city": rng.choice(CATEGORIES["city"], n, p=[0.5, 0.3, 0.14, 0.03, 0.03]),
            "plan": rng.choice(CATEGORIES["plan"], n),
            "visits": rng.integers(0, 5, n),
        }
    )


def with_gaps(frame, seed=0):
    """Return the frame with a tenth of its numbers and texts missing."""
    rng = np.random.default_rng(seed)
    gaps = pd.DataFrame(rng.random(frame.shape) < 0.1, columns=frame.columns, index=frame.index)
    gaps["visits"] = False
    return frame.where(~gaps, np.nan)


def on_columns(numbers, texts, **options):
    return compose.ColumnTransformer([("numbers", numbers, NUMBERS), ("texts", texts, TEXTS)], **options)


FRAME = rows(ROWS)
GAPS = with_gaps(FRAME)
TARGET = (FRAME["age"] > 40).astype(int).to_numpy()
AMOUNT = FRAME["income"].to_numpy()
scaled, imputed = preprocessing.StandardScaler, impute.SimpleImputer
one_hot, ordinal = preprocessing.OneHotEncoder, preprocessing.OrdinalEncoder
both = pipeline.make_pipeline

MODELS = {
    "StandardScaler": (scaled(), FRAME[NUMBERS]),
    "SimpleImputer": (imputed(), GAPS[NUMBERS]),
    "SimpleImputer constant": (imputed(strategy="constant", fill_value=-1.0), GAPS[NUMBERS]),
    "SimpleImputer with indicator": (imputed(add_indicator=True), GAPS[NUMBERS]),
    "SimpleImputer of text": (imputed(strategy="most_frequent"), GAPS[TEXTS].astype(object)),
    "MissingIndicator": (impute.MissingIndicator(), GAPS[NUMBERS]),
    "SimpleImputer of text with indicator": (
        imputed(strategy="most_frequent", add_indicator=True),
        GAPS[TEXTS].astype(object),
    ),
    "FunctionTransformer": (preprocessing.FunctionTransformer(np.cbrt), FRAME[NUMBERS]),
    "FunctionTransformer of logarithms": (
        both(preprocessing.FunctionTransformer(np.log1p, feature_names_out="one-to-one"), imputed(), scaled()),
        GAPS[["income", "age"]].abs(),
    ),
    "FunctionTransformer of nothing": (preprocessing.FunctionTransformer(), FRAME),
    "columns of functions": (
        compose.make_column_transformer(
            (both(preprocessing.FunctionTransformer(np.arctan), scaled()), ["age", "tenure"]),
            (preprocessing.FunctionTransformer(np.sqrt), ["income"]),
            (ordinal(), TEXTS),
            remainder="passthrough",
        ),
        FRAME,
    ),
    "PolynomialFeatures": (preprocessing.PolynomialFeatures(), FRAME[NUMBERS]),
    "SplineTransformer": (preprocessing.SplineTransformer(), FRAME[NUMBERS]),
    "OneHotEncoder": (one_hot(), FRAME[TEXTS]),
    "OneHotEncoder that ignores": (one_hot(handle_unknown="ignore"), GAPS[TEXTS]),
    "OneHotEncoder dense": (one_hot(handle_unknown="ignore", sparse_output=False), GAPS[TEXTS]),
    "OneHotEncoder drop first": (one_hot(drop="first", sparse_output=False), FRAME[TEXTS]),
    "OneHotEncoder drop binary": (one_hot(drop="if_binary", handle_unknown="ignore"), FRAME[TEXTS]),
    "OneHotEncoder drop some": (one_hot(drop=["Bonn", "plus"], dtype=np.float32), FRAME[TEXTS]),
    "OneHotEncoder of rare": (one_hot(min_frequency=0.1, handle_unknown="infrequent_if_exist"), GAPS[TEXTS]),
    "OneHotEncoder of rare, ignoring": (one_hot(max_categories=3, handle_unknown="ignore"), FRAME[TEXTS]),
    "OneHotEncoder of rare, drop": (one_hot(max_categories=3, drop="first", sparse_output=False), FRAME[TEXTS]),
    "OneHotEncoder of integers": (one_hot(handle_unknown="ignore", dtype=int), FRAME[["visits", "plan"]]),
    "OrdinalEncoder": (ordinal(), FRAME[TEXTS]),
    "OrdinalEncoder of unknown": (ordinal(handle_unknown="use_encoded_value", unknown_value=-1), GAPS[TEXTS]),
    "OrdinalEncoder of missing": (
        ordinal(handle_unknown="use_encoded_value", unknown_value=-2, encoded_missing_value=-1, dtype=int),
        GAPS[TEXTS],
    ),
    "OrdinalEncoder of rare": (
        ordinal(max_categories=3, handle_unknown="use_encoded_value", unknown_value=np.nan),
        GAPS[TEXTS],
    ),
    "columns": (on_columns(both(imputed(), scaled()), one_hot(handle_unknown="ignore", sparse_output=False)), GAPS),
    "columns, sparse": (on_columns(scaled(), one_hot(handle_unknown="ignore"), sparse_threshold=1.0), FRAME),
    "columns of numbers": (
        compose.make_column_transformer((scaled(), ["age"]), (preprocessing.MinMaxScaler(), ["tenure", "income"])),
        FRAME,
    ),
    "columns with the rest": (
        compose.make_column_transformer((ordinal(), TEXTS), (scaled(), NUMBERS), remainder="passthrough"),
        FRAME,
    ),
    "columns by position": (
        compose.make_column_transformer((scaled(), slice(0, 3)), (one_hot(sparse_output=False), [4, 3])),
        FRAME,
    ),
    "columns by type": (
        compose.make_column_transformer(
            (scaled(), make_column_selector(dtype_include="number")),
            (ordinal(handle_unknown="use_encoded_value", unknown_value=-1), make_column_selector("^(city|plan)$")),
        ),
        FRAME,
    ),
    "columns with a step of scikit-learn's own": (
        on_columns(impute.KNNImputer(), ordinal()),
        FRAME,
    ),
}
TARGETED = {
    "TargetEncoder": (preprocessing.TargetEncoder(random_state=0), GAPS[TEXTS], AMOUNT),
    "TargetEncoder of classes": (
        preprocessing.TargetEncoder(target_type="multiclass", random_state=0),
        FRAME[TEXTS],
        FRAME["visits"].to_numpy(),
    ),
    "FeatureUnion": (
        both(pipeline.make_union(scaled(), impute.MissingIndicator(features="all"), decomposition.PCA(n_components=2))),
        FRAME[NUMBERS],
        None,
    ),
    "VarianceThreshold": (feature_selection.VarianceThreshold(2), FRAME[NUMBERS], None),
    "KBinsDiscretizer": (preprocessing.KBinsDiscretizer(3, subsample=None), FRAME[NUMBERS], None),
}
FINAL = {
    "LogisticRegression": (LogisticRegression(max_iter=2000), TARGET),
    "Ridge": (Ridge(), AMOUNT),
    "HistGradientBoosting": (HistGradientBoostingRegressor(max_iter=5), AMOUNT),
}


def full():
    """Return the ordinary preprocessing: gaps filled in numbers and texts, numbers scaled, texts one-hot encoded."""
    texts = both(imputed(strategy="constant", fill_value="unknown"), one_hot(handle_unknown="ignore"))
    return on_columns(both(imputed(), scaled()), texts)


def sealed():
    """Yield the name of each object, and the object."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (est, data) in MODELS.items():
            yield name, clone(est).fit(data)  # other modules fit the same ones
        for name, (est, data, target) in TARGETED.items():
            yield name, clone(est).fit(data, target)
        objects = GAPS.astype(dict.fromkeys(TEXTS, object))
        for name, (est, target) in FINAL.items():
            yield name, pipeline.make_pipeline(full(), clone(est)).fit(objects, target)
