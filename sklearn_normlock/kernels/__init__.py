"""The serving path: what a sealed object computes without deriving and validating anew what can't have changed.

A sealed object can't have moved since the last call, so that what scikit-learn derives from it at every call is derived
once: a *kernel* for each method. It takes a plain array (float64 or float32, two dimensions, of the fitted width,
finite where it has to be) or a data frame of the fitted columns. It gives the very bits that scikit-learn's method
gives. Whatever is not plain, in the input, the object or the configuration, takes scikit-learn's own path.
"""

from __future__ import annotations

from typing import Any

from ..fingerprints.state import is_estimator
from ..seals.seal import watch_over
from ..seals.watch import Watch
from .compiler import METHODS, Compiler
from .inputs import Kernel

__all__ = ["METHODS", "fast_paths", "has_fast_path", "kernel_of", "slow_paths"]


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


def has_fast_path(est: Any, method: str | None = None) -> bool:
    """Tell whether an object computes by a kernel when it is given a plain array.

    Parameters
    ----------
    est : estimator
        A sealed one; any other has none.
    method : str, default=None
        Such as ``"transform"``; None asks for any.

    Examples
    --------
    >>> from sklearn_normlock.impute import KNNImputer
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> from sklearn_normlock.kernels import has_fast_path
    >>> has_fast_path(StandardScaler().fit([[0.0], [2.0]]))
    True
    >>> has_fast_path(KNNImputer().fit([[0.0], [2.0]]))
    False
    """
    methods = fast_paths(est)[""]
    return bool(methods) if method is None else method in methods


def fast_paths(est: Any) -> dict[str, tuple[str, ...]]:
    """Return the methods that an object, and each step in it, computes by a kernel.

    Parameters
    ----------
    est : estimator
        A sealed one, such as a pipeline; any other has none.

    Returns
    -------
    methods : dict of str to tuple of str
        By the path of the step, such as ``"preprocess.scaler"``; ``""`` is the object itself.

    Notes
    -----
    A step is shown by what it does in the object. A pipeline has a kernel, the walk over its steps, as soon as one of
    them has.

    Examples
    --------
    >>> from sklearn_normlock.impute import KNNImputer
    >>> from sklearn_normlock.pipeline import make_pipeline
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> from sklearn_normlock.kernels import fast_paths
    >>> pipe = make_pipeline(StandardScaler(), KNNImputer()).fit([[0.0], [2.0]])
    >>> fast_paths(pipe)
    {'': ('transform',), 'standardscaler': ('transform', 'inverse_transform'), 'knnimputer': ()}
    """
    found: dict[str, tuple[str, ...]] = {}
    _enter(est, "", None, found, {})
    return found


def slow_paths(est: Any) -> dict[str, str]:
    """Say of an object, and each step in it, why it has no kernel; those that have one are left out.

    Parameters
    ----------
    est : estimator
        A sealed one, such as a pipeline.

    Returns
    -------
    reasons : dict of str to str
        By the path of the step, as in :func:`fast_paths`.

    Examples
    --------
    >>> from sklearn_normlock.impute import KNNImputer
    >>> from sklearn_normlock.pipeline import make_pipeline
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> from sklearn_normlock.kernels import slow_paths
    >>> pipe = make_pipeline(StandardScaler(copy=False), KNNImputer()).fit([[0.0], [2.0]])
    >>> slow_paths(pipe)["standardscaler"]
    'a parameter or fitted value is one that the kernel does not repeat'
    """
    reasons: dict[str, str] = {}
    _enter(est, "", None, {}, reasons)
    return reasons


def _enter(
    est: Any, path: str, compiler: Compiler | None, found: dict[str, tuple[str, ...]], reasons: dict[str, str]
) -> None:
    watch = watch_over(est)
    if compiler is None and isinstance(watch, Watch) and (watch.intact(est) or watch.accept_irrelevant_changes(est)):
        compiler = Compiler(watch)
    found[path] = tuple(m for m in METHODS if compiler is not None and compiler.kernel(est, m) is not None)
    if not found[path]:
        reasons[path] = "it is not sealed" if compiler is None else compiler.reason(est)
    members: Any = ()
    for attribute in ("steps", "transformers_", "transformer_list"):
        members = members or getattr(est, attribute, None)
    if hasattr(est, "regressor_") and hasattr(est, "transformer_"):
        members = [("regressor_", est.regressor_), ("transformer_", est.transformer_)]
    for name, member, *_ in members if isinstance(members, list) else ():
        if is_estimator(member) and not isinstance(member, type):
            _enter(member, f"{path}.{name}" if path else name, compiler, found, reasons)
