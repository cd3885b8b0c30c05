"""Kernels of the composites: the walk over the steps, and over the columns.

A step without a kernel, or one whose kernel hands its input over, is called as scikit-learn calls it; so is everything
after it that has none. The seal of the composite covers its members: they are not checked again one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import hstack, issparse
from sklearn.utils import _safe_indexing

from .compiler import Compiler, Factory, Unsuited, demand, schema_of, twin_of
from .inputs import Frame, Kernel, Schema, by_rows, ndarray, on_numbers
from .sparse import Rows, stacked

Step = tuple[Any, "Kernel | None"]


def _called(name: str, backwards: bool = False, dense: bool = False) -> Factory:
    """Return the factory for a method of a pipeline that transforms with all steps and calls the last one's method.

    A ``dense`` one gives as an array what the last step gives as a matrix.
    """

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
        if dense:
            kernels[-1] = compiler.dense(steps[-1])
            demand(kernels[-1])
        walk = list(zip(kernels, steps, methods, strict=True))

        def kernel(X: Any) -> Any:
            given = X
            for run, step, method in walk:
                result = None if run is None else run(X)
                if result is None:
                    if type(X) is Rows:
                        X = X.matrix()
                    elif isinstance(X, Frame):
                        X = X.frame()
                    elif X is given and type(X) is not ndarray:
                        return None  # documents without a kernel for them, or something else
                    result = getattr(step, method)(X)
                if dense and type(result) is not ndarray:
                    result = _as_array(result)
                X = result
            return X

        return by_rows(kernel, 2 if getattr(kernels[-1], "by_rows", False) else 0)

    return factory


def _as_array(result: Any) -> Any:
    """Return a matrix as an array, and anything else as it is."""
    if type(result) is Rows:
        result = result.matrix()
    return result.toarray() if issparse(result) else result


# Attributes that every ColumnTransformer keeps of its fit, and that some version reads at each call.
_OF_FIT = {"_columns", "_remainder", "_transformer_to_input_indices"}


def _columns(compiler: Compiler, est: Any) -> Kernel:
    schema = schema_of(est)
    parts = _parts(est)
    demand(not est.transformer_weights, type(est.sparse_output_) is bool, vars(est).keys() >= _OF_FIT)
    if schema.names is None:
        return _columns_of_array(compiler, est, schema, parts)
    return _columns_of_frame(compiler, est, schema.names, parts)


def _parts(est: Any) -> list[tuple[str, Any, Any]]:
    """Return name, transformer and columns of what a ColumnTransformer calls."""
    parts = []
    for name, transformer, columns in est.transformers_:
        if type(columns).__name__ == "_RemainderColsList":  # of 1.5 to 1.7, which warns when it is looked at
            columns = columns.data
        if not (isinstance(transformer, str) and transformer == "drop"):
            parts.append((name, transformer, columns))
    demand(parts)
    return parts


def _columns_of_array(compiler: Compiler, est: Any, schema: Schema, parts: list[tuple[str, Any, Any]]) -> Kernel:
    demand(est.sparse_output_ is False)
    walk = []
    for _, transformer, columns in parts:
        key = _key(columns, schema.width)
        if key is not None:
            run = compiler.dense(transformer)
            if run is None:
                raise Unsuited
            walk.append((run, transformer, key))
    demand(walk)

    def kernel(X: Any) -> Any:
        results = []
        for run, transformer, key in walk:
            part = X[:, key]
            result = run(part)
            if result is None:
                result = transformer.transform(part)
                if type(result) is not ndarray or result.ndim != 2:
                    return None
            results.append(result)
        return np.concatenate(results, axis=1)

    return on_numbers(kernel, schema)


def _columns_of_frame(compiler: Compiler, est: Any, names: list[str], parts: list[tuple[str, Any, Any]]) -> Kernel:
    """Return what selects the columns of a frame by their names, wherever they stand in it."""
    sparse = est.sparse_output_
    walk: list[tuple[Kernel | None, Any, list[int], Any]] = []
    twin = twin_of(est)
    for name, transformer, columns in parts:
        positions = est._transformer_to_input_indices[name]
        if len(positions):
            chosen: Any = [names[i] for i in positions]
            if np.isscalar(columns):  # a transformer of texts, which it is given as a series
                (chosen,) = chosen
            run = compiler.kernel(transformer, "transform") if sparse else compiler.dense(transformer)
            walk.append((run, transformer, list(positions), chosen))
    demand(walk, any(run for run, *_ in walk), not any(isinstance(each, str) for _, each, *_ in walk))
    # The first array that lies row by row makes the whole lie so.
    loose = sparse or any(getattr(run, "by_rows", False) for run, *_ in walk)
    needed = {names[i] for *_, positions, _ in walk for i in positions}
    demand(all(type(name) is str for name in names), len({*names}) == len(names))

    def kernel(X: Any) -> Any:
        if not isinstance(X, Frame):
            return None
        at = None
        if X.names != names:
            at = {name: i for i, name in enumerate(X.names)}
            if len(at) != len(X.names) or {*map(type, at)} != {str} or not needed <= at.keys():
                return None
        results, foreign = [], False
        for run, transformer, positions, chosen in walk:
            if at is not None:
                positions = [at[names[i]] for i in positions]
            if type(chosen) is str:
                column = X.values(positions[0])
                result = None if run is None or column is None else run(column[0])
                if result is None:
                    result = transformer.transform(_safe_indexing(X.frame(), chosen, axis=1))
                    foreign = True
            else:
                part = X.select(chosen, positions, loose=loose)
                result = None if run is None else run(part)
                if result is None:
                    result = transformer.transform(part.frame())
                    foreign = True
            if isinstance(result, Frame):
                array = result.numbers(exact=True)
                foreign |= array is None
                result = result.frame() if array is None else array
            results.append(result)
        if sparse and not foreign:
            found = stacked(results, height=X.rows)
            if found is not None:
                return found
        results = [each.matrix() if type(each) is Rows else each for each in results]
        if foreign:  # which may be of any kind and shape: scikit-learn judges it
            twin._validate_output(results)
        if foreign or sparse or not all(type(each) is ndarray for each in results):
            return twin._hstack(results, n_samples=X.rows)
        return np.concatenate(results, axis=1)

    if not sparse:
        by_rows(kernel, len(names) if loose else 0)
    return kernel


def _union(compiler: Compiler, est: Any) -> Kernel:
    demand(not est.transformer_weights)
    walk = []
    for _, transformer in est.transformer_list:
        if not (isinstance(transformer, str) and transformer == "drop"):
            run = compiler.kernel(transformer, "transform")
            demand(run)
            walk.append(run)
    demand(walk)

    def kernel(X: Any) -> Any:
        results: list[Any] = []
        for run in walk:
            result = run(X)  # type: ignore[misc]
            if type(result) is not Rows and (type(result) is not ndarray or result.ndim != 2):
                return None
            results.append(result)
        if any(type(result) is Rows for result in results):
            found = stacked(results, height=results[0].shape[0])
            if found is None:
                found = hstack([each.matrix() if type(each) is Rows else each for each in results]).tocsr()
            return found
        return np.concatenate(results, axis=1)

    return kernel


def _target_regressor(compiler: Compiler, est: Any) -> Kernel:
    regressor, transformer = est.regressor_, est.transformer_
    run, back = compiler.kernel(regressor, "predict"), compiler.kernel(transformer, "inverse_transform")
    demand(run)
    squeezed = est._training_dim == 1

    def kernel(X: Any) -> Any:
        found = run(X)  # type: ignore[misc]
        if type(found) is not ndarray:
            return None
        column = found.reshape(-1, 1) if found.ndim == 1 else found
        result = None if back is None else back(column)
        if result is None:
            result = transformer.inverse_transform(column)
        if squeezed and result.ndim == 2 and result.shape[1] == 1:
            result = result.squeeze(axis=1)
        return result

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
    ("Pipeline", "dense"): _called("transform", dense=True),
    ("Pipeline", "inverse_transform"): _called("inverse_transform", backwards=True),
    ("Pipeline", "predict"): _called("predict"),
    ("Pipeline", "predict_proba"): _called("predict_proba"),
    ("Pipeline", "decision_function"): _called("decision_function"),
    ("ColumnTransformer", "transform"): _columns,
    ("FeatureUnion", "transform"): _union,
    ("TransformedTargetRegressor", "predict"): _target_regressor,
}
