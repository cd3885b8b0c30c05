"""What an entry of a record, and the rows of a probe, look like in a lock: the part of the format below its tables.

Pure Python. Each check names the field that is wrong and what it should be, or returns None; what passes can be
compared, decoded and shown without another look.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

Problem = tuple[str, str]  # the field, from the checked value on, and what it should be

_DTYPE = re.compile(r"[<|][biufcmMSUV][0-9]{1,9}(\[[0-9A-Za-z]+\])?\Z")
_ENTRY_DIGEST = re.compile(r"([0-9a-f]{32}|[0-9a-f]{64})\Z")
_BLOCK_DIGEST = re.compile(r"[0-9a-f]{12}\Z")
_NOT_FINITE = frozenset({"nan", "inf", "-inf"})
_NUMBERS = frozenset(["|b1", "|i1", "|u1", "<f2", *(f"<{kind}{n}" for kind in "fiu" for n in (2, 4, 8))])


def is_number(value: Any) -> bool:
    """Tell whether a value is a number that a float can hold; JSON's integers have no bound."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return abs(value) < 1e300 or (isinstance(value, float) and math.isfinite(value))


def is_base64(value: Any) -> bool:
    """Tell whether a value is canonical base64."""
    try:
        return isinstance(value, str) and base64.b64encode(base64.b64decode(value, validate=True)).decode() == value
    except (ValueError, TypeError):
        return False


def _is_float(value: Any) -> bool:
    return is_number(value) or (isinstance(value, str) and value in _NOT_FINITE)


def _is_integer(value: Any) -> bool:
    return type(value) is int and abs(value) < 1 << 64


# What the elements of an array of a dtype look like in plain JSON.
_ELEMENTS: Mapping[str, Callable[[Any], bool]] = {
    "f": _is_float,
    "i": _is_integer,
    "u": _is_integer,
    "b": lambda value: isinstance(value, bool),
    "U": lambda value: isinstance(value, str),
}


def is_count(value: Any) -> bool:
    """Tell whether a value is an integer that counts something: not negative, and no more than there can be."""
    return type(value) is int and 0 <= value < 1 << 63


def is_shape(value: Any) -> bool:
    """Tell whether a value is a shape; NumPy has no more than 64 dimensions."""
    return isinstance(value, list) and len(value) <= 64 and all(map(is_count, value))


def _is_texts(value: Any, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, list) and all(isinstance(x, str) and pattern.match(x) for x in value)


# -- an entry of a record ----------------------------------------------------------------------------------------------

# The fields that it may have, what they hold, and that in words.
_ENTRY: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "class": (lambda value: isinstance(value, str), "a string"),
    "digest": (
        lambda value: isinstance(value, str) and bool(_ENTRY_DIGEST.match(value)),
        "32 or 64 hexadecimal digits",
    ),
    "member": (lambda value: value is True, "true"),
    "cut": (lambda value: value is True, "true"),
    "text": (lambda value: isinstance(value, str), "a string"),
    "dtype": (lambda value: isinstance(value, str) and bool(_DTYPE.match(value)), "NumPy's name of a dtype"),
    "shape": (is_shape, "a list of integers, none negative"),
    "data": (is_base64, "base64"),
    "values": (lambda value: isinstance(value, list), "a list"),
    "summary": (
        lambda value: isinstance(value, Mapping) and all(map(is_number, value.values())),
        "an object with finite numbers",
    ),
    "blocks": (lambda value: _is_texts(value, _BLOCK_DIGEST), "a list of 12 hexadecimal digits each"),
    "span": (lambda value: is_count(value) and value > 0, "a positive integer"),
}


def entry_problem(entry: Mapping[str, Any], later: bool) -> Problem | None:
    """Return what is wrong with an entry of a record, or None.

    Parameters
    ----------
    entry : mapping
        Of strings to JSON values.
    later : bool
        Whether it is of a later revision, and may have fields that are unknown here.
    """
    for name, (check, expected) in _ENTRY.items():
        if name in entry and not check(entry[name]):
            return name, expected
    unknown = sorted(set(entry) - set(_ENTRY))
    if unknown and not later:
        return unknown[0], "absent: no entry has such a field"
    if not {"digest", "data", "values"} & set(entry):
        return "", "an entry with its digest, or an array by value"
    if {"data", "values", "blocks", "summary"} & set(entry) and not ("dtype" in entry and "shape" in entry):
        return "", "an array with its dtype and shape"
    if "blocks" in entry and "span" not in entry:
        return "", "blocks with their span"
    return _array_problem(entry)


