"""The three arrays of a sparse matrix, as kernels pass them on: a matrix of SciPy's is made only if need be."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import sparse
from sklearn._config import _get_threadlocal_config

from .compiler import VERSION, demand
from .inputs import F64

_UPCAST = {("d", char): "d" for char in "dfqli"} | {("f", "d"): "d", ("f", "f"): "f"}


class Rows:
    """A matrix of compressed rows, whose indices rise in each row and are there once.

    Parameters
    ----------
    data, indices, indptr : ndarray
        As of ``scipy.sparse.csr_matrix``; ``data`` holds what was passed in nobody else's array.
    width : int
        How many columns there are.
    """

    __slots__ = ("data", "indices", "indptr", "shape")

    def __init__(self, data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, width: int) -> None:
        self.data, self.indices, self.indptr = data, indices, indptr
        self.shape = (len(indptr) - 1, width)

    @property
    def dtype(self) -> np.dtype:
        """The type of the numbers."""
        return self.data.dtype

    def matrix(self) -> Any:
        """Return the matrix as scikit-learn would pass it on."""
        if self.shape[0] > 1:
            return finish((self.data, self.indices, self.indptr), self.shape, self.data.dtype)
        # SciPy checks what makes a matrix, which takes longer than to count the words of one document.
        matrix = copy(_empty(self.shape[1], VERSION >= (1, 9) and _get_threadlocal_config()["sparse_interface"]))
        matrix.data, matrix.indices, matrix.indptr = self.data, self.indices, self.indptr
        return matrix


def _finish() -> Callable[[Any, tuple[int, int], Any], Any]:
    """Return what makes a matrix of three arrays; its class and the integers in it differ by version."""
    if VERSION < (1, 9):
        return lambda parts, shape, dtype: sparse.csr_matrix(parts, shape=shape, dtype=dtype)
    from sklearn.preprocessing import _encoders

    narrow, align = _encoders._ensure_sparse_index_int32, _encoders._align_api_if_sparse

    def finish(parts: Any, shape: tuple[int, int], dtype: Any) -> Any:
        if _get_threadlocal_config()["sparse_interface"] == "spmatrix":  # its integers are narrow
            return sparse.csr_matrix(parts, shape=shape, dtype=dtype)
        out = sparse.csr_array(parts, shape=shape, dtype=dtype)
        narrow(out)
        return align(out)

    return finish


finish = _finish()


@lru_cache(64)
def _empty(width: int, interface: str | bool) -> Any:
    """Return a matrix of one row and no entries; the class depends on the interface that is configured."""
    none = np.empty(0, np.int32)
    return finish((np.empty(0), none, np.zeros(2, np.int32)), (1, width), F64)


def stacked(parts: list[Any], *, height: int) -> Rows | None:
    """Return arrays and rows side by side, as SciPy's ``hstack``; None for more rows than one, or a dtype of texts."""
    if height > 1 or any(part.dtype.char not in "dflqi?" for part in parts):
        return None
    data, indices, width = [], [], 0
    for part in parts:
        if type(part) is Rows:
            at, values = part.indices, part.data
        else:
            (row,) = part
            (at,) = row.nonzero()
            values = row[at]
        indices.append(at + width if width else at)
        data.append(values)
        width += part.shape[1]
    every = np.concatenate(data)
    ends = np.array([0, len(every)], dtype=np.int32)
    return Rows(every, np.concatenate(indices).astype(np.int32), ends, width)


def product(operand: np.ndarray) -> Callable[[Rows], Any]:
    """Return what multiplies rows by an array with SciPy's own compiled functions; it gives None of other dtypes.

    Parameters
    ----------
    operand : ndarray of shape (n_columns,) or (n_columns, n_results)
        Of floats.
    """
    tools: Any = sparse._sparsetools
    one, several = tools.csr_matvec, tools.csr_matvecs
    demand(operand.ndim in (1, 2))
    width, results = len(operand), operand.shape[1] if operand.ndim == 2 else 0
    flat = operand.ravel() if results < 2 else None
    code = operand.dtype.char

    def multiply(rows: Rows) -> Any:
        dtype = _UPCAST.get((code, rows.data.dtype.char))
        height, columns = rows.shape
        if dtype is None or columns != width:
            return None
        if flat is not None:
            out = np.zeros(height, dtype=dtype)
            one(height, width, rows.indptr, rows.indices, rows.data, flat, out)
            return out.reshape(height, 1) if results else out
        out = np.zeros((height, results), dtype=dtype)
        indices, part = rows.indices, operand
        if len(indices) < width:  # only those rows of the operand that are asked for have to be laid side by side
            part = operand.take(indices, axis=0)
            indices = np.arange(len(indices), dtype=indices.dtype)
        several(height, len(part), results, rows.indptr, indices, rows.data, part.ravel(), out.ravel())
        return out

    return multiply
