"""Kernels of the scalers that shift and scale each column.

scikit-learn copies the input, then applies one operation after the other in place. The same operations are applied
here, in the same order and with operands of the same dtype, so that every bit is the same. But the first writes what
would be the copy, and the operands are laid out as rows: NumPy runs through a block of memory instead of starting anew
at every row. A large array is worked on in blocks that stay in the cache from the check to the last operation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .compiler import VERSION, Compiler, Factory, demand, schema_of
from .inputs import F32, F64, Kernel, Schema, contiguous, finite_or_nan, on_numbers

_BLOCK = 1 << 14  # elements; two of the operands and a block of the data fit into a second-level cache

Operation = tuple[Any, np.ndarray]


class Affine:
    """Operations, one after the other, between an array of one dtype and one number for each column.

    Parameters
    ----------
    operations : list of (ufunc, ndarray of shape (n_features,))
        The first takes the input; none may be empty.
    dtype : dtype
        Of the input and the output.
    """

    def __init__(self, operations: Sequence[Operation], dtype: np.dtype) -> None:
        self.rows = [(ufunc, operand.reshape(1, -1)) for ufunc, operand in operations]
        self.width = self.rows[0][1].shape[1]
        self.same = all(operand.dtype == dtype for _, operand in self.rows)
        self.block = max(1, _BLOCK // self.width)
        self.tiles = self.rows
        # Where neither these nor the data go to extremes, no operation can overflow, and none divides by zero.
        low, high, self.square = (1e-12, 1e12, 1e20) if dtype == F32 else (1e-90, 1e90, 1e200)
        sizes = [(ufunc, np.abs(operand.astype(F64))) for ufunc, operand in operations]
        self.tame = all((size < high).all() and (ufunc is not np.divide or (size > low).all()) for ufunc, size in sizes)

    def tiled(self, rows: int) -> list[Operation]:
        """Return the operations with operands of this many rows, at most a block's."""
        tiles = self.tiles
        have = len(tiles[0][1])
        if have < rows:
            have = min(self.block, max(rows, 2 * have))
            self.tiles = tiles = [(ufunc, np.tile(operand, (have, 1))) for ufunc, operand in self.rows]
        return tiles if have == rows else [(ufunc, operand[:rows]) for ufunc, operand in tiles]

    def __call__(self, X: Any) -> Any:
        """Return the result as a new array; None if a number is infinite, or too large to be sure that it isn't."""
        rows = len(X)
        if rows == 1:
            if not X.flags.c_contiguous:
                X = X.copy()
            if not finite_or_nan(X):
                return None
            out = None if self.same else np.empty_like(X)
            for ufunc, operand in self.rows:
                X = out = ufunc(X, operand, out)
            return X
        X = contiguous(X)
        if not X.flags.c_contiguous or rows > self.block and not self.tame or self.width == 1:
            return self.whole(X)
        if rows > self.block:
            return self.blocks(X)
        if not finite_or_nan(X):
            return None
        out = np.empty_like(X)
        for ufunc, operand in self.tiled(rows):
            ufunc(X, operand, out)
            X = out
        return out

    def whole(self, X: np.ndarray) -> Any:
        """As the call, operation by operation over all of it."""
        if not finite_or_nan(X):
            return None
        out = np.empty_like(X)
        for ufunc, operand in self.rows:
            ufunc(X, operand, out)
            X = out
        return out

    def blocks(self, X: np.ndarray) -> Any:
        """As the call, block by block; the whole is worked on instead where there could be something to warn of."""
        if np.geterr()["under"] != "ignore":
            return self.whole(X)
        out = np.empty_like(X)
        limit = self.square
        for start in range(0, len(X), self.block):
            part = X[start : start + self.block]
            square = np.vdot(part, part)
            if not square < limit and (square >= limit or np.fmax.reduce(np.abs(part), axis=None) >= limit**0.5):
                return self.whole(X)
            into = out[start : start + self.block]
            for ufunc, operand in self.tiled(len(part)):
                ufunc(part, operand, into)
                part = into
        return out


