"""Kernels of the transformers that look at one row or one number at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..fingerprints.naming import cached
from .compiler import Compiler, Factory, demand, schema_of
from .inputs import F32, F64, Frame, Kernel, contiguous, finite, ndarray, on_numbers


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


@cached
def _elementwise(func: np.ufunc) -> bool:
    """Tell whether a function gives the same float64 of a number, wherever that stands in an array.

    pandas applies it to columns that lie side by side in memory, and a kernel column by column.
    """
    numbers = np.concatenate([np.linspace(-3, 3, 257), np.geomspace(1e-9, 1e9, 255)])
    with np.errstate(all="ignore"):
        whole = func(numbers)
        if whole.dtype != F64:
            return False
        parts = (
            np.concatenate([func(numbers[i : i + 1]) for i in range(len(numbers))]),
            np.concatenate([func(numbers[i : i + 7]) for i in range(0, len(numbers), 7)]),
            func(np.repeat(numbers, 3).reshape(-1, 3)[:, 1]),
            func(numbers[::-1])[::-1],
        )
    return all(np.array_equal(whole, part, equal_nan=True) for part in parts)


def _function(compiler: Compiler, est: Any) -> Kernel:
    func = est.func
    demand(est.validate is False, func is None or (type(func) is np.ufunc and func.nin == func.nout == 1))
    demand(not est.kw_args)
    names = schema_of(est).names
    framed = est.feature_names_out in (None, "one-to-one") and (func is None or _elementwise(func))

    def kernel(X: Any) -> Any:
        if type(X) is ndarray:
            if func is None:
                return X
            return func(X) if X.ndim == 2 and X.dtype.char in "df" else None
        if not isinstance(X, Frame) or not framed or X.names != names:
            return None
        if func is None:
            return X
        try:
            with np.errstate(all="raise"):  # what would be warned of is handed over
                return X.apply(func)
        except FloatingPointError:
            return None

    return kernel


KERNELS: dict[tuple[str, str], Factory] = {
    ("Normalizer", "transform"): _normalizer,
    ("Binarizer", "transform"): _binarizer,
    ("FunctionTransformer", "transform"): _function,
}
