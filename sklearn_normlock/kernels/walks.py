"""Kernels of the composites: the walk over the steps, and over the columns.

A step without a kernel, or one whose kernel hands its input over, is called as scikit-learn calls it; so is everything
after it that has none. The seal of the composite covers its members: they are not checked again one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiler import Compiler, Factory, Unsuited, demand, width_of
from .inputs import F32, F64, Kernel, ndarray

Step = tuple[Any, "Kernel | None"]


def _called(name: str, backwards: bool = False) -> Factory:
    """Return the factory for a method of a pipeline that transforms with all steps and calls the last one's method."""

    def factory(compiler: Compiler, est: Any) -> Kernel:
        steps = [step for _, step in est.steps]
        final = steps[-1]
        steps = [step for step in steps if step is not None and not isinstance(step, str)]
        if name in ("transform", "inverse_transform"):
            methods = [name] * len(steps)
            demand(all(hasattr(step, name) for step in steps))
        else:
            demand(bool(steps) and steps[-1] is final, hasattr(final, name))
            methods = ["transform"] * (len(steps) - 1) + [name]
        if backwards:
            steps.reverse()
        kernels = [compiler.kernel(step, method) for step, method in zip(steps, methods, strict=True)]
        demand(any(kernels))
        walk = list(zip(kernels, steps, methods, strict=True))

        def kernel(X: Any) -> Any:
            if type(X) is not ndarray:
                return None
            for run, step, method in walk:
                result = None if run is None else run(X)
                X = getattr(step, method)(X) if result is None else result
            return X

        return kernel

    return factory


def _columns(compiler: Compiler, est: Any) -> Kernel:
    width = width_of(est)
    demand(est.sparse_output_ is False, not est.transformer_weights)
    parts = []
    for _, transformer, columns in est.transformers_:
        if type(columns).__name__ == "_RemainderColsList":  # of 1.5 to 1.7, which warns when it is looked at
            columns = columns.data
        if isinstance(transformer, str) and transformer == "drop":
            continue
        key = _key(columns, width)
        if key is None:
            continue
        run = compiler.kernel(transformer, "transform")
        if run is None:
            raise Unsuited
        parts.append((run, transformer, key))
    demand(parts)
    dtypes = {F64, F32}

    def kernel(X: Any) -> Any:
        if type(X) is not ndarray or X.dtype not in dtypes:
            return None
        shape = X.shape
        if len(shape) != 2 or shape[1] != width or not shape[0]:
            return None
        results = []
        for run, transformer, key in parts:
            part = X[:, key]
            result = run(part)
            if result is None:
                result = transformer.transform(part)
                if type(result) is not ndarray or result.ndim != 2:
                    return None
            results.append(result)
        return np.concatenate(results, axis=1)

    return kernel


def _key(columns: Any, width: int) -> Any:
    """Return the index of columns, by number or by mask, as an array or slice; None if it selects none."""
    if type(columns) is slice:
        demand(all(bound is None or type(bound) is int for bound in (columns.start, columns.stop, columns.step)))
        return columns if range(width)[columns] else None
    demand(type(columns) in (list, tuple, np.ndarray))
    if not len(columns):
        return None
    key = np.asarray(columns)
    demand(key.ndim == 1, key.dtype.kind in "iub")
    return key if key.dtype.kind != "b" or key.any() else None


KERNELS: dict[tuple[str, str], Factory] = {
    ("Pipeline", "transform"): _called("transform"),
    ("Pipeline", "inverse_transform"): _called("inverse_transform", backwards=True),
    ("Pipeline", "predict"): _called("predict"),
    ("Pipeline", "predict_proba"): _called("predict_proba"),
    ("Pipeline", "decision_function"): _called("decision_function"),
    ("ColumnTransformer", "transform"): _columns,
}