def affine(width: int, operations: Sequence[Operation], *, cast: bool = False) -> dict[np.dtype, Affine]:
    """Return what is applied to inputs of each dtype.

    Parameters
    ----------
    width : int
        Features.
    operations : list of (ufunc, ndarray of shape (n_features,))
        In the order in which scikit-learn applies them.
    cast : bool, default=False
        Whether the operands are cast to the dtype of the input.
    """
    for _, operand in operations:
        demand(operand.shape == (width,), np.isfinite(operand).all(), operand.dtype in (F64, F32))
    if not cast:
        return {dtype: Affine(operations, dtype) for dtype in (F64, F32)}
    found = {}
    for dtype in (F64, F32):
        with np.errstate(all="ignore"):
            narrow = [(ufunc, operand.astype(dtype)) for ufunc, operand in operations]
        if all(np.isfinite(operand).all() for _, operand in narrow):  # else the cast is warned of at every call
            found[dtype] = Affine(narrow, dtype)
    return found


def _kernel(schema: Schema, operations: Sequence[Operation], *, cast: bool = False, limits: Any = None) -> Kernel:
    plans = affine(schema.width, operations, cast=cast)

    def kernel(X: Any) -> Any:
        return plans[X.dtype](X)

    def clipped(X: Any) -> Any:
        result = plans[X.dtype](X)
        if result is not None:
            low, high = limits[X.dtype]
            np.clip(result, low, high, out=result)
        return result

    return on_numbers(kernel if limits is None else clipped, schema, plans)


def switched(compiler: Compiler, est: Any, names: tuple[tuple[str, str, np.ufunc], ...]) -> list[Operation]:
    """Return the operations of a scaler whose parameters switch them on."""
    operations = []
    for switch, name, ufunc in names:
        demand(type(getattr(est, switch)) is bool)
        if getattr(est, switch):
            operations.append((ufunc, compiler.array(est, name)))
    demand(operations)
    return operations


def _scaler(*names: tuple[str, str, np.ufunc], cast: bool = False, named: bool = False) -> Factory:
    def factory(compiler: Compiler, est: Any) -> Kernel:
        demand(est.copy is True)
        return _kernel(schema_of(est, named=named), switched(compiler, est, names), cast=cast)

    return factory


def _min_max(compiler: Compiler, est: Any) -> Kernel:
    demand(est.copy is True, type(est.clip) is bool)
    operations = [(np.multiply, compiler.array(est, "scale_")), (np.add, compiler.array(est, "min_"))]
    return _kernel(schema_of(est), operations, limits=_limits(*est.feature_range) if est.clip else None)


def _min_max_inverse(compiler: Compiler, est: Any) -> Kernel:
    demand(est.copy is True)
    operations = [(np.subtract, compiler.array(est, "min_")), (np.divide, compiler.array(est, "scale_"))]
    return _kernel(schema_of(est, named=True), operations)


def _max_abs(compiler: Compiler, est: Any) -> Kernel:
    clip = est.clip if VERSION >= (1, 8) else False
    demand(est.copy is True, type(clip) is bool)
    operations = [(np.divide, compiler.array(est, "scale_"))]
    return _kernel(schema_of(est), operations, limits=_limits(-1.0, 1.0) if clip else None)


def _max_abs_inverse(compiler: Compiler, est: Any) -> Kernel:
    demand(est.copy is True)
    return _kernel(schema_of(est, named=True), [(np.multiply, compiler.array(est, "scale_"))])


def _limits(low: Any, high: Any) -> dict[np.dtype, Any]:
    if VERSION < (1, 6):
        return {F64: (low, high), F32: (low, high)}
    return {dtype: (np.asarray(low, dtype=dtype), np.asarray(high, dtype=dtype)) for dtype in (F64, F32)}


CAST = VERSION >= (1, 8)  # from then on a StandardScaler casts its mean and scale to the dtype of the input
FORWARD = (("with_mean", "mean_", np.subtract), ("with_std", "scale_", np.divide))
BACKWARD = (("with_std", "scale_", np.multiply), ("with_mean", "mean_", np.add))

KERNELS: dict[tuple[str, str], Factory] = {
    ("StandardScaler", "transform"): _scaler(*FORWARD, cast=CAST),
    ("StandardScaler", "inverse_transform"): _scaler(*BACKWARD, cast=CAST, named=True),
    ("RobustScaler", "transform"): _scaler(
        ("with_centering", "center_", np.subtract), ("with_scaling", "scale_", np.divide)
    ),
    ("RobustScaler", "inverse_transform"): _scaler(
        ("with_scaling", "scale_", np.multiply), ("with_centering", "center_", np.add), named=True
    ),
    ("MinMaxScaler", "transform"): _min_max,
    ("MinMaxScaler", "inverse_transform"): _min_max_inverse,
    ("MaxAbsScaler", "transform"): _max_abs,
    ("MaxAbsScaler", "inverse_transform"): _max_abs_inverse,
}
