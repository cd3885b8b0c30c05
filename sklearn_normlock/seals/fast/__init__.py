"""The serving path: what a sealed object computes without deriving and validating anew what can't have changed.

Of a sealed object nothing can have moved since the last call, so that what scikit-learn derives from it at every call is
derived once: a *kernel* for each method, which takes a plain array (float64 or float32, two dimensions, of the fitted
width, finite where it has to be) to the very bits that scikit-learn's method gives. Whatever is not plain, in the input,
the object or the configuration, takes scikit-learn's own path.
"""

from __future__ import annotations

from typing import Any

from ...fingerprints.state import is_estimator
from ..watch import Layout, Watch
from .compiler import Compiler
from .inputs import Kernel

__all__ = ["METHODS", "fast_paths", "has_fast_path", "kernel_of"]

METHODS = ("transform", "inverse_transform", "predict", "predict_proba", "decision_function")


def kernel_of(est: Any, method: str, watch: Watch) -> Kernel | None:
    """Return the kernel of a method of a sealed object, made when it is first asked for; None if it has none.

    Parameters
    ----------
    est : Locked
        Sealed and intact.
    method : str
        Such as ``"transform"``.
    watch : Watch
        Over the object.
    """
    kernel = watch.kernels[method] = Compiler(watch).kernel(est, method) if method in METHODS else None
    return kernel
