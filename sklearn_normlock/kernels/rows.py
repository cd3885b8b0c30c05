"""Kernels of the transformers that look at one row or one number at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .compiler import Compiler, Factory, demand, width_of
from .inputs import F32, F64, Kernel, contiguous, finite, finite_or_nan, ndarray


def _norm_l1(X: np.ndarray) -> np.ndarray:
    return np.add.reduce(np.abs(X), axis=1)


def _norm_l2(X: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("ij,ij->i", X, X))


def _norm_max(X: np.ndarray) -> np.ndarray:
    return np.maximum.reduce(np.abs(X), axis=1)


_NORMS = {"l1": _norm_l1, "l2": _norm_l2, "max": _norm_max}


def _normalizer(compiler: Compiler, est: Any) -> Kernel:
    demand(est.copy is True, est.norm in _NORMS)
    width = width_of(est)
    norm_of = _NORMS[est.norm]
    tiny = {dtype: 10 * np.finfo(dtype).eps for dtype in (F64, F32)}

    def kernel(X: Any) -> Any:
        if type(X) is not ndarray:
            return None
        least = tiny.get(X.dtype)
        shape = X.shape
        if least is None or len(shape) != 2 or shape[1] != width or not shape[0]:
            return None
        out = X.copy(order="K")
        if not finite(out):
            return None
        norms = norm_of(out)
        if shape[0] == 1:
            if norms[0] < least:
                norms[0] = 1.0
            np.divide(out, norms, out)
            return out
        norms[norms < least] = 1.0
        np.divide(out, norms[:, None], out)
        return out

    return kernel


def _binarizer(compiler: Compiler, est: Any) -> Kernel:
    threshold = est.threshold
    demand(est.copy is True, type(threshold) in (int, float))
    width = width_of(est)
    dtypes: set[np.dtype] = {F64}
    if abs(threshold) < 3e38 and type(threshold) is float:
        dtypes.add(F32)

    def kernel(X: Any) -> Any:
        if type(X) is not ndarray or X.dtype not in dtypes:
            return None
        shape = X.shape
        if len(shape) != 2 or shape[1] != width or not shape[0]:
            return None
        X = contiguous(X)
        if not finite(X):
            return None
        out = np.empty_like(X)
        out[...] = X > threshold
        return out

    return kernel


def _imputer(compiler: Compiler, est: Any) -> Kernel:
    missing = est.missing_values
    demand(type(missing) in (float, np.float64) and math.isnan(missing))
    demand(est.copy is True, est.add_indicator is False, est._fit_dtype in (F64, F32))
    statistics = compiler.array(est, "statistics_", ndim=1, objects=True)
    width = width_of(est)
    values = statistics.astype(getattr(est, "_fill_dtype", statistics.dtype))  # from 1.7 on
    demand(values.shape == (width,), values.dtype in (F64, F32), np.isfinite(values).all())
    with np.errstate(all="ignore"):
        fills: dict[np.dtype, Any] = {F64: values.astype(F64), F32: values.astype(F32)}
    demand(np.isfinite(fills[F32]).all())  # else the cast is warned of at every call

    def kernel(X: Any) -> Any:
        if type(X) is not ndarray:
            return None
        fill = fills.get(X.dtype)
        shape = X.shape
        if fill is None or len(shape) != 2 or shape[1] != width or not shape[0]:
            return None
        out = X.copy(order="K")
        if finite(out):
            return out
        if not finite_or_nan(out):
            return None
        np.copyto(out, fill, where=np.isnan(out))
        return out

    return kernel


def _identity(compiler: Compiler, est: Any) -> Kernel:
    demand(est.func is None, est.validate is False)

    def kernel(X: Any) -> Any:
        return X if type(X) is ndarray else None

    return kernel


KERNELS: dict[tuple[str, str], Factory] = {
    ("Normalizer", "transform"): _normalizer,
    ("Binarizer", "transform"): _binarizer,
    ("SimpleImputer", "transform"): _imputer,
    ("FunctionTransformer", "transform"): _identity,
}
