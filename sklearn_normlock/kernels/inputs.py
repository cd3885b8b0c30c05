"""What a kernel may take: the input checks, each as cheap as it can be made without letting anything through.

A kernel never raises and never warns of its input. It returns None for whatever is not plain, and scikit-learn's own
method then does what it does: the errors, the warnings and their texts are scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

import numpy as np
from sklearn._config import _get_threadlocal_config

from ..config import fast

Kernel = Callable[[Any], Any]

F32, F64 = np.dtype(np.float32), np.dtype(np.float64)
NEP50 = int(np.__version__.partition(".")[0]) >= 2  # before it, a NumPy scalar did not widen a float32 array
# Numbers below this don't overflow in a sum of squares, let alone in a sum, of any array that fits into memory.
_SAFE = {F64: 1e140, F32: 1e12}

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
