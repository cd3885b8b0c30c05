"""Kernels of the transformers that look at one row or one number at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiler import Compiler, Factory, demand, schema_of
from .inputs import F32, F64, Kernel, contiguous, finite, ndarray, on_numbers


def _norm_l1(X: np.ndarray) -> np.ndarray:
    return np.add.reduce(np.abs(X), axis=1)


def _norm_l2(X: np.ndarray) -> np.ndarray:
    return np.sqrt(np.einsum("ij,ij->i", X, X))


def _norm_max(X: np.ndarray) -> np.ndarray:
    return np.maximum.reduce(np.abs(X), axis=1)


_NORMS = {"l1": _norm_l1, "l2": _norm_l2, "max": _norm_max}


def _normalizer(compiler: Compiler, est: Any) -> Kernel:
    demand(est.copy is True, est.norm in _NORMS)
    norm_of = _NORMS[est.norm]
    tiny = {dtype: 10 * np.finfo(dtype).eps for dtype in (F64, F32)}

    def kernel(X: Any) -> Any:
        least = tiny[X.dtype]
        out = X.copy(order="K")
        if not finite(out):
            return None
        norms = norm_of(out)
        if len(out) == 1:
            if norms[0] < least:
                norms[0] = 1.0
            np.divide(out, norms, out)
            return out
        norms[norms < least] = 1.0
        np.divide(out, norms[:, None], out)
        return out

    return on_numbers(kernel, schema_of(est))


def _binarizer(compiler: Compiler, est: Any) -> Kernel:
    threshold = est.threshold
    demand(est.copy is True, type(threshold) in (int, float))
    dtypes: set[np.dtype] = {F64}
    if abs(threshold) < 3e38 and type(threshold) is float:
        dtypes.add(F32)

    def kernel(X: Any) -> Any:
        X = contiguous(X)
        if not finite(X):
            return None
        out = np.empty_like(X)
        out[...] = X > threshold
        return out

    return on_numbers(kernel, schema_of(est), dtypes, exact=True)


def _function(compiler: Compiler, est: Any) -> Kernel:
    func = est.func
    demand(est.validate is False, func is None or (type(func) is np.ufunc and func.nin == func.nout == 1))
    demand(not est.kw_args)

    def identity(X: Any) -> Any:
        return X if type(X) is ndarray else None

    def kernel(X: Any) -> Any:
        return func(X) if type(X) is ndarray and X.ndim == 2 and X.dtype.char in "df" else None

    return identity if func is None else kernel


KERNELS: dict[tuple[str, str], Factory] = {
    ("Normalizer", "transform"): _normalizer,
    ("Binarizer", "transform"): _binarizer,
    ("FunctionTransformer", "transform"): _function,
}
