"""Sealed objects with a fast path, and what a call of one of them gives: for comparison with scikit-learn's."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import (
    ElasticNet,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.svm import LinearSVC, LinearSVR

from sklearn_normlock import compose, decomposition, feature_selection, impute, pipeline, preprocessing

WIDTH = 4
rng = np.random.default_rng(0)
X = rng.lognormal(size=(60, WIDTH)) * [1.0, -30.0, 0.01, 1e4]
X[:, 2] -= 0.02
POSITIVE = np.abs(X) + 0.01
GAPS = np.where(rng.random(X.shape) < 0.2, np.nan, X)
CONSTANT = X * [1, 0, 1, 1] + [0, 7, 0, 0]
TIES = np.round(X, 1)
y = (X[:, 0] > 1).astype(int)
letters = np.array(list("abc"))[rng.integers(0, 3, 60)]

TRANSFORMERS = {
    "StandardScaler": (preprocessing.StandardScaler(), X),
    "StandardScaler of constants": (preprocessing.StandardScaler(), CONSTANT),
    "StandardScaler without mean": (preprocessing.StandardScaler(with_mean=False), X),
    "StandardScaler without std": (preprocessing.StandardScaler(with_std=False), X),
    "StandardScaler of float32": (preprocessing.StandardScaler(), X.astype(np.float32)),
    "StandardScaler of extremes": (preprocessing.StandardScaler(), X * [1e-150, 1e150, 1, 1]),
    "StandardScaler of one column": (preprocessing.StandardScaler(), X[:, :1]),
    "MinMaxScaler": (preprocessing.MinMaxScaler(), X),
    "MinMaxScaler with clip": (preprocessing.MinMaxScaler(clip=True, feature_range=(-1, 2)), GAPS),
    "MaxAbsScaler": (preprocessing.MaxAbsScaler(), X),
    "RobustScaler": (preprocessing.RobustScaler(), CONSTANT),
    "RobustScaler without centre": (preprocessing.RobustScaler(with_centering=False), X),
    "Normalizer": (preprocessing.Normalizer(), X),
    "Normalizer l1": (preprocessing.Normalizer("l1"), X),
    "Normalizer max": (preprocessing.Normalizer("max"), X),
    "Binarizer": (preprocessing.Binarizer(threshold=0.3), X),
    "PowerTransformer": (preprocessing.PowerTransformer(), X),
    "PowerTransformer of constants": (preprocessing.PowerTransformer(), CONSTANT),
    "PowerTransformer plain": (preprocessing.PowerTransformer(standardize=False), GAPS),
    "PowerTransformer Box-Cox": (preprocessing.PowerTransformer(method="box-cox"), POSITIVE),
    "QuantileTransformer": (preprocessing.QuantileTransformer(n_quantiles=20), X),
    "QuantileTransformer with ties": (preprocessing.QuantileTransformer(n_quantiles=60), TIES),
    "QuantileTransformer normal": (
        preprocessing.QuantileTransformer(n_quantiles=50, output_distribution="normal"),
        CONSTANT,
    ),
    "QuantileTransformer of float32": (preprocessing.QuantileTransformer(n_quantiles=9), X.astype(np.float32)),
    "SimpleImputer": (impute.SimpleImputer(), GAPS),
    "SimpleImputer median": (impute.SimpleImputer(strategy="median"), GAPS.astype(np.float32)),
    "SimpleImputer constant": (impute.SimpleImputer(strategy="constant", fill_value=-1.5), GAPS),
    "SimpleImputer most frequent": (impute.SimpleImputer(strategy="most_frequent"), GAPS),
    "KBinsDiscretizer": (
        preprocessing.KBinsDiscretizer(n_bins=4, encode="ordinal", strategy="uniform", subsample=None),
        X,
    ),
    "KBinsDiscretizer one-hot": (preprocessing.KBinsDiscretizer(n_bins=3, encode="onehot-dense", subsample=None), X),
    "KBinsDiscretizer sparse": (
        pipeline.make_pipeline(preprocessing.KBinsDiscretizer(n_bins=3, encode="onehot", subsample=None)),
        X,
    ),
    "VarianceThreshold": (feature_selection.VarianceThreshold(), CONSTANT),
    "PCA": (decomposition.PCA(n_components=2), X),
    "PCA whitened": (decomposition.PCA(n_components=3, whiten=True), X.astype(np.float32)),
    "TruncatedSVD": (decomposition.TruncatedSVD(n_components=2, random_state=0), X),
    "FunctionTransformer": (
        pipeline.make_pipeline(preprocessing.FunctionTransformer(np.cbrt), preprocessing.StandardScaler()),
        X,
    ),
    "FeatureUnion": (pipeline.make_union(preprocessing.StandardScaler(), decomposition.PCA(n_components=2)), X),
    "PolynomialFeatures": (preprocessing.PolynomialFeatures(3), X),
    "PolynomialFeatures of interactions": (
        preprocessing.PolynomialFeatures((2, 4), interaction_only=True, order="F"),
        X.astype(np.float32),
    ),
    "PolynomialFeatures without bias": (preprocessing.PolynomialFeatures((2, 2), include_bias=False, order="F"), X),
    "PolynomialFeatures of no products": (preprocessing.PolynomialFeatures(1, include_bias=False), X),
    "SplineTransformer": (preprocessing.SplineTransformer(), X),
    "SplineTransformer that errs": (preprocessing.SplineTransformer(4, extrapolation="error", include_bias=False), X),
    "SplineTransformer going on": (preprocessing.SplineTransformer(extrapolation="continue", order="F"), X),
    "SplineTransformer in lines": (preprocessing.SplineTransformer(extrapolation="linear", degree=2), X),
    "SplineTransformer in lines, of steps": (preprocessing.SplineTransformer(extrapolation="linear", degree=0), X),
    "SplineTransformer in a circle": (preprocessing.SplineTransformer(extrapolation="periodic"), X.astype(np.float32)),
    "SimpleImputer with indicator": (impute.SimpleImputer(add_indicator=True), GAPS),
    "MissingIndicator": (impute.MissingIndicator(), GAPS),
    "ColumnTransformer": (
        compose.make_column_transformer(
            (preprocessing.StandardScaler(), [0, 2]),
            (preprocessing.MinMaxScaler(), slice(1, 2)),
            (preprocessing.RobustScaler(), np.array([False, False, False, True])),
            remainder="passthrough",
        ),
        X,
    ),
    "ColumnTransformer with remainder": (
        compose.make_column_transformer((preprocessing.MaxAbsScaler(), [3, 1]), remainder="passthrough"),
        X,
    ),
    "pipeline": (
        pipeline.make_pipeline(impute.SimpleImputer(), "passthrough", preprocessing.StandardScaler()),
        GAPS,
    ),
    "pipeline there and back": (
        pipeline.make_pipeline(preprocessing.MinMaxScaler(), preprocessing.StandardScaler()),
        X,
    ),
    "pipeline with a step of scikit-learn's own": (
        pipeline.make_pipeline(
            preprocessing.StandardScaler(),
            preprocessing.SplineTransformer(n_knots=3, sparse_output=True),
            preprocessing.MaxAbsScaler(),
        ),
        X,
    ),
}
MODELS = {
    "SelectKBest": (feature_selection.SelectKBest(k=2), y),
    "TransformedTargetRegressor": (
        compose.TransformedTargetRegressor(LinearRegression(), transformer=preprocessing.StandardScaler()),
        X[:, 0],
    ),
    "TransformedTargetRegressor of two": (
        compose.TransformedTargetRegressor(Ridge(), transformer=preprocessing.QuantileTransformer(n_quantiles=9)),
        X[:, :2],
    ),
    "LogisticRegression": (LogisticRegression(), y),
    "LogisticRegression of letters": (LogisticRegression(), letters),
    "LogisticRegression without intercept": (LogisticRegression(fit_intercept=False), y),
    "RidgeClassifier": (RidgeClassifier(), letters),
    "SGDClassifier": (SGDClassifier(loss="log_loss", random_state=0), y),
    "SGDClassifier huber": (SGDClassifier(loss="modified_huber", random_state=0), letters),
    "Perceptron": (Perceptron(random_state=0), letters),
    "LinearSVC": (LinearSVC(random_state=0), letters),
    "LinearRegression": (LinearRegression(), X[:, 0]),
    "LinearRegression of two": (LinearRegression(), X[:, :2]),
    "Ridge": (Ridge(fit_intercept=False), X[:, 0]),
    "ElasticNet": (ElasticNet(), X[:, 0]),
    "SGDRegressor": (SGDRegressor(random_state=0), y),
    "LinearSVR": (LinearSVR(random_state=0), y),
    "HistGradientBoosting": (HistGradientBoostingClassifier(max_iter=7, min_samples_leaf=3), y),
    "HistGradientBoosting of letters": (HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=3), letters),
    "HistGradientBoosting of counts": (
        HistGradientBoostingRegressor(max_iter=5, loss="poisson", min_samples_leaf=3),
        np.abs(X[:, 0]),
    ),
    "GradientBoosting": (GradientBoostingClassifier(n_estimators=7, random_state=0), y),
    "GradientBoosting of letters": (GradientBoostingClassifier(n_estimators=4, random_state=0), letters),
    "GradientBoosting of numbers": (GradientBoostingRegressor(n_estimators=7, random_state=0, init="zero"), X[:, 3]),
    "RandomForest": (RandomForestClassifier(n_estimators=9, random_state=0), letters),
    "RandomForest of numbers": (RandomForestRegressor(n_estimators=9, random_state=0), X[:, 3]),
    "ExtraTrees": (ExtraTreesClassifier(n_estimators=9, random_state=0, min_samples_leaf=3), y),
}


def sealed():
    """Yield the name of each object, and the object."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of so few rows, some don't converge
        for name, (est, data) in TRANSFORMERS.items():
            yield name, clone(est).fit(data)  # other modules fit the same ones
        for name, (est, target) in MODELS.items():
            yield name, pipeline.make_pipeline(preprocessing.StandardScaler(), clone(est)).fit(X, target)


def outcome(est, method, data, told_of=None):
    """Return all that can be told of a call: the result to the bit, or the error, and what was warned of.

    The payload of a NaN is left out, and so is whether a result is a view of something larger.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = getattr(est, method)(data)
        except Exception as error:
            told = (type(error), str(error))
        else:
            result = result if told_of is None else told_of(result)
            told = described(result)
    return told, [(warning.category, str(warning.message)) for warning in caught]


def described(result):
    """Return the type, dtype, shape, order, writability and bits of an array; anything else as it is."""
    if type(result) is not np.ndarray or result.dtype.hasobject:
        return type(result), repr(result)
    flags = result.flags
    facts = (result.dtype.str, result.shape, flags.c_contiguous, flags.f_contiguous, flags.writeable)
    if result.dtype.char == "g":  # between its numbers lies memory that means nothing
        return (*facts, repr(result.tolist()))
    if result.dtype.kind == "f":
        result = np.where(np.isnan(result), np.nan, result)
    return (*facts, result.tobytes())
