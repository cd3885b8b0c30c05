"""Rows of data in a lock: arrays, DataFrames, texts and records, as JSON and back.

``{"form": "array", "dtype": "<f8", "shape": [2, 3], "data": …}`` holds numbers in base64; text and mixed columns
stand as ``"items"`` in plain JSON, with ``{"float": "nan"}`` for what JSON has no name for. A frame has ``"names"``
and ``"columns"``, each an array.
"""

from __future__ import annotations

import hashlib
import json
import math
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import LockFormatError, MissingDependencyError

LARGEST = 640  # numbers: rows that were made from statistics are kept up to this size


def encoded_rows(rows: Any) -> dict[str, Any]:
    """Return rows as plain JSON values.

    Parameters
    ----------
    rows : ndarray, DataFrame, sparse matrix or list
        A few.

    Raises
    ------
    TypeError
        If they hold something that is neither a number nor a text.
    """
    if hasattr(rows, "tocsr"):
        return {**_array(rows.toarray()), "form": "sparse"}
    if hasattr(rows, "iloc") and hasattr(rows, "columns"):
        columns = [_array(rows.iloc[:, i].to_numpy()) for i in range(rows.shape[1])]
        return {"form": "frame", "names": [_item(name) for name in rows.columns.tolist()], "columns": columns}
    if hasattr(rows, "iloc"):
        return _array(rows.to_numpy())
    if hasattr(rows, "get_columns"):  # polars
        columns = [_array(column.to_numpy()) for column in rows.get_columns()]
        return {"form": "frame", "names": list(rows.columns), "columns": columns}
    if isinstance(rows, np.ndarray):
        return _array(rows)
    return {"form": "list", "items": [_item(row) for row in rows]}


def _array(array: np.ndarray) -> dict[str, Any]:
    if array.dtype.kind in "fiub" and array.dtype.itemsize <= 8:
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        data = b64encode(little.tobytes()).decode("ascii")
        return {"form": "array", "dtype": little.dtype.str, "shape": list(array.shape), "data": data}
    items = [_item(item) for item in array.ravel().tolist()]
    dtype = "str" if array.dtype.kind == "U" else "object"
    return {"form": "array", "dtype": dtype, "shape": list(array.shape), "items": items}


def _item(item: Any) -> Any:
    if isinstance(item, np.generic):
        item = item.item()
    if item is None or isinstance(item, (str, bool, int)):
        return item
    if isinstance(item, float):
        return item if math.isfinite(item) else {"float": repr(item)}
    if isinstance(item, Mapping) and all(isinstance(key, str) for key in item):
        return {"record": {key: _item(value) for key, value in item.items()}}
    if isinstance(item, (list, tuple)):
        return {"tuple": [_item(value) for value in item]}
    raise TypeError(f"rows can't be kept in a lock: they hold a {type(item).__name__}")


def decoded_rows(document: Mapping[str, Any]) -> Any:
    """Return rows as they were.

    Parameters
    ----------
    document : mapping
        As :func:`encoded_rows` gave it.

    Raises
    ------
    LockFormatError
        If it isn't that.
    MissingDependencyError
        If they are a DataFrame and pandas isn't installed.
    """
    try:
        return _decoded(document)
    except MissingDependencyError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LockFormatError(
            f"The rows of a probe can't be read ({type(error).__name__}: {error}).", remedy="Lock the object anew."
        ) from None


def _decoded(document: Mapping[str, Any]) -> Any:
    form = document["form"]
    if form == "list":
        return [_restored(item) for item in document["items"]]
    if form == "sparse":
        from scipy.sparse import csr_matrix

        return csr_matrix(_decoded({**document, "form": "array"}))
    if form == "frame":
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise MissingDependencyError(
                "The probes of this lock are rows of a DataFrame.", remedy="Install pandas."
            ) from None
        columns = [_decoded(column) for column in document["columns"]]
        frame = pd.DataFrame(dict(enumerate(columns)))
        frame.columns = [_restored(name) for name in document["names"]]
        return frame
    shape = tuple(document["shape"])
    if "data" in document:
        return np.frombuffer(b64decode(document["data"]), dtype=document["dtype"]).reshape(shape).copy()
    items = [_restored(item) for item in document["items"]]
    if document["dtype"] == "str":
        return np.array(items, dtype=str).reshape(shape)
    array = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):  # at once, NumPy would spread a tuple
        array[i] = item
    return array.reshape(shape)


def _restored(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return item
    if "float" in item:
        return float(item["float"])
    if "tuple" in item:
        return tuple(_restored(value) for value in item["tuple"])
    return {key: _restored(value) for key, value in item["record"].items()}


def rows_digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of encoded rows, in hexadecimal."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