def _array_problem(entry: Mapping[str, Any]) -> Problem | None:
    if "values" in entry:
        check = _ELEMENTS.get(entry["dtype"][1])
        if check is None:
            return "dtype", "one whose elements stand in plain JSON"
        for i, value in enumerate(entry["values"]):
            if not check(value):
                return f"values[{i}]", f"an element of dtype {entry['dtype']}"
        if len(entry["values"]) != math.prod(entry["shape"]):
            return "values", "as many values as the shape says"
    if "data" in entry:
        size = int(re.split(r"\[", entry["dtype"][2:])[0]) * (4 if entry["dtype"][1] == "U" else 1)
        if len(base64.b64decode(entry["data"])) != size * math.prod(entry["shape"]):
            return "data", "as many bytes as dtype and shape say"
    return None


# -- rows --------------------------------------------------------------------------------------------------------------


def rows_problem(rows: Mapping[str, Any], later: bool) -> Problem | None:
    """Return what is wrong with rows, as :mod:`sklearn_normlock.probes.rows` writes them, or None.

    Parameters
    ----------
    rows : mapping
        Of strings to JSON values.
    later : bool
        As for :func:`entry_problem`.
    """
    form = rows.get("form")
    if not isinstance(form, str) or form not in _FIELDS:
        return "form", " or ".join(_FIELDS)
    names = _FIELDS[form]
    if form in ("array", "sparse"):
        names = (*names, "data" if "data" in rows or form == "sparse" else "items")
    missing = [name for name in names if name not in rows]
    if missing:
        return missing[0], "there"
    unknown = sorted(set(rows) - {"form", *names})
    if unknown and not later:
        return unknown[0], "absent: rows of this form have no such field"
    if form == "frame":
        return _frame_problem(rows)
    if form == "list":
        return _items_problem("items", rows["items"])
    return _numbers_problem(rows)


_FIELDS: Mapping[str, tuple[str, ...]] = {
    "array": ("dtype", "shape"),
    "frame": ("names", "columns"),
    "list": ("items",),
    "sparse": ("dtype", "shape"),
}


def _frame_problem(rows: Mapping[str, Any]) -> Problem | None:
    columns = rows["columns"]
    if not isinstance(columns, list):
        return "columns", "a list"
    for i, column in enumerate(columns):
        if not isinstance(column, Mapping) or column.get("form") != "array":
            return f"columns[{i}]", "an array"
        found = rows_problem(column, False)
        if found is not None:
            return f"columns[{i}].{found[0]}", found[1]
        if column["shape"] != [columns[0]["shape"][0] if columns[0]["shape"] else -1]:
            return f"columns[{i}].shape", "one number, the same for each column"
    found = _items_problem("names", rows["names"])
    if found is None and len(rows["names"]) != len(columns):
        return "names", "as many as there are columns"
    return found


def _numbers_problem(rows: Mapping[str, Any]) -> Problem | None:
    if not is_shape(rows["shape"]) or (rows["form"] == "sparse" and len(rows["shape"]) != 2):
        return "shape", "a list of integers, none negative; of two for sparse rows"
    if "data" not in rows:
        if rows["dtype"] not in ("str", "object"):
            return "dtype", "str or object"
        found = _items_problem("items", rows["items"])
        if found is None and len(rows["items"]) != math.prod(rows["shape"]):
            return "items", "as many as the shape says"
        return found
    if not isinstance(rows["dtype"], str) or rows["dtype"] not in _NUMBERS:
        return "dtype", "a dtype of numbers"
    size = int(rows["dtype"][2:]) * math.prod(rows["shape"])
    if not is_base64(rows["data"]) or len(base64.b64decode(rows["data"])) != size:
        return "data", "base64 of as many bytes as dtype and shape say"
    return None


def _items_problem(where: str, items: Any) -> Problem | None:
    if not isinstance(items, list):
        return where, "a list"
    for i, item in enumerate(items):
        if not _is_item(item):
            return f"{where}[{i}]", "a value, a tuple or a record of values"
    return None


def _is_item(item: Any) -> bool:
    if not isinstance(item, Mapping):
        return item is None or isinstance(item, (str, bool)) or _is_integer(item) or is_number(item)
    if len(item) != 1:
        return False
    (kind, value), *_ = item.items()
    if kind == "float":
        return isinstance(value, str) and value in _NOT_FINITE
    if kind == "tuple":
        return isinstance(value, list) and all(map(_is_item, value))
    return kind == "record" and isinstance(value, Mapping) and all(map(_is_item, value.values()))
