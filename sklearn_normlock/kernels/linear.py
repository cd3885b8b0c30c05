"""Kernels of linear models: the final estimator behind a locked pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit
from sklearn.linear_model import (
    ElasticNet,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeCV,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.linear_model._base import LinearClassifierMixin, LinearModel

from .compiler import VERSION, Compiler, Factory, demand, schema_of
from .inputs import NEP50, Kernel, contiguous, finite, on_numbers
from .sparse import Rows, product

# They are the base class's own; from 1.9 on, the others hand the rows on to it and do nothing else.
_LINEAR_PREDICTS = (LinearModel.predict, LinearRegression.predict, Ridge.predict, RidgeCV.predict)


def factory(cls: Any, method: str) -> Factory | None:
    """Return what makes the kernel of a linear model's method, if the class has that method from where it is known."""
    name = getattr(cls, method, None)
    if getattr(cls, "decision_function", None) is LinearClassifierMixin.decision_function:
        if method == "decision_function":
            return _decision_function
        if method == "predict" and name is LinearClassifierMixin.predict:
            return _classes
        if method == "predict_proba" and name is LogisticRegression.predict_proba:
            return _probabilities
        if method == "predict_proba" and cls is SGDClassifier:
            return _sgd_probabilities
    elif method == "predict" and name in _LINEAR_PREDICTS:
        if cls._decision_function in (LinearModel._decision_function, ElasticNet._decision_function):
            return _predict
    elif method == "predict" and cls is SGDRegressor:
        return _sgd_predict
    return None


def _scores(compiler: Compiler, est: Any) -> Kernel:
    """Return what computes ``X @ coef_.T + intercept_`` from a plain array, and None from anything else."""
    coef = compiler.array(est, "coef_")
    intercept = vars(est).get("intercept_")
    schema = schema_of(est)
    demand(coef.ndim in (1, 2), coef.shape[-1] == schema.width, coef.dtype.kind == "f", np.isfinite(coef).all())
    if type(intercept) is np.ndarray:
        compiler.frozen(intercept)
        demand(intercept.ndim == 1 or (intercept.ndim == 0 and NEP50))
    else:
        demand(type(intercept) in (float, int, np.float64))
        demand(NEP50 or type(intercept) is not np.float64)
    columns = coef.T  # of one dimension: itself
    multiply = product(columns)

    def scores(X: Any) -> Any:
        return X @ columns + intercept if finite(contiguous(X)) else None

    def scores_of_rows(X: Any) -> Any:
        found = multiply(X) if type(X) is Rows and finite(X.data) else None
        return None if found is None else found + intercept

    return on_numbers(scores, schema, exact=True, otherwise=scores_of_rows)


def _decision_function(compiler: Compiler, est: Any) -> Kernel:
    scores_of = _scores(compiler, est)
    demand(est.coef_.ndim == 2)
    if est.coef_.shape[0] != 1:
        return scores_of

    def kernel(X: Any) -> Any:
        scores = scores_of(X)
        return None if scores is None else scores.reshape(-1)

    return kernel


def _classes(compiler: Compiler, est: Any) -> Kernel:
    decide = _decision_function(compiler, est)
    binary = est.coef_.shape[0] == 1
    classes = vars(est).get("classes_")
    demand(type(classes) is np.ndarray and classes.ndim == 1)

    def kernel(X: Any) -> Any:
        scores = decide(X)
        if scores is None:
            return None
        return classes.take((scores > 0).view(np.int8) if binary else scores.argmax(axis=1), axis=0)

    return kernel


def _probabilities(compiler: Compiler, est: Any) -> Kernel:
    decide = _decision_function(compiler, est)
    strategy = getattr(est, "multi_class", "auto")  # up to 1.7
    demand(strategy in ("auto", "deprecated"))
    if len(est.classes_) <= 2:
        demand(est.coef_.shape[0] == 1)
        return _logistic(decide)
    demand(est.coef_.shape[0] > 1, est.solver not in ("liblinear", "newton-cholesky"))

    def kernel(X: Any) -> Any:
        scores = decide(X)
        if scores is None or not finite(scores):
            return None
        scores -= np.maximum.reduce(scores, axis=1)[:, None]
        np.exp(scores, scores)
        scores /= np.add.reduce(scores, axis=1)[:, None]
        return scores

    return kernel


def _logistic(decide: Kernel) -> Kernel:
    by_columns = VERSION < (1, 9)  # how the two columns lie in memory

    def kernel(X: Any) -> Any:
        scores = decide(X)
        if scores is None:
            return None
        if by_columns:
            both = np.empty((2, len(scores)), scores.dtype)
            ones, zeros = both[1], both[0]
            both = both.T
        else:
            both = np.empty((len(scores), 2), scores.dtype)
            ones, zeros = both[:, 1], both[:, 0]
        expit(scores, scores)
        np.subtract(1, scores, zeros)
        ones[...] = scores
        return both

    return kernel


def _sgd_probabilities(compiler: Compiler, est: Any) -> Kernel:
    demand(est.loss == "log_loss", est.coef_.shape[0] == 1)
    return _logistic(_decision_function(compiler, est))


def _predict(compiler: Compiler, est: Any) -> Kernel:
    return _scores(compiler, est)


def _sgd_predict(compiler: Compiler, est: Any) -> Kernel:
    scores_of = _scores(compiler, est)

    def kernel(X: Any) -> Any:
        scores = scores_of(X)
        return None if scores is None else scores.ravel()

    return kernel
