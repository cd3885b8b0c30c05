"""The prologue of all kernels: which inputs they may take, told as cheaply as it can be done without a gap.

A kernel never raises and never warns of its input. It returns None for whatever is not plain, and scikit-learn's own
method then does what it does: the errors, the warnings and their texts are scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np
from sklearn._config import _get_threadlocal_config

from ..config import fast
from .frames import F32, F64, Frame, frame_of, is_series

Kernel = Callable[[Any], Any]

NEP50 = int(np.__version__.partition(".")[0]) >= 2  # before it, a NumPy scalar did not widen a float32 array
# Numbers below this don't overflow in a sum of squares, let alone in a sum, of any array that fits into memory.
_SAFE = {F64: 1e140, F32: 1e12}
_LISTS, _TEXT = (list, tuple), {str}

ndarray, vdot = np.ndarray, np.vdot


def usual() -> bool:
    """Tell whether this thread's configuration lets a call take the fast path.

    ``assume_finite`` is not asked for: what isn't finite is handed over, and scikit-learn asks for it then.
    """
    config = _get_threadlocal_config()
    return (
        fast()
        and config["transform_output"] == "default"
        and not config["enable_metadata_routing"]
        and not config["array_api_dispatch"]
    )


def finite(X: np.ndarray) -> bool:
    """Tell whether all numbers are finite; False also if they are so large that their squares are not.

    A product with itself is finite only if each element is, and is taken by BLAS, which reports no overflow: no warning
    has to be silenced. ``X`` is contiguous in one order or the other, so that nothing is copied.
    """
    if not X.flags.c_contiguous:
        X = X.T
    return isfinite(vdot(X, X))


def finite_or_nan(X: np.ndarray) -> bool:
    """Tell whether all numbers are finite or NaN; False also for very large numbers."""
    if not X.flags.c_contiguous:
        X = X.T
    square = vdot(X, X)
    if isfinite(square):
        return True
    # Not the sum, which may overflow both ways and warn; where all is NaN the greatest is NaN, too.
    return square != square and not np.fmax.reduce(np.abs(X), axis=None) >= _SAFE[X.dtype]


def contiguous(X: np.ndarray) -> np.ndarray:
    """Return the array, or, if it is contiguous in neither order, the copy that scikit-learn would work on."""
    flags = X.flags
    return X if flags.c_contiguous or flags.f_contiguous else X.copy(order="K")


class Schema(NamedTuple):
    """The columns that an estimator was fitted on: how many columns, and their names if they had any."""

    width: int
    names: list[str] | None


def on_numbers(
    body: Kernel,
    schema: Schema,
    dtypes: Container[np.dtype] = (F64, F32),
    *,
    exact: bool = False,
    otherwise: Kernel | None = None,
) -> Kernel:
    """Return a kernel: the checks of the input that all have in common, then what it computes.

    Parameters
    ----------
    body : callable
        Takes an array of two dimensions, of the fitted width, with rows, of one of the dtypes.
    schema : Schema
        An estimator that was fitted with names of columns warns of an array: its kernel takes only frames that have
        those names in that order. One that was fitted without names warns of a frame, and takes only arrays.
    dtypes : container of dtype
        The dtypes that the body knows.
    exact : bool, default=False
        Whether scikit-learn's method keeps a dtype that isn't a float's, so that a frame's must be left as they are.
    otherwise : callable, default=None
        Takes what is no array, if there are no names.
    """
    width, names = schema
    if names is None:

        def kernel(X: Any) -> Any:
            if type(X) is not ndarray:
                return None if otherwise is None else otherwise(X)
            if X.dtype not in dtypes:
                return None
            shape = X.shape
            if len(shape) != 2 or shape[1] != width or not shape[0]:
                return None
            return body(X)

    else:

        def kernel(X: Any) -> Any:
            if not isinstance(X, Frame) or X.names != names:
                return None
            X = X.numbers(exact=exact)
            if X is None or X.dtype not in dtypes:
                return None
            return body(X)

    return kernel


def by_rows(kernel: Kernel, width: int) -> Kernel:
    """Mark a kernel whose result lies row by row in memory, whatever it is given."""
    kernel.by_rows = width > 1  # type: ignore[attr-defined]
    return kernel


def documents_of(X: Any) -> Sequence[str] | None:
    """Return the documents in a list, tuple, series or array of objects; None if one of them is no plain text."""
    if type(X) is ndarray:
        if X.ndim != 1 or X.dtype.char != "O":
            return None
        X = X.tolist()
    elif type(X) not in _LISTS:
        if not is_series(type(X)):
            return None
        X = X.to_list()
    return X if X and {*map(type, X)} == _TEXT else None


def on_other(kernel: Kernel, X: Any) -> Any:
    """Return what a kernel makes of a data frame or of documents; None of anything else."""
    if type(X) in _LISTS or is_series(type(X)):
        return kernel(X)
    frame = frame_of(X)
    if frame is None:
        return None
    result = kernel(frame)
    return result.frame() if isinstance(result, Frame) else result
