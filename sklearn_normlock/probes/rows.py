"""Rows of data in a lock: arrays, frames, sparse matrices, texts and records, as JSON and back, exactly.

Every document has a ``"form"``. An array of numbers, dates or spans holds ``"dtype"``, ``"shape"`` and ``"data"`` in
base64; other arrays stand as ``"items"`` in plain JSON (:mod:`sklearn_normlock.probes.items`). A frame has ``"names"``
and ``"columns"``; a column whose dtype is not NumPy's has a form of its own (:mod:`sklearn_normlock.probes.columns`).
A value that can't be kept exactly is refused by name.
"""

from __future__ import annotations

import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import LockFormatError, MissingDependencyError
from .items import Unkept, item, restored

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
        If they hold something that can't be kept exactly; the message names it.
    """
    if hasattr(rows, "tocsr"):
        return _sparse(rows)
    if hasattr(rows, "iloc") or hasattr(rows, "get_columns"):
        from .columns import encoded_frame

        return encoded_frame(rows)
    if isinstance(rows, np.ndarray):
        return encoded_array(rows)
    if isinstance(rows, (list, tuple)):
        return {"form": "list", "items": [item(row) for row in rows]}
    raise Unkept(rows)


def encoded_array(array: np.ndarray) -> dict[str, Any]:
    """Return an array as plain JSON values."""
    if type(array) is not np.ndarray:
        raise Unkept(array)
    shape = list(array.shape)
    if (array.dtype.kind in "fiub" and array.dtype.itemsize <= 8) or array.dtype.kind in "Mm":
        little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        data = b64encode(little.tobytes()).decode("ascii")
        return {"form": "array", "dtype": little.dtype.str, "shape": shape, "data": data}
    if array.dtype.kind in "US":
        dtype = array.dtype.newbyteorder("<").str
    elif array.dtype.kind == "O":
        dtype = "object"
    else:
        raise TypeError(f"rows can't be kept in a lock: an array of dtype {array.dtype}")
    flat = array.reshape(-1)
    values = flat if dtype == "object" else flat.tolist()
    return {"form": "array", "dtype": dtype, "shape": shape, "items": [item(value) for value in values]}


def _sparse(matrix: Any) -> dict[str, Any]:
    if matrix.ndim != 2:
        raise Unkept(matrix)
    rows = matrix.tocsr()
    return {
        "form": "sparse",
        "layout": matrix.format,
        "kind": "array" if type(matrix).__name__.endswith("_array") else "matrix",
        "shape": [int(n) for n in matrix.shape],
        "values": encoded_array(np.asarray(rows.data)),
        "indices": encoded_array(rows.indices.astype(np.int64)),
        "starts": encoded_array(rows.indptr.astype(np.int64)),
    }


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
        If they need a library that isn't installed, or another version of it.
    """
    try:
        return _decoded(document)
    except MissingDependencyError:
        raise
    except Exception as error:  # whatever a library says of damaged values
        raise LockFormatError(
            f"The rows of a probe can't be read ({type(error).__name__}: {error}).", remedy="Lock the object anew."
        ) from None


def _decoded(document: Mapping[str, Any]) -> Any:
    form = document["form"]
    if form == "list":
        return [restored(value) for value in document["items"]]
    if form == "array":
        return decoded_array(document)
    if form == "sparse":
        import scipy.sparse

        if "data" in document:  # as the first locks had it: all elements, the zeros too
            return scipy.sparse.csr_matrix(decoded_array(document))
        parts = [decoded_array(document[name]) for name in ("values", "indices", "starts")]
        rows = getattr(scipy.sparse, f"csr_{document['kind']}")(tuple(parts), shape=tuple(document["shape"]))
        return rows.asformat(document["layout"])
    from .columns import decoded_frame

    return decoded_frame(document)


def decoded_array(document: Mapping[str, Any]) -> np.ndarray:
    """Return an array as it was."""
    shape = tuple(document["shape"])
    if "data" in document:
        return np.frombuffer(b64decode(document["data"]), dtype=document["dtype"]).reshape(shape).copy()
    items = [restored(value) for value in document["items"]]
    if document["dtype"] != "object":
        return np.array(items, dtype=document["dtype"]).reshape(shape)
    array = np.empty(len(items), dtype=object)
    for i, value in enumerate(items):  # at once, NumPy would spread a tuple
        array[i] = value
    return array.reshape(shape)


def are_locked(document: Mapping[str, Any], digest: str) -> bool:
    """Tell whether encoded rows are those of a digest.

    pandas stores texts otherwise where pyarrow is installed, and as objects before its version 3.
    """
    stored = (_with_texts(document, storage) for storage in ("python", "pyarrow", None))
    return any(rows_digest(each) == digest for each in (document, *stored))


def _with_texts(value: Any, storage: str | None) -> Any:
    """Return encoded rows whose columns of texts are stored otherwise; as objects if the storage is None."""
    if isinstance(value, list):
        return [_with_texts(each, storage) for each in value]
    if not isinstance(value, Mapping):
        return value
    texts = _texts_of(value)
    if texts is None:
        return {
            key: storage if key == "storage" and storage else _with_texts(each, storage) for key, each in value.items()
        }
    if storage is None:
        items = [_GONE if text is None else text for text in texts]
        return {"form": "array", "dtype": "object", "shape": [len(items)], "items": items}
    return {"form": "text", "storage": storage, "missing": "nan", "items": texts}


_GONE = {"float": "nan"}


def _texts_of(column: Mapping[str, Any]) -> list[str | None] | None:
    """Return the texts of an encoded column that pandas 3 has a dtype of texts for, and older ones keep as objects."""
    if column.get("form") == "text" and column.get("missing") == "nan":
        return list(column["items"])
    if column.get("form") == "array" and column.get("dtype") == "object" and len(column["shape"]) == 1:
        items = [None if each == _GONE else each for each in column["items"]]
        if any(isinstance(each, str) for each in items) and all(
            each is None or isinstance(each, str) for each in items
        ):
            return items
    return None


def rows_digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of encoded rows, in hexadecimal."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()
