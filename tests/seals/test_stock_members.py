"""Every estimator of scikit-learn works as the stock last step of a locked pipeline."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import make_classification
from sklearn.pipeline import make_pipeline as stock_pipeline
from sklearn.utils import all_estimators

from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import MinMaxScaler

METHODS = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score_samples", "transform")
VARIANTS = ({}, {"kernel": "linear"}, {"probability": True}, {"algorithm": "ball_tree"}, {"algorithm": "brute"})
DATA = {classes: make_classification(60, 6, n_informative=4, n_classes=classes, random_state=0) for classes in (2, 3)}


def outcome(pipeline, method, X):
    try:
        result = getattr(pipeline, method)(X)
        return result.toarray() if sparse.issparse(result) else np.asarray(result)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, cls in all_estimators():
            for parameters in VARIANTS:
                try:
                    cls(**parameters)
                except TypeError:
                    continue
                # Few ask for memory that is writable; these do.
                marks = () if "probability" in parameters else pytest.mark.campaign
                yield pytest.param(cls, parameters, id=f"{name}{list(parameters.values()) or ''}", marks=marks)


@pytest.mark.filterwarnings("ignore")  # what scikit-learn says of such small data, of both
@pytest.mark.parametrize("classes", DATA)
@pytest.mark.parametrize("cls, parameters", list(cases()))
def test_works_as_in_a_stock_pipeline(cls, parameters, classes):
    """What a method gives, a failure too, is what it gives in the stock pipeline; at a second call as well."""
    X, y = DATA[classes]
    if "random_state" in cls().get_params():
        parameters = {**parameters, "random_state": 0}
    try:
        stock = stock_pipeline(MinMaxScaler(), cls(**parameters)).fit(X, y)
    except Exception:
        pytest.skip("scikit-learn can't fit it to this data")
    locked = make_pipeline(MinMaxScaler(), cls(**parameters)).fit(X, y)
    for method in METHODS:
        if not hasattr(stock, method):
            continue
        expected = outcome(stock, method, X)
        for found in (outcome(locked, method, X), outcome(locked, method, X)):
            if isinstance(expected, str) or isinstance(found, str):
                assert found == expected
            else:
                np.testing.assert_array_equal(found, expected)
