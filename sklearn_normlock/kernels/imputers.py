"""Kernels of the imputers: SimpleImputer, of numbers and of text, and MissingIndicator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .compiler import VERSION, Compiler, Factory, Unsuited, demand, schema_of
from .inputs import F32, F64, Frame, Kernel, finite, finite_or_nan, ndarray, on_numbers

Mask = Any  # from a mask of what is missing to the columns that are appended


def _imputer(compiler: Compiler, est: Any) -> Kernel:
    missing = est.missing_values
    demand(type(missing) in (float, np.float64) and math.isnan(missing))
    demand(est.copy is True, type(est.add_indicator) is bool)
    indicate = _indicated(est.indicator_) if est.add_indicator else None
    if est._fit_dtype.kind == "O":
        return _text(est, indicate)
    demand(est._fit_dtype in (F64, F32))
    statistics = compiler.array(est, "statistics_", ndim=1, objects=True)
    schema = schema_of(est)
    # An older pickle lacks what transform reads from 1.7 on: scikit-learn raises for it, and so must this.
    values = statistics if VERSION < (1, 8) else statistics.astype(est._fill_dtype)
    demand(values.shape == (schema.width,), values.dtype in (F64, F32), np.isfinite(values).all())
    with np.errstate(all="ignore"):
        fills: dict[np.dtype, Any] = {F64: values.astype(F64), F32: values.astype(F32)}
    demand(np.isfinite(fills[F32]).all())  # else the cast is warned of at every call

    def kernel(X: Any) -> Any:
        out = X.copy(order="K")
        if finite(out):
            return out if indicate is None else np.hstack((out, indicate(np.isnan(out))))
        if not finite_or_nan(out):
            return None
        mask = np.isnan(out)
        np.copyto(out, fills[X.dtype], where=mask)
        return out if indicate is None else np.hstack((out, indicate(mask)))

    # These strategies keep integers as they are.
    return on_numbers(kernel, schema, exact=est.strategy in ("most_frequent", "constant"))


def _indicated(indicator: Any) -> Mask:
    """Return what takes the columns of a mask that an indicator keeps."""
    demand(indicator.sparse in ("auto", False), indicator.features in ("missing-only", "all"))
    features = indicator.features_
    demand(type(features) is np.ndarray, features.ndim == 1)
    if features.size == indicator._n_features:
        return lambda mask: mask
    return lambda mask: mask[:, features]


def _indicator(compiler: Compiler, est: Any) -> Kernel:
    missing = est.missing_values
    demand(type(missing) in (float, np.float64) and math.isnan(missing))
    demand(not est._precomputed, type(est.error_on_new) is bool)
    indicate = _indicated(est)
    known = np.zeros(est._n_features, dtype=bool)
    known[est.features_] = True
    strict = est.error_on_new and est.features == "missing-only" and not known.all()

    def kernel(X: Any) -> Any:
        if not X.flags.c_contiguous and not X.flags.f_contiguous or not finite_or_nan(X):
            return None
        mask = np.isnan(X)
        if strict and (mask.any(axis=0) & ~known).any():
            return None
        return indicate(mask)

    return on_numbers(kernel, schema_of(est), exact=True)


def _text(est: Any, indicate: Mask | None) -> Kernel:
    """Return what fills the gaps between texts: NaN is a gap, None is not."""
    width, names = schema_of(est)
    statistics = vars(est).get("statistics_")
    demand(type(statistics) is np.ndarray, statistics.shape == (width,))
    fills = statistics.tolist()
    demand(all(type(fill) is str for fill in fills))

    def column(values: list[Any], fill: str) -> list[Any]:
        if {*map(type, values)} == {str}:
            return values
        found = []
        for value in values:
            if type(value) is float and value != value:
                value = fill
            elif type(value) is not str and value is not None:
                raise Unsuited
            found.append(value)
        return found

    def kernel(X: Any) -> Any:
        if isinstance(X, Frame):
            if names is None or X.names != names or (X.rows > 1 and not X.loose):
                return None
            columns = [X.values(i) for i in range(width)]
            order = "C"
        elif type(X) is ndarray and names is None and X.dtype.char == "O" and X.ndim == 2 and X.shape[1] == width:
            if not len(X):
                return None
            columns = [(values, "O") for values in X.T.tolist()]
            order = "K"
        else:
            return None
        if any(each is None or each[1] != "O" for each in columns):
            return None
        try:
            filled = [column(each[0], fill) for each, fill in zip(columns, fills, strict=True)]  # type: ignore[index]
        except Unsuited:
            return None
        out = np.empty((len(filled[0]), width), dtype=object) if order == "C" else X.copy(order="K")
        for i, each in enumerate(filled):
            out[:, i] = each
        if indicate is None:
            return out
        mask = np.empty_like(out, dtype=bool)
        for i, (values, _) in enumerate(columns):  # type: ignore[misc]
            mask[:, i] = [type(value) is float for value in values]  # no float stands between texts but NaN
        return np.hstack((out, indicate(mask)))

    return kernel


KERNELS: dict[tuple[str, str], Factory] = {
    ("SimpleImputer", "transform"): _imputer,
    ("MissingIndicator", "transform"): _indicator,
}
