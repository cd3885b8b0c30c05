"""Stable keys: the same key gets the same number in every process, on every platform, in every version."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import numbers
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import _num_samples

from ..errors import NormLockError

__all__ = ["keys_of", "position"]

Key = str | int | Callable[[Any], Any] | None


def position(key: Any, salt: str = "") -> float | None:
    """Return where a key lies between 0 and 1; None for a missing one.

    Numbers of one value are one key, whatever their type: a column of integers becomes one of floats as soon as a value
    is missing. A text is another key than the number that it spells.

    Parameters
    ----------
    key : object
        A number, a text, bytes, a date or time, a UUID, or a tuple of such.
    salt : str, default=""
        Another salt gives independent positions.

    Returns
    -------
    position : float or None
        At least 0 and below 1.

    Raises
    ------
    NormLockError
        If it is of a type without a stable text.

    Examples
    --------
    >>> from sklearn_normlock.serving.keys import position
    >>> position(7) == position(7.0) != position("7")
    True
    """
    text = _text(key)
    if text is None:
        return None
    salted = salt.encode()
    digest = hashlib.blake2b(b"%d:" % len(salted) + salted + text, digest_size=8).digest()
    # The first 53 bits: more would be rounded, up to 1.
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def keys_of(X: Any, key: Key) -> list[Any]:
    """Return the key of each row.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n_rows, n_columns)
        Rows.
    key : str, int, callable or None
        A column by name or position; a function of X that returns a key for each row; None is all of the row.

    Raises
    ------
    NormLockError
        If there is no such column, or the function returns another number of keys.
    """
    rows = _num_samples(X)
    found = list(key(X)) if callable(key) else _column(X, key) if key is not None else _rows(X)
    if len(found) != rows:
        raise NormLockError(
            f"key returned {len(found)} keys for {rows} rows.",
            expected=rows,
            actual=len(found),
            remedy="Return one for each row.",
        )
    return found


def _column(X: Any, key: str | int) -> list[Any]:
    names = getattr(X, "columns", None)
    try:
        if names is not None and (isinstance(key, str) or key in list(names)):
            return list(X[key])
        if isinstance(key, str):
            raise KeyError(key)
        if names is not None:
            return list(X[list(names)[key]])
        if sparse.issparse(X):
            return list(X.tocsc()[:, [key]].toarray()[:, 0])
        return list(X[:, key]) if isinstance(X, np.ndarray) else [row[key] for row in X]
    except (KeyError, IndexError, TypeError) as error:
        known = f"it has {', '.join(map(str, list(names)[:8]))}" if names is not None else "it has no names of columns"
        raise NormLockError(
            f"The rows have no column {key!r}, which is the key: {known}.",
            path=str(key),
            remedy="Name a column that every request has, or give a function of X.",
        ) from error


def _rows(X: Any) -> list[Any]:
    if sparse.issparse(X):
        rows = X.tocsr(copy=True)
        rows.sum_duplicates()  # and sorts
        rows.eliminate_zeros()
        ends = zip(rows.indptr, rows.indptr[1:])  # noqa: B905 - one shorter by design
        return [(*rows.indices[a:b].tolist(), *rows.data[a:b].tolist()) for a, b in ends]
    if hasattr(X, "columns") and hasattr(X, "to_numpy"):
        array = X.to_numpy()
        if array.dtype.kind not in "fiub":
            return list(zip(*(list(X[name]) for name in X.columns), strict=True))
    elif isinstance(X, np.ndarray):
        array = X
    else:
        array = np.empty(0)
        with suppress(ValueError, TypeError):  # texts, or rows of several lengths
            array = np.asarray(X)
    if array.dtype.kind in "fiub" and array.ndim > 1:
        # The bytes of the numbers: as stable, and faster than a text for each.
        values = np.ascontiguousarray(array.reshape(len(array), -1), dtype="<f8") + 0.0  # -0.0 is 0
        values[np.isnan(values)] = np.nan
        return [row.tobytes() for row in values]
    return [tuple(row) if isinstance(row, (list, tuple, np.ndarray)) else row for row in X]


def _text(key: Any) -> bytes | None:
    """Return a key as bytes, unlike those of any other key; None for a missing one."""
    if key is None or (isinstance(key, float) and key != key) or type(key).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(key, str):
        return b"s" + key.encode("utf-8", "surrogatepass")
    if isinstance(key, bytes):
        return b"b" + key
    if isinstance(key, (np.datetime64, datetime.date)):
        return _instant(key)
    if isinstance(key, (numbers.Real, decimal.Decimal, np.bool_)) and not isinstance(key, np.timedelta64):
        return _number(key)
    if isinstance(key, uuid.UUID):
        return b"s" + str(key).encode()
    if isinstance(key, tuple):
        parts = [_text(each) for each in key]
        framed = (b"-" if part is None else b"%d:" % len(part) + part for part in parts)
        return b"t" + b"".join(framed)
    raise NormLockError(
        f"A key of type {type(key).__name__} has no stable text.",
        actual=repr(key)[:80],
        remedy="Use numbers, texts, dates or tuples of them as keys.",
    )


def _number(key: Any) -> bytes | None:
    if isinstance(key, numbers.Integral):
        return b"n%d" % int(key)
    value = float(key)
    if value != value:
        return None
    return b"n%d" % int(key) if value.is_integer() else b"n" + repr(value).encode()


def _instant(key: Any) -> bytes | None:
    """Return a date or a time: the same for every type that holds it, with up to nine digits of a second."""
    if isinstance(key, datetime.datetime) and key.tzinfo is not None:
        key = key.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    if isinstance(key, datetime.date):
        nanoseconds = getattr(key, "nanosecond", 0)  # of a pandas time, beyond the microseconds
        whole = np.datetime64(key.isoformat()[:26], "us")
    elif np.isnat(key):
        return None
    else:
        whole = key.astype("datetime64[us]")
        nanoseconds = int((key - whole).astype("timedelta64[ns]").astype(np.int64))
    return b"d%d.%d" % (int(whole.astype(np.int64)), nanoseconds)
