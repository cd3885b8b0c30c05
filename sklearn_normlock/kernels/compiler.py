"""From a sealed estimator to its kernels: what may have one, and what it may stand on.

A kernel is a closure over what ``fit`` left in an estimator. It is made when a method is first called, kept in the
watch over the object and dropped with it, so that a kernel lives exactly as long as nothing has moved. It may stand on

* the state of estimators that the watch covers, and
* arrays that the watch has made read-only.

It is made for scikit-learn's own classes, and for locked classes that add nothing to one of them; a class that
overrides a method is called as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

import numpy as np
import sklearn

from ..fingerprints.naming import cached
from ..seals.shape import parameter_names
from ..seals.watch import Watch
from .inputs import Kernel, Schema, by_rows

VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
KNOWN = (1, 4) <= VERSION <= (1, 9)  # the versions whose methods the kernels repeat; any other computes for itself

# Which module has the kernels of which classes, so that no module of scikit-learn is imported for them.
_HOMES = {
    "sklearn.preprocessing._data.StandardScaler": "scalers",
    "sklearn.preprocessing._data.MinMaxScaler": "scalers",
    "sklearn.preprocessing._data.MaxAbsScaler": "scalers",
    "sklearn.preprocessing._data.RobustScaler": "scalers",
    "sklearn.preprocessing._data.Normalizer": "rows",
    "sklearn.preprocessing._data.Binarizer": "rows",
    "sklearn.impute._base.SimpleImputer": "imputers",
    "sklearn.impute._base.MissingIndicator": "imputers",
    "sklearn.preprocessing._encoders.OneHotEncoder": "encoders",
    "sklearn.preprocessing._encoders.OrdinalEncoder": "encoders",
    "sklearn.preprocessing._target_encoder.TargetEncoder": "encoders",
    "sklearn.decomposition._pca.PCA": "decompositions",
    "sklearn.decomposition._truncated_svd.TruncatedSVD": "decompositions",
    "sklearn.feature_selection._variance_threshold.VarianceThreshold": "selectors",
    "sklearn.preprocessing._function_transformer.FunctionTransformer": "rows",
    "sklearn.preprocessing._data.PowerTransformer": "power",
    "sklearn.preprocessing._data.QuantileTransformer": "columns",
    "sklearn.preprocessing._discretization.KBinsDiscretizer": "columns",
    "sklearn.preprocessing._polynomial.PolynomialFeatures": "expansions",
    "sklearn.preprocessing._polynomial.SplineTransformer": "expansions",
    "sklearn.feature_extraction.text.CountVectorizer": "texts",
    "sklearn.feature_extraction.text.HashingVectorizer": "texts",
    "sklearn.feature_extraction.text.TfidfTransformer": "texts",
    "sklearn.feature_extraction.text.TfidfVectorizer": "texts",
    "sklearn.pipeline.Pipeline": "walks",
    "sklearn.pipeline.FeatureUnion": "walks",
    "sklearn.compose._column_transformer.ColumnTransformer": "walks",
    "sklearn.compose._target.TransformedTargetRegressor": "walks",
}
_HOMES |= {
    f"sklearn.feature_selection._univariate_selection.{name}": "selectors"
    for name in ("SelectKBest", "SelectPercentile", "SelectFpr", "SelectFdr", "SelectFwe", "GenericUnivariateSelect")
}
_HOMES |= {
    f"sklearn.ensemble.{module}.{name}{kind}": "trees"
    for module, name in (
        ("_hist_gradient_boosting.gradient_boosting", "HistGradientBoosting"),
        ("_gb", "GradientBoosting"),
        ("_forest", "RandomForest"),
        ("_forest", "ExtraTrees"),
    )
    for kind in ("Classifier", "Regressor")
}
_LINEAR = ("sklearn.linear_model.", "sklearn.svm.")

METHODS = ("transform", "inverse_transform", "predict", "predict_proba", "decision_function")
DENSE = "dense"  # as transform, and in an array where that gives a matrix

Factory = Callable[["Compiler", Any], Kernel]


class Unsuited(Exception):
    """An estimator, as it is configured or fitted, has no kernel."""


class Compiler:
    """Makes the kernels of an object and of the estimators in it.

    Parameters
    ----------
    watch : Watch
        Over the object.
    """

    def __init__(self, watch: Watch) -> None:
        self._made = watch.kernels
        self._covered = watch.covered()
        self._frozen = {id(array) for array in watch.arrays}

    def kernel(self, est: Any, method: str) -> Kernel | None:
        """Return the kernel of a method, or None."""
        key = (id(vars(est)), method)
        if key not in self._made:
            self._made[key] = self._compiled(est, method)
        return self._made[key]

    def dense(self, est: Any) -> Kernel | None:
        """Return the kernel of a transformer whose result is wanted as an array; None if it has none."""
        return self.kernel(est, DENSE) or self.kernel(est, "transform")

    def reason(self, est: Any) -> str:
        """Say why an estimator has no kernel."""
        cls = type(est)
        if not KNOWN:
            return f"scikit-learn {sklearn.__version__} is newer or older than the kernels"
        if stock_of(cls) is None:
            return "its class is not scikit-learn's, or adds to it"
        if not any(_factory(cls, method) for method in METHODS):
            return f"{cls.__name__} has no kernel"
        if id(vars(est)) not in self._covered:
            return "the seal does not follow it one by one"
        return "a parameter or fitted value is one that the kernel does not repeat"

    def _compiled(self, est: Any, method: str) -> Kernel | None:
        factory = _factory(type(est), method) if KNOWN else None
        if factory is None or id(vars(est)) not in self._covered:
            return None
        if not parameter_names(type(est)) <= vars(est).keys():
            return None  # an old pickle without a parameter of today: only scikit-learn knows whether it misses it
        try:
            kernel = factory(self, est)
        except (Unsuited, AttributeError, LookupError, TypeError, ValueError):
            return None  # a state that the factory does not expect is none of a kernel's
        output = vars(est).get("_sklearn_output_config")
        return kernel if method not in ("transform", DENSE) or output is None else _unless_wrapped(kernel, output)

    def array(self, est: Any, name: str, ndim: int | None = None, *, objects: bool = False) -> np.ndarray:
        """Return a fitted array of real numbers that nobody can edit; one of Python's numbers, if ``objects``."""
        value = vars(est).get(name)
        if ndim is not None and getattr(value, "ndim", None) != ndim:
            raise Unsuited
        return self.frozen(value, objects=objects)

    def frozen(self, value: Any, *, objects: bool = False) -> np.ndarray:
        """Return a value if it is such an array."""
        if type(value) is not np.ndarray:
            raise Unsuited
        if value.dtype.char not in "dflq" and not (objects and {*map(type, value.flat)} <= {float, int}):
            raise Unsuited
        if id(value) not in self._frozen or value.flags.writeable:
            raise Unsuited
        return value


