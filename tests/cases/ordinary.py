"""Data and models for the tests of ordinary use."""

from __future__ import annotations

import io
from typing import Any

import joblib
import sklearn
import skops.io
from fault_objects import NUMBERS, people
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.compose import ColumnTransformer, make_column_selector
from sklearn_normlock.impute import SimpleImputer
from sklearn_normlock.pipeline import Pipeline, make_pipeline
from sklearn_normlock.preprocessing import (
    OneHotEncoder,
    StandardScaler,
)

TABLE, y = people()
FRAME = TABLE[NUMBERS]
X = FRAME.to_numpy()
X.flags.writeable = False  # a test that edits the data makes its own

RELEASE = tuple(int(part) for part in sklearn.__version__.split(".")[:2])


def scaled_model() -> Pipeline:
    return make_pipeline(StandardScaler(), LogisticRegression())


def table_model() -> Pipeline:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer(
        [("num", numbers, make_column_selector(dtype_include=float)), ("cat", OneHotEncoder(), ["city", "plan"])]
    )
    return make_pipeline(columns, LogisticRegression())


_OF_A_SEARCH = ["sklearn.metrics._scorer._PassthroughScorer", "sklearn.model_selection._split.StratifiedKFold"]


def skops_round_trip(obj: Any) -> Any:
    return skops.io.loads(skops.io.dumps(obj), trusted=[*nl.trusted_types(), *_OF_A_SEARCH])


def joblib_round_trip(obj: Any) -> Any:
    file = io.BytesIO()
    joblib.dump(obj, file)
    return joblib.load(file)
