"""The output of a step: kept in a few kilobytes, and compared within a stated tolerance.

Two outputs with one digest are the same. Others are compared element by element; of an output with more than
:data:`LARGEST` elements, :data:`SUMS` sums are kept instead, each over a fixed pseudo-random share of the elements with
fixed pseudo-random signs. A change of one element changes one sum, and a change of many can hardly cancel in all sums.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import NormLockError, UnfingerprintableError
from ..fingerprints.arrays import array_bytes
from .parts import SUMS, Output

LARGEST = 640  # elements
_BLOCK = 1 << 16  # elements that are summed at a time

# Relative to the largest absolute value in the column. Round-off between platforms is about 1e-15, or 1e-8 where an
# output goes through a large offset or through numbers in float32; what versions really change is above 1e-7.
TOLERANCES = {"f8": 1e-7, "f4": 1e-5, "f2": 1e-2}
_FLOOR = 1e-13  # and relative to the largest of the whole output: what should be 0 may be a rest


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """How an output differs from the one that was expected.

    Parameters
    ----------
    path, method : str
        The step, and what was called.
    text : str
        What differs, in words.
    relative : float
        The largest difference, relative to the largest absolute value of its column; inf for another shape or label.
    sigmas : float, default=None
        The largest difference in standard deviations of its column over the rows of the probe, where that is known.
    """

    path: str
    method: str
    text: str
    relative: float
    sigmas: float | None = None

    @property
    def place(self) -> str:
        """Where it came out, such as ``"scaler.transform"``."""
        return f"{self.path}.{self.method}" if self.path else self.method


def outputs_of(path: str, method: str, value: Any) -> Iterator[Output]:
    """Yield what is kept of an output; a list of arrays, such as the probabilities of several targets, gives several.

    Parameters
    ----------
    path, method : str
        The step, and what was called.
    value : array, sparse matrix, DataFrame or list
        What it returned.
    """
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, np.ndarray) for item in value):
        for i, item in enumerate(value):
            yield from outputs_of(path, f"{method}[{i}]", item)
        return
    array = _plain_array(value)
    if hasattr(array, "tocsr"):
        yield _sparse_output(path, method, array)
    elif array.dtype.kind in "fiub":
        yield _numeric_output(path, method, array)
    else:
        texts = tuple(str(item) for item in array.ravel().tolist())
        digest = hashlib.sha256(json.dumps(texts).encode("ascii")).hexdigest()
        kept = texts if len(texts) <= LARGEST else ()
        yield Output(path=path, method=method, shape=array.shape, dtype="text", digest=digest, texts=kept)


def _plain_array(value: Any) -> Any:
    if hasattr(value, "tocsr") or type(value) is np.ndarray:
        return value
    if hasattr(value, "iloc"):
        value = value.to_numpy()
    elif hasattr(value, "__dataframe__") and hasattr(value, "to_numpy"):
        value = value.to_numpy()
    if isinstance(value, (list, tuple)):
        try:
            return np.asarray(value)
        except ValueError:  # ragged
            return np.array([str(item) for item in value])
    array = np.asarray(value)
    if array.dtype.kind == "O":
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError):
            return array
    return array


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(array_bytes(array, [])).hexdigest()


def _numeric_output(path: str, method: str, array: np.ndarray) -> Output:
    dtype = array.dtype.newbyteorder("<").str
    try:
        digest = _digest(array)
    except UnfingerprintableError:  # of extended precision, which every platform lays out in its own way
        array, dtype = array.astype(np.float64), "<f8"
        digest = _digest(array)
    fields: dict[str, Any] = {"path": path, "method": method, "shape": array.shape, "dtype": dtype, "digest": digest}
    if array.size <= LARGEST:
        return Output(data=_packed(np.asarray(array, dtype="<f8")), **fields)
    sums = _Sums()
    rows = max(1, _BLOCK // max(1, array[0].size)) if array.ndim > 1 else _BLOCK
    width = array[0].size if array.ndim > 1 else 1
    for start in range(0, len(array), rows):
        block = np.asarray(array[start : start + rows], dtype=np.float64).reshape(-1)
        sums.add(np.arange(start * width, start * width + block.size), block)
    return Output(**sums.fields(), **fields)


def _sparse_output(path: str, method: str, matrix: Any) -> Output:
    matrix = matrix.tocsr()
    if int(np.prod(matrix.shape)) <= LARGEST:
        return _numeric_output(path, method, matrix.toarray())
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    matrix_rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    flat = matrix_rows.astype(np.int64) * matrix.shape[1] + matrix.indices
    digest = hashlib.sha256(array_bytes(flat, []) + array_bytes(matrix.data, [])).hexdigest()
    sums = _Sums()
    for start in range(0, flat.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        sums.add(flat[part], matrix.data[part].astype(np.float64))
    return Output(
        path=path,
        method=method,
        shape=tuple(int(n) for n in matrix.shape),
        dtype=matrix.dtype.newbyteorder("<").str,
        digest=digest,
        **sums.fields(),
    )


class _Sums:
    """The sums of a large output, and where it isn't finite.

    NaN and infinities stand for no number, so that no sum holds them: any number in their place would set the scale
    by which a difference of the others is judged.
    """

    def __init__(self) -> None:
        self.sums, self.magnitude = np.zeros(SUMS), np.zeros(SUMS)
        self.strange = hashlib.sha256()
        self.finite = True

    def add(self, index: np.ndarray, values: np.ndarray) -> None:
        """Add elements to the sums that their flat indices choose, by a multiplicative hash."""
        finite = np.isfinite(values)
        if not finite.all():
            self.finite = False
            others = values[~finite]
            kinds = np.where(np.isnan(others), 0, np.where(others > 0, 1, 2))
            self.strange.update((index[~finite] * 4 + kinds).astype("<i8").tobytes())
            index, values = index[finite], values[finite]
        mixed = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        bucket = (mixed >> np.uint64(57)).astype(np.int64)
        sign = np.where(mixed >> np.uint64(31) & np.uint64(1), 1.0, -1.0)
        self.sums += np.bincount(bucket, weights=sign * values, minlength=SUMS)
        self.magnitude += np.bincount(bucket, weights=np.abs(values), minlength=SUMS)

    def fields(self) -> dict[str, Any]:
        """Return what an output keeps of them."""
        strange = {} if self.finite else {"not_finite": self.strange.hexdigest()}
        return {"data": _packed(self.sums), "magnitude": _packed(self.magnitude), **strange}


def _packed(array: np.ndarray) -> str:
    return b64encode(np.ascontiguousarray(array, dtype="<f8").tobytes()).decode("ascii")


def numbers_of(output: Output) -> np.ndarray:
    """Return the numbers that are kept of an output, in C order."""
    return _unpacked(output.data)


def some_rows(output: Output, at: np.ndarray, rows: int) -> Output | None:
    """Return what is kept of an output for some of its rows; None where sums alone are kept, or it has other rows.

    Parameters
    ----------
    output : Output
        For all rows.
    at : ndarray of int
        The rows to take.
    rows : int
        How many there were.
    """
    if output.magnitude or output.shape[:1] != (rows,) or not (output.data or output.texts):
        return None
    shape = (len(at), *output.shape[1:])
    if output.dtype == "text":
        texts = np.array(output.texts, dtype=object).reshape(output.shape)[at].ravel().tolist()
        return replace(output, shape=shape, texts=tuple(texts), digest="")
    return replace(output, shape=shape, data=_packed(numbers_of(output).reshape(output.shape)[at]), digest="")


def _unpacked(text: str) -> np.ndarray:
    return np.frombuffer(b64decode(text), dtype="<f8")


def require_tolerance(rtol: Any) -> None:
    """Refuse a tolerance under which nothing would differ, such as infinity, and whatever is no number."""
    if not isinstance(rtol, (int, float, np.number)) or not 0 <= rtol < 1:
        raise NormLockError(
            f"rtol is {rtol!r}; it must be a number from 0 to below 1, relative to the size of what is compared.",
            remedy="Give 0.0 for the same state to the last bit, or a small number such as 1e-6 for a refit.",
        )


def compare_outputs(expected: Output, actual: Output, rtol: float | None = None) -> Deviation | None:
    """Return how an output differs from the expected one, or None if it does not.

    Parameters
    ----------
    expected, actual : Output
        Of one step and method.
    rtol : float, default=None
        The tolerance, relative to the largest absolute value of a column; that of :data:`TOLERANCES` for the dtype if
        None. Labels and integers must be the same in any case.
    """
    where: dict[str, Any] = {"path": expected.path, "method": expected.method}
    if expected.shape != actual.shape:
        text = f"shape {_shape(expected.shape)} → {_shape(actual.shape)}"
        return Deviation(text=text, relative=np.inf, **where)
    if expected.digest == actual.digest and expected.dtype == actual.dtype:
        return None
    if (expected.dtype == "text") != (actual.dtype == "text"):
        return Deviation(text=f"dtype {expected.dtype} → {actual.dtype}", relative=np.inf, **where)
    if expected.dtype == "text":
        pairs = zip(expected.texts, actual.texts, strict=False)
        differing = [(i, a, b) for i, (a, b) in enumerate(pairs) if a != b]
        text = f"row {differing[0][0]}: {differing[0][1]} → {differing[0][2]}" if differing else "other labels"
        return Deviation(text=text, relative=np.inf, **where)
    kinds = expected.dtype.lstrip("<>|=")[:2], actual.dtype.lstrip("<>|=")[:2]
    if kinds[0] != kinds[1] and "f" in (kinds[0][0] + kinds[1][0]):
        return Deviation(text=f"dtype {expected.dtype} → {actual.dtype}", relative=np.inf, **where)
    before, after = _unpacked(expected.data), _unpacked(actual.data)
    if bool(expected.magnitude) != bool(actual.magnitude) or before.shape != after.shape:
        return Deviation(text="kept in another form", relative=np.inf, **where)
    if expected.not_finite != actual.not_finite:
        return Deviation(text="NaN or infinities stand elsewhere", relative=np.inf, **where)
    tolerance = TOLERANCES.get(kinds[0], 0.0)
    if rtol is not None and kinds[0][0] == "f":
        tolerance = max(tolerance, rtol)
    return _numbers(expected, before, after, tolerance, where)


def _numbers(
    expected: Output, before: np.ndarray, after: np.ndarray, tolerance: float, where: dict[str, Any]
) -> Deviation | None:
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    with np.errstate(invalid="ignore"):
        difference = np.where(same, 0.0, np.abs(after - before))
    difference = np.where(np.isnan(difference), np.inf, difference)
    if expected.magnitude:
        scale = _unpacked(expected.magnitude)
        sigma = None
    else:
        width = expected.shape[-1] if len(expected.shape) > 1 else 1
        table = before.reshape(-1, width) if width else before.reshape(0, 1)
        scale, sigma = _column_scales(table)
        scale = np.broadcast_to(scale, table.shape).reshape(-1)
        sigma = np.broadcast_to(sigma, table.shape).reshape(-1)
    floor = _FLOOR * (scale.max(initial=0.0) or 1.0) if tolerance else 0.0
    excess = difference > tolerance * scale + floor
    if not excess.any():
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(excess, np.where(scale > 0, difference / scale, np.inf), 0.0)
        sigmas = None if sigma is None else float(np.where(excess, difference / sigma, 0.0).max())
    worst = int(relative.argmax())
    if expected.magnitude:
        text = f"sums over the output differ by {relative[worst]:.2g} of its size"
    else:
        place = np.unravel_index(worst, expected.shape) if expected.shape else ()
        at = ", ".join(str(int(i)) for i in place)
        text = f"[{at}] {before[worst]:.6g} → {after[worst]:.6g}"
        if f"{before[worst]:.6g}" == f"{after[worst]:.6g}":
            text = f"[{at}] {float(before[worst])!r} → {float(after[worst])!r}"
    return Deviation(text=text, relative=float(relative[worst]), sigmas=sigmas, **where)


def _column_scales(table: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest absolute value of each column, and its standard deviation."""
    finite = np.isfinite(table)
    values = np.where(finite, table, 0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        scale = np.abs(values).max(axis=0, initial=0.0)
        count = np.maximum(finite.sum(axis=0), 1)
        unit = np.where(scale > 0, scale, 1.0)
        centred = np.where(finite, values / unit - (values / unit).sum(axis=0) / count, 0.0)
        sigma = unit * np.sqrt((centred**2).sum(axis=0) / count)
    # A column without spread has no deviation to measure by; its own size is what remains.
    return scale, np.where(sigma > 1e-12 * unit, sigma, unit)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "one value"