def demand(*conditions: Any) -> None:
    """Raise Unsuited unless all conditions hold."""
    if not all(conditions):
        raise Unsuited


def schema_of(est: Any, *, named: bool = False) -> Schema:
    """Return what an estimator was fitted on.

    Parameters
    ----------
    est : estimator
        Fitted.
    named : bool, default=False
        Whether the method does not look at names: it takes arrays, whatever was fitted.
    """
    width, names = vars(est).get("n_features_in_"), vars(est).get("feature_names_in_")
    if not isinstance(width, int) or width < 1:
        raise Unsuited
    if names is None or named:
        return Schema(width, None)
    demand(type(names) is np.ndarray, names.shape == (width,))
    return Schema(width, names.tolist())


def _unless_wrapped(kernel: Kernel, output: Mapping[str, Any]) -> Kernel:
    # set_output writes into the dict that is there, which the watch does not follow: it does not count.
    def wrapped(X: Any) -> Any:
        return kernel(X) if output.get("transform", "default") == "default" else None

    return by_rows(wrapped, 2 if getattr(kernel, "by_rows", False) else 0)


@cached
def _factory(cls: type, method: str) -> Factory | None:
    stock = stock_of(cls)
    if stock is None:
        return None
    name = f"{stock.__module__}.{stock.__qualname__}"
    home = _HOMES.get(name)
    if home is None and stock is cls and name.startswith(_LINEAR):
        found = import_module(f"{__package__}.linear").factory(cls, method)
    elif home is not None:
        found = import_module(f"{__package__}.{home}").KERNELS.get((stock.__name__, method))
    else:
        found = None
    return found


def twin_of(est: Any) -> Any:
    """Return the same object in scikit-learn's class; a kernel that held the sealed one would keep it alive."""
    stock: Any = stock_of(type(est))
    twin = stock.__new__(stock)
    vars(twin).update(vars(est))
    return twin


def stock_of(cls: type) -> type | None:
    """Return the class of scikit-learn that computes what this class computes, or None."""
    stock = cls.__dict__.get("__fingerprint_class__") if cls.__dict__.get("_normlock_thin", False) else cls
    return stock if isinstance(stock, type) and stock.__module__.startswith("sklearn.") else None
